// Command worker is user-service.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"example.com/user-service/internal/platform/admin"
	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/lifecycle"
	"example.com/user-service/internal/platform/telemetry"
)

// version is set by the linker.
var version = "dev"

func main() {
	err := run(context.Background(), os.Args[1:], os.Getenv, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "user-service:", err)
	}
	os.Exit(config.ExitCode(err))
}

// run does what args say and returns when that is done.
func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	cfg, err := config.Load(args, getenv)
	if err != nil {
		return fmt.Errorf("load settings: %w", err)
	}
	log := telemetry.NewLogger(stderr, cfg.LogLevel)
	build := telemetry.ReadBuild("user-service", version)

	switch cfg.Command {
	case "produce", "produce --whole":
		err = produce(ctx, cfg, os.Stdin, log)
	case "healthcheck":
		err = admin.Healthcheck(ctx, cfg.AdminAddr)
	case "version":
		_, err = fmt.Fprintln(os.Stdout, build)
	default:
		ctx, stop := lifecycle.Signals(ctx)
		defer stop()
		debug.SetMemoryLimit(cfg.MemoryLimit)
		options := lifecycle.Options{Logger: log, DrainDelay: cfg.DrainDelay, ShutdownTimeout: cfg.ShutdownTimeout}
		err = lifecycle.Run(ctx, options, func(app *lifecycle.App) error { return wire(ctx, app, cfg, build, log) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cfg.Command, err)
	}
	return nil
}
