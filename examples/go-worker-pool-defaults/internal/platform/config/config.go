// Package config reads the settings of the service from its arguments and its environment.
package config

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Config holds every setting, checked.
type Config struct {
	// Command is what the process was started for.
	Command string

	AdminAddr string

	// LogLevel can be changed while the service runs.
	LogLevel *slog.LevelVar

	// GenerateEvery is the interval of the example jobs.
	GenerateEvery time.Duration

	// TracesEndpoint is empty while tracing is off.
	TracesEndpoint string

	Workers        int
	Queue          int
	RequestTimeout time.Duration
	MaxBodyBytes   int64
	MaxAttempts    int
	RetryDelay     time.Duration
	RetryDelayMax  time.Duration

	DrainDelay      time.Duration
	ShutdownTimeout time.Duration

	// MemoryLimit is for debug.SetMemoryLimit: a negative one leaves the limit as it is.
	MemoryLimit int64
}

// Load reads the command and the settings. Its error is an *Error with every mistake in them.
func Load(args []string, getenv func(string) string) (Config, error) {
	e := &env{getenv: getenv}
	cfg := Config{Command: e.command(args), LogLevel: new(slog.LevelVar)}
	if cfg.Command == "version" {
		return cfg, nil
	}

	cfg.AdminAddr = e.address("ADMIN_ADDR", "127.0.0.1:8081")
	cfg.LogLevel.Set(e.level("LOG_LEVEL", slog.LevelInfo))

	cfg.GenerateEvery = e.duration("GENERATE_EVERY", time.Second, time.Millisecond)

	const wantEndpoint = "a URL such as http://localhost:4317"
	cfg.TracesEndpoint = read(e, "OTEL_EXPORTER_OTLP_ENDPOINT", "", wantEndpoint, absoluteURL)
	cfg.TracesEndpoint = read(e, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", cfg.TracesEndpoint, wantEndpoint, absoluteURL)

	cfg.Workers = int(e.count("WORKERS", 8, 1))
	cfg.Queue = int(e.count("QUEUE", 64, 0))
	cfg.RequestTimeout = e.duration("REQUEST_TIMEOUT", 5*time.Second, time.Millisecond)
	cfg.MaxBodyBytes = e.bytes("MAX_BODY_BYTES", 1<<20, 1)
	cfg.MaxAttempts = int(e.count("MAX_ATTEMPTS", 5, 1))
	cfg.RetryDelay = e.duration("RETRY_DELAY", time.Second, time.Millisecond)
	cfg.RetryDelayMax = e.duration("RETRY_DELAY_MAX", time.Minute, time.Millisecond)

	cfg.DrainDelay = e.duration("DRAIN_DELAY", 5*time.Second, 0)
	cfg.ShutdownTimeout = e.duration("SHUTDOWN_TIMEOUT", 20*time.Second, time.Millisecond)
	cfg.MemoryLimit = e.memoryLimit()
	return cfg, e.err()
}

func (e *env) command(args []string) string {
	commands := []string{"serve", "healthcheck", "version"}
	if len(args) == 0 {
		return commands[0]
	}
	command := strings.Join(args, " ")
	if !slices.Contains(commands, command) {
		e.mistake("command", fmt.Sprintf("one of %s, got %q", strings.Join(commands, ", "), command))
	}
	return command
}
