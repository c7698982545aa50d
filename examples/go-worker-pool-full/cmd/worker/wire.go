package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"example.com/user-service/internal/job"
	"example.com/user-service/internal/platform/admin"
	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/consumer"
	"example.com/user-service/internal/platform/lifecycle"
	"example.com/user-service/internal/platform/source"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/pool"
)

// wire makes the parts of the service and adds them to app. What is added first stops last.
func wire(ctx context.Context, app *lifecycle.App, cfg config.Config, build telemetry.Build, log *slog.Logger) error {
	registry := telemetry.NewRegistry()
	registry.MustRegister(telemetry.NewReadiness(ctx, app.Ready))

	tracing, flush, err := telemetry.StartTraces(ctx, cfg.TracesEndpoint, build, log)
	if err != nil {
		return fmt.Errorf("start tracing: %w", err)
	}
	app.OnStop("tracing", flush)

	messages, err := source.Open(ctx, broker(cfg), log)
	if err != nil {
		return fmt.Errorf("open broker: %w", err)
	}
	app.OnStop("broker", messages.Close)
	app.ReadyWhen("broker", messages.Ready)
	registry.MustRegister(source.NewLag(ctx, messages.Lag))
	words := job.NewCounter(log)
	jobs, err := consumer.New(ctx, messages, func(ctx context.Context, j consumer.Job) error {
		return words.Do(ctx, j.Key, j.Body)
	}, consumer.Options{
		Logger: log, Registerer: registry, Workers: cfg.Workers, Queue: cfg.Queue, JobTimeout: cfg.RequestTimeout,
		MaxAttempts: cfg.MaxAttempts, Backoff: pool.Backoff{First: cfg.RetryDelay, Max: cfg.RetryDelayMax},
		MaxBodyBytes: cfg.MaxBodyBytes, Permanent: func(err error) bool { return errors.Is(err, job.ErrInvalid) },
		TracerProvider: tracing,
	})
	if err != nil {
		return fmt.Errorf("make the workers: %w", err)
	}
	messages.OnBury(jobs.CountBuried)
	app.Serve("admin", admin.NewServer(cfg.AdminAddr, admin.Options{
		Logger: log, Level: cfg.LogLevel, Gatherer: registry, Build: build, Ready: app.Ready,
	}))
	app.Serve("jobs", jobs)
	return nil
}
