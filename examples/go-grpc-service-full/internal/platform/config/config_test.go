package config_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/config"
)

func load(env map[string]string, args ...string) (config.Config, error) {
	return config.Load(args, func(key string) string { return env[key] })
}

// required are the variables that have no default.
func required() map[string]string {
	return map[string]string{"DATABASE_URL": "postgres://user:password@localhost:5432/database"}
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := load(required())
	require.NoError(t, err)

	assert.Equal(t, "serve", cfg.Command)
	assert.Equal(t, ":50051", cfg.GRPCAddr)
	assert.Equal(t, ":8080", cfg.HTTPAddr)
	assert.Empty(t, cfg.AllowedOrigins)
	assert.Equal(t, "127.0.0.1:8081", cfg.AdminAddr)
	assert.Equal(t, slog.LevelInfo, cfg.LogLevel.Level())
	assert.Equal(t, 5*time.Second, cfg.RequestTimeout)
	assert.Equal(t, int64(1<<20), cfg.MaxBodyBytes)
	assert.Zero(t, cfg.MaxInFlight)
	assert.False(t, cfg.Reflection)
	assert.Zero(t, cfg.TLS)
	assert.Equal(t, 5*time.Second, cfg.DrainDelay)
	assert.Equal(t, 20*time.Second, cfg.ShutdownTimeout)
	assert.Negative(t, cfg.MemoryLimit)
	assert.Empty(t, cfg.TracesEndpoint)
	assert.Equal(t, required()["DATABASE_URL"], cfg.DatabaseURL.Reveal())
	assert.Equal(t, int32(10), cfg.DatabaseMaxConns)
	assert.Equal(t, 30*time.Second, cfg.StartTimeout)
}

func TestLoadTellsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"GRPC_ADDR": "50051", "DRAIN_DELAY": "5", "GRPC_REFLECTION": "on", "TLS_KEY_FILE": "/nothing/here", "MEMORY_LIMIT": "1Gi",
	}
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector:4317"
	env["DATABASE_URL"] = "postgres://user:hunter2@localhost:port/database"
	_, err := load(env, "surf", "now")

	require.Error(t, err)
	assert.Equal(t, 2, config.ExitCode(err))
	for _, want := range []string{
		`command: want one of serve, `, `got "surf now"`,
		`GRPC_ADDR: want host:port or :port, got "50051"`,
		`DRAIN_DELAY: want a duration of at least 0s, such as 5s, got "5"`,
		`GRPC_REFLECTION: want true or false, got "on"`,
		`TLS_KEY_FILE: want a file that can be read, got "/nothing/here"`,
		`TLS_CERT_FILE, TLS_KEY_FILE: want both or neither`,
		`MEMORY_LIMIT: want a number of bytes from 1 on, got "1Gi"`,
		`OTEL_EXPORTER_OTLP_ENDPOINT: want a URL such as http://localhost:4317, got "collector:4317"`,
		`DATABASE_URL: want a URL such as postgres://user:password@localhost:5432/database`,
	} {
		require.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestLoadCommands(t *testing.T) {
	t.Parallel()
	commands := []string{"serve", "healthcheck", "migrate", "version"}
	for _, command := range commands {
		cfg, err := load(required(), command)
		require.NoError(t, err)
		assert.Equal(t, command, cfg.Command)
	}
	_, err := load(map[string]string{"GRPC_ADDR": "wrong"}, "version")
	require.NoError(t, err, "the version does not depend on the environment")
}

func TestLoadTLS(t *testing.T) {
	t.Parallel()
	const both = "TLS_CERT_FILE, TLS_KEY_FILE: want both or neither"
	directory := t.TempDir()
	tests := map[string]struct {
		set  []string
		want string // the mistake
	}{
		"neither":                {},
		"a certificate":          {set: []string{"TLS_CERT_FILE", "TLS_KEY_FILE"}},
		"clients need one, too":  {set: []string{"TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE"}},
		"no key":                 {set: []string{"TLS_CERT_FILE"}, want: both},
		"no certificate":         {set: []string{"TLS_KEY_FILE"}, want: both},
		"no key, but clients'":   {set: []string{"TLS_CERT_FILE", "TLS_CLIENT_CA_FILE"}, want: both},
		"only clients need one?": {set: []string{"TLS_CLIENT_CA_FILE"}, want: "TLS_CLIENT_CA_FILE: want TLS_CERT_FILE and TLS_KEY_FILE as well"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, files := required(), map[string]string{}
			for _, key := range test.set {
				files[key] = filepath.Join(directory, strings.ReplaceAll(name, " ", "-")+key)
				require.NoError(t, os.WriteFile(files[key], nil, 0o600))
				env[key] = files[key]
			}
			cfg, err := load(env)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				assert.Len(t, strings.Split(err.Error(), "\n"), 2, "one mistake, told once")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, config.TLSFiles{
				Cert: files["TLS_CERT_FILE"], Key: files["TLS_KEY_FILE"], ClientCA: files["TLS_CLIENT_CA_FILE"],
			}, cfg.TLS)
		})
	}
}

func TestLoadMemoryLimit(t *testing.T) {
	t.Parallel()
	env := required()
	env["MEMORY_LIMIT"] = "1000"
	cfg, err := load(env)
	require.NoError(t, err)
	assert.Equal(t, int64(900), cfg.MemoryLimit)

	env["GOMEMLIMIT"] = "500MiB"
	cfg, err = load(env)
	require.NoError(t, err)
	assert.Negative(t, cfg.MemoryLimit, "what the runtime was told stays")
}

func TestLoadSettings(t *testing.T) {
	t.Parallel()
	env := required()
	env["LOG_LEVEL"] = "warn"
	env["MAX_IN_FLIGHT"] = "100"
	env["GRPC_REFLECTION"] = "true"
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://collector:4317"
	cfg, err := load(env)
	require.NoError(t, err)
	assert.Equal(t, slog.LevelWarn, cfg.LogLevel.Level())
	assert.Equal(t, 100, cfg.MaxInFlight)
	assert.True(t, cfg.Reflection)
	assert.Equal(t, "http://collector:4317", cfg.TracesEndpoint)

	env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "https://traces:4317"
	cfg, err = load(env)
	require.NoError(t, err)
	assert.Equal(t, "https://traces:4317", cfg.TracesEndpoint, "the special variable goes before the general one")
}

func FuzzLoad(f *testing.F) {
	f.Add("", ":50051", "5s", "true")
	f.Add("serve", "[::1]:0", "-1s", "T")
	f.Add("\x00", "::", "1e9h", "yes")
	f.Fuzz(func(t *testing.T, command, address, delay, reflection string) {
		env := required()
		env["GRPC_ADDR"], env["DRAIN_DELAY"], env["GRPC_REFLECTION"] = address, delay, reflection
		cfg, err := load(env, command)
		if err != nil {
			assert.Equal(t, 2, config.ExitCode(err))
			assert.True(t, strings.HasPrefix(err.Error(), "wrong configuration:\n  "))
			return
		}
		if cfg.Command != "version" {
			assert.NotEmpty(t, cfg.GRPCAddr)
			assert.GreaterOrEqual(t, cfg.DrainDelay, time.Duration(0))
		}
	})
}
