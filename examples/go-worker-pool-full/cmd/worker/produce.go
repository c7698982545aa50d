package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"uuid"

	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/source"
	"example.com/user-service/internal/platform/telemetry"
)

// broker is what the settings say of the broker.
func broker(cfg config.Config) source.Config {
	return source.Config{
		URL: cfg.BrokerURL.Reveal(), Name: cfg.Jobs, Prefetch: cfg.Workers + cfg.Queue, MaxAttempts: cfg.MaxAttempts,
		Hold: cfg.Hold(), StartTimeout: cfg.StartTimeout,
	}
}

// produce sends every line that it reads as one job, or all that it reads if the command says that this is the whole of one.
func produce(ctx context.Context, cfg config.Config, jobs io.Reader, log *slog.Logger) (err error) {
	producer, err := source.OpenProducer(ctx, broker(cfg), log)
	if err != nil {
		return fmt.Errorf("open broker: %w", err)
	}
	defer func() { err = errors.Join(err, producer.Close(context.WithoutCancel(ctx))) }()
	publish := producer.Publish
	tracing, flush, err := telemetry.StartTraces(ctx, cfg.TracesEndpoint, telemetry.ReadBuild("user-service", version), log)
	if err != nil {
		return fmt.Errorf("start tracing: %w", err)
	}
	defer func() { err = errors.Join(err, flush(context.WithoutCancel(ctx))) }()
	publish = source.Traced(publish, tracing)
	scanner := bufio.NewScanner(jobs)
	scanner.Buffer(nil, int(min(cfg.MaxBodyBytes, math.MaxInt32))+len("\n"))
	if cfg.Command == "produce --whole" {
		scanner.Split(whole)
	}
	sent := 0
	for ; scanner.Scan(); sent++ {
		message := source.Outgoing{Key: uuid.NewV7().String(), Body: scanner.Bytes()}
		if err := publish(ctx, message); err != nil {
			return fmt.Errorf("send job %d: %w", sent+1, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read job %d, of at most %d bytes: %w", sent+1, cfg.MaxBodyBytes, err)
	}
	log.InfoContext(ctx, "sent", slog.Int("jobs", sent), slog.String("to", cfg.Jobs))
	return nil
}

// whole is the bufio.SplitFunc of one token, be it empty.
func whole(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if !atEOF {
		return 0, nil, nil
	}
	return len(data), data, bufio.ErrFinalToken
}
