package main

import (
	"context"
	"fmt"
	"log/slog"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/platform/admin"
	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/platform/lifecycle"
	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/migrations"
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

	database := postgres.Config{
		URL: cfg.DatabaseURL.Reveal(), Application: build.Service, MaxConns: cfg.DatabaseMaxConns,
		StartTimeout: cfg.StartTimeout, StatementTimeout: cfg.RequestTimeout,
		TracerProvider: tracing,
	}
	db, err := postgres.Open(ctx, database, log)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	app.OnStop("database", db.Shutdown)
	app.ReadyWhen("database", db.Ready(migrations.FS))
	users, feed := user.NewService(user.NewStore(db)), user.NewFeed()
	listener := user.NewListener(database, feed, log)
	registry.MustRegister(db.Collector(), listener.Collector())
	app.Serve("feed", listener)
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
	return serveREST(ctx, app, cfg, server, httpserver.Options{Registerer: registry, TracerProvider: tracing}, log)
}
