// Command server is [[ name ]].
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"[[ module ]]/internal/platform/admin"
	"[[ module ]]/internal/platform/config"
	"[[ module ]]/internal/platform/lifecycle"
	//% if database == "postgres"
	"[[ module ]]/internal/platform/postgres"
	//% endif
	"[[ module ]]/internal/platform/telemetry"
	//% if database == "postgres"
	"[[ module ]]/internal/user/migrations"
	//% endif
)

// version is set by the linker.
var version = "dev"

func main() {
	err := run(context.Background(), os.Args[1:], os.Getenv, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "[[ name ]]:", err)
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
	build := telemetry.ReadBuild("[[ name ]]", version)

	switch cfg.Command {
	//% if database == "postgres"
	case "migrate":
		ctx, stop := lifecycle.Signals(ctx)
		defer stop()
		database := postgres.Config{URL: cfg.DatabaseURL.Reveal(), StartTimeout: cfg.StartTimeout}
		err = postgres.Migrate(ctx, database, migrations.FS, log)
	//% endif
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
