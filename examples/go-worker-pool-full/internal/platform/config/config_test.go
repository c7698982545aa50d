package config_test

import (
	"log/slog"
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
	return map[string]string{"NATS_URL": "nats://localhost:4222"}
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := load(required())
	require.NoError(t, err)

	assert.Equal(t, "serve", cfg.Command)
	assert.Equal(t, "127.0.0.1:8081", cfg.AdminAddr)
	assert.Equal(t, slog.LevelInfo, cfg.LogLevel.Level())
	assert.Equal(t, 8, cfg.Workers)
	assert.Equal(t, 64, cfg.Queue)
	assert.Equal(t, 5*time.Second, cfg.RequestTimeout)
	assert.Equal(t, int64(1<<20), cfg.MaxBodyBytes)
	assert.Equal(t, 5, cfg.MaxAttempts)
	assert.Equal(t, time.Second, cfg.RetryDelay)
	assert.Equal(t, time.Minute, cfg.RetryDelayMax)
	assert.Equal(t, 5*time.Second, cfg.DrainDelay)
	assert.Equal(t, 20*time.Second, cfg.ShutdownTimeout)
	assert.Negative(t, cfg.MemoryLimit)
	assert.Empty(t, cfg.TracesEndpoint)
	assert.Equal(t, "nats://localhost:4222", cfg.BrokerURL.Reveal())
	assert.Equal(t, "user-service", cfg.Jobs)
	assert.Equal(t, 30*time.Second, cfg.StartTimeout)
	assert.Equal(t, 45*time.Second, cfg.Hold(), "eight rounds before it and its own")
}

func TestLoadTellsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"ADMIN_ADDR": "8081", "DRAIN_DELAY": "5", "WORKERS": "0", "QUEUE": "-1", "MAX_ATTEMPTS": "none", "RETRY_DELAY": "0s",
		"MEMORY_LIMIT": "1Gi",
	}
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector:4317"
	env["NATS_URL"] = "http://user:hunter2@localhost:port"
	env["JOBS"] = "my jobs"
	_, err := load(env, "surf", "now")

	require.Error(t, err)
	assert.Equal(t, 2, config.ExitCode(err))
	for _, want := range []string{
		`command: want one of serve, `, `got "surf now"`,
		`ADMIN_ADDR: want host:port or :port, got "8081"`,
		`DRAIN_DELAY: want a duration of at least 0s, such as 5s, got "5"`,
		`WORKERS: want a whole number from 1 on, got "0"`,
		`QUEUE: want a whole number from 0 on, got "-1"`,
		`MAX_ATTEMPTS: want a whole number from 1 on, got "none"`,
		`RETRY_DELAY: want a duration of at least 1ms, such as 1s, got "0s"`,
		`MEMORY_LIMIT: want a number of bytes from 1 on, got "1Gi"`,
		`OTEL_EXPORTER_OTLP_ENDPOINT: want a URL such as http://localhost:4317, got "collector:4317"`,
		`NATS_URL: want a URL such as nats://localhost:4222`,
		`JOBS: want 1 to 100 letters, digits, hyphens and underscores, got "my jobs"`,
	} {
		require.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestLoadCommands(t *testing.T) {
	t.Parallel()
	commands := []string{"serve", "healthcheck", "produce", "produce --whole", "version"}
	for _, command := range commands {
		cfg, err := load(required(), strings.Fields(command)...)
		require.NoError(t, err)
		assert.Equal(t, command, cfg.Command)
	}
	_, err := load(map[string]string{"ADMIN_ADDR": "wrong"}, "version")
	require.NoError(t, err, "the version does not depend on the environment")
	_, err = load(required(), "version", "now")
	require.ErrorContains(t, err, `got "version now"`)
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
	env["WORKERS"] = "3"
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://collector:4317"
	env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "https://traces:4317"
	cfg, err := load(env)
	require.NoError(t, err)
	assert.Equal(t, slog.LevelWarn, cfg.LogLevel.Level())
	assert.Equal(t, 3, cfg.Workers)
	assert.Equal(t, "https://traces:4317", cfg.TracesEndpoint, "the special variable goes before the general one")
}

func FuzzLoad(f *testing.F) {
	f.Add("", ":8081", "5s", "8")
	f.Add("serve", "[::1]:0", "-1s", "-1")
	f.Add("\x00", "::", "1e9h", "99999999999")
	f.Fuzz(func(t *testing.T, command, address, delay, workers string) {
		env := required()
		env["ADMIN_ADDR"], env["DRAIN_DELAY"], env["WORKERS"] = address, delay, workers
		cfg, err := load(env, command)
		if err != nil {
			assert.Equal(t, 2, config.ExitCode(err))
			assert.True(t, strings.HasPrefix(err.Error(), "wrong configuration:\n  "))
			return
		}
		if cfg.Command != "version" {
			assert.NotEmpty(t, cfg.AdminAddr)
			assert.Positive(t, cfg.Workers)
			assert.GreaterOrEqual(t, cfg.DrainDelay, time.Duration(0))
		}
	})
}
