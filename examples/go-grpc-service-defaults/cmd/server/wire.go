package main

import (
	"context"
	"fmt"
	"log/slog"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/platform/admin"
	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/lifecycle"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/user"
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

	log.WarnContext(ctx, "users are kept in memory and end with this process")
	feed := user.NewFeed()
	users := user.NewService(user.NewPublishingStore(feed))
	server, err := grpcserver.New(cfg.GRPCAddr, grpcserver.Options{ //nolint:contextcheck // each call has a context of its own
		Logger: log, Registerer: registry, Status: api.Status, Ready: app.Ready, Drain: ctx.Done(), RequestTimeout: cfg.RequestTimeout,
		MaxBodyBytes: cfg.MaxBodyBytes, MaxInFlight: cfg.MaxInFlight, Reflection: cfg.Reflection, TLS: grpcserver.TLSFiles(cfg.TLS),
		TracerProvider: tracing,
	})
	if err != nil {
		return fmt.Errorf("make gRPC server: %w", err)
	}
	api.Register(server, users, feed)
	app.Serve("admin", admin.NewServer(cfg.AdminAddr, admin.Options{
		Logger: log, Level: cfg.LogLevel, Gatherer: registry, Build: build, Ready: app.Ready,
	}))
	app.Serve("grpc", server)
	return nil
}
