// Package config reads the settings of the service from its arguments and its environment.
package config

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config holds every setting, checked.
type Config struct {
	// Command is what the process was started for.
	Command string

	HTTPAddr       string
	AllowedOrigins []string

	GRPCAddr  string
	AdminAddr string

	// LogLevel can be changed while the service runs.
	LogLevel *slog.LevelVar

	DatabaseURL      Secret
	DatabaseMaxConns int32
	StartTimeout     time.Duration

	// TracesEndpoint is empty while tracing is off.
	TracesEndpoint string

	RequestTimeout time.Duration
	MaxBodyBytes   int64
	MaxInFlight    int
	Reflection     bool
	TLS            TLSFiles

	DrainDelay      time.Duration
	ShutdownTimeout time.Duration

	// MemoryLimit is for debug.SetMemoryLimit: a negative one leaves the limit as it is.
	MemoryLimit int64
}

// TLSFiles are the files of TLS, or none of them. With ClientCA clients need a certificate, too.
type TLSFiles struct {
	Cert, Key, ClientCA string
}

// Load reads the command and the settings. Its error is an *Error with every mistake in them.
func Load(args []string, getenv func(string) string) (Config, error) {
	e := &env{getenv: getenv}
	cfg := Config{Command: e.command(args), LogLevel: new(slog.LevelVar)}
	if cfg.Command == "version" {
		return cfg, nil
	}

	cfg.HTTPAddr = e.address("HTTP_ADDR", ":8080")
	cfg.AllowedOrigins = e.origins("CORS_ALLOWED_ORIGINS")
	cfg.GRPCAddr = e.address("GRPC_ADDR", ":50051")
	cfg.AdminAddr = e.address("ADMIN_ADDR", "127.0.0.1:8081")
	cfg.LogLevel.Set(e.level("LOG_LEVEL", slog.LevelInfo))

	cfg.DatabaseURL = e.secret("DATABASE_URL", "a URL such as postgres://user:password@localhost:5432/database", func(dsn string) bool {
		_, err := pgx.ParseConfig(dsn)
		return err == nil
	})
	cfg.DatabaseMaxConns = e.count("DATABASE_MAX_CONNS", 10, 1)
	cfg.StartTimeout = e.duration("START_TIMEOUT", 30*time.Second, time.Millisecond)

	const wantEndpoint = "a URL such as http://localhost:4317"
	cfg.TracesEndpoint = read(e, "OTEL_EXPORTER_OTLP_ENDPOINT", "", wantEndpoint, absoluteURL)
	cfg.TracesEndpoint = read(e, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", cfg.TracesEndpoint, wantEndpoint, absoluteURL)

	cfg.RequestTimeout = e.duration("REQUEST_TIMEOUT", 5*time.Second, time.Millisecond)
	cfg.MaxBodyBytes = e.bytes("MAX_BODY_BYTES", 1<<20, 1)
	cfg.MaxInFlight = int(e.count("MAX_IN_FLIGHT", 0, 0))
	cfg.Reflection = read(e, "GRPC_REFLECTION", false, "true or false", strconv.ParseBool)
	cfg.TLS = e.tlsFiles()

	cfg.DrainDelay = e.duration("DRAIN_DELAY", 5*time.Second, 0)
	cfg.ShutdownTimeout = e.duration("SHUTDOWN_TIMEOUT", 20*time.Second, time.Millisecond)
	cfg.MemoryLimit = e.memoryLimit()
	return cfg, e.err()
}

func (e *env) command(args []string) string {
	commands := []string{"serve", "healthcheck", "migrate", "version"}
	if len(args) == 0 {
		return commands[0]
	}
	if len(args) > 1 || !slices.Contains(commands, args[0]) {
		e.mistake("command", fmt.Sprintf("one of %s, got %q", strings.Join(commands, ", "), strings.Join(args, " ")))
	}
	return args[0]
}

// tlsFiles reads the names of the files of TLS, which go together.
func (e *env) tlsFiles() TLSFiles {
	given := func(key string) bool { return e.getenv(key) != "" }
	if given("TLS_CERT_FILE") != given("TLS_KEY_FILE") {
		e.mistake("TLS_CERT_FILE, TLS_KEY_FILE", "both or neither")
	} else if given("TLS_CLIENT_CA_FILE") && !given("TLS_CERT_FILE") {
		e.mistake("TLS_CLIENT_CA_FILE", "TLS_CERT_FILE and TLS_KEY_FILE as well: clients show certificates over TLS only")
	}
	return TLSFiles{Cert: e.file("TLS_CERT_FILE"), Key: e.file("TLS_KEY_FILE"), ClientCA: e.file("TLS_CLIENT_CA_FILE")}
}

// file reads the name of a file, which must be there.
func (e *env) file(key string) string {
	return read(e, key, "", "a file that can be read", func(path string) (string, error) {
		f, err := os.Open(filepath.Clean(path))
		if err != nil {
			return "", fmt.Errorf("try the file: %w", err)
		}
		return path, f.Close()
	})
}
