package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres/postgrestest"
)

// settings are those of a service that can run beside others, and stops without waiting.
func settings(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{"HTTP_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "0s"}
	env["DATABASE_URL"] = postgrestest.New(t)
	return env
}

func TestServe(t *testing.T) {
	t.Parallel()
	env := settings(t)
	getenv := func(key string) string { return env[key] }

	unmigrated := start(t, env)
	code, reason := get(t, "http://"+unmigrated.Admin+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, reason, "migrations pending")
	require.NoError(t, unmigrated.stop())
	require.NoError(t, run(t.Context(), []string{"migrate"}, getenv, io.Discard))

	ready := start(t, env)
	assertAdmin(t, ready.Admin)

	status, body := get(t, "http://"+ready.HTTP+"/nothing/here")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, body, `"title":"Not Found","status":404`)
	for _, admin := range []string{"/readyz", "/metrics", "/debug/pprof/", "/admin/loglevel"} {
		status, _ := get(t, "http://"+ready.HTTP+admin)
		assert.Equal(t, http.StatusNotFound, status, "%s is not for the public", admin)
	}
	_, metrics := get(t, "http://"+ready.Admin+"/metrics")
	assert.Contains(t, metrics, `http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="unmatched"} 5`)
	assert.Contains(t, metrics, "pgxpool_max_conns 10")
	env["ADMIN_ADDR"] = ready.Admin
	healthcheck := func() error {
		return run(t.Context(), []string{"healthcheck"}, func(key string) string { return env[key] }, io.Discard)
	}
	require.NoError(t, healthcheck())
	require.NoError(t, ready.stop())
	require.ErrorContains(t, healthcheck(), "healthcheck: ask for readiness")
}

func TestServeFailsWhenAPortIsTaken(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	for _, key := range []string{"HTTP_ADDR", "ADMIN_ADDR"} {
		env := settings(t)
		env[key] = taken.Addr().String()
		err := run(t.Context(), nil, func(key string) string { return env[key] }, io.Discard)
		require.ErrorIs(t, err, syscall.EADDRINUSE, key)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env    map[string]string
		args   []string
		code   int
		stdout string
		stderr []string
	}{
		"the version": {args: []string{"version"}, stdout: "user-service dev (go"},
		"every mistake at once": {
			env: map[string]string{"HTTP_ADDR": "8080", "DRAIN_DELAY": "soon"}, args: []string{"surf"}, code: 2,
			stderr: []string{"user-service: ", "command: want one of ", "HTTP_ADDR: want ", "DRAIN_DELAY: want "},
		},
		"no database": {
			env:  map[string]string{"DATABASE_URL": "postgres://127.0.0.1:1/database", "START_TIMEOUT": "1ms"},
			code: 1, stderr: []string{"user-service: serve: open database: wait 1ms for the database: "},
		},
		"no settings": {code: 2, stderr: []string{"DATABASE_URL: want a URL"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := process(t, tt.env, tt.args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			assert.Equal(t, tt.code == 0, err == nil)
			assert.Equal(t, tt.code, cmd.ProcessState.ExitCode())
			assert.Contains(t, stdout.String(), tt.stdout)
			for _, want := range tt.stderr {
				assert.Contains(t, stderr.String(), want)
			}
		})
	}
}
