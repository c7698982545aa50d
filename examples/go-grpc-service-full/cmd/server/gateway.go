package main

import (
	"context"
	"fmt"
	"log/slog"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/platform/lifecycle"
)

// serveREST adds the listener for REST, which answers with calls of server. It is added last, and so stops before server does.
func serveREST(ctx context.Context, app *lifecycle.App, cfg config.Config, server *grpcserver.Server, options httpserver.Options, log *slog.Logger) error {
	conn, err := server.Local()
	if err != nil {
		return fmt.Errorf("make gateway: %w", err)
	}
	app.OnStop("gateway", func(context.Context) error { return conn.Close() })

	options.Logger, options.AllowedOrigins = log, cfg.AllowedOrigins
	options.RequestTimeout, options.MaxBodyBytes = cfg.RequestTimeout, cfg.MaxBodyBytes // the server limits what is in flight
	router := httpserver.NewRouter(options)
	if err := api.RegisterGateway(ctx, router, conn); err != nil {
		return fmt.Errorf("make gateway: %w", err)
	}
	tlsConfig, err := grpcserver.HTTPConfig(grpcserver.TLSFiles(cfg.TLS), log) //nolint:contextcheck // each handshake has a context of its own
	if err != nil {
		return fmt.Errorf("make gateway: %w", err)
	}
	app.Serve("http", httpserver.NewTLSServer(cfg.HTTPAddr, router, cfg.RequestTimeout, log, tlsConfig))
	return nil
}
