package main

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// settings are those of a service that can run beside others, and stops without waiting.
func settings(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{"ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "0s"}
	env["GENERATE_EVERY"] = "10ms"
	return env
}

func TestServe(t *testing.T) {
	t.Parallel()
	env := settings(t)
	worker := start(t, env)
	assertAdmin(t, worker.Admin)
	worker.await(t, "counted")
	_, metrics := get(t, "http://"+worker.Admin+"/metrics")
	assert.NotContains(t, metrics, "worker_jobs_accepted_total 0")
	env["ADMIN_ADDR"] = worker.Admin
	healthcheck := func() error {
		return run(t.Context(), []string{"healthcheck"}, func(key string) string { return env[key] }, io.Discard)
	}
	require.NoError(t, healthcheck())
	require.NoError(t, worker.stop())
	require.ErrorContains(t, healthcheck(), "healthcheck: ask for readiness")
}

func TestServeFailsWhenAPortIsTaken(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	env := settings(t)
	env["ADMIN_ADDR"] = taken.Addr().String()
	err = run(t.Context(), nil, func(key string) string { return env[key] }, io.Discard)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
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
			env: map[string]string{"WORKERS": "0", "DRAIN_DELAY": "soon"}, args: []string{"surf"}, code: 2,
			stderr: []string{"user-service: ", "command: want one of ", "WORKERS: want ", "DRAIN_DELAY: want "},
		},
		"no service to ask": {
			env: map[string]string{"ADMIN_ADDR": "127.0.0.1:1"}, args: []string{"healthcheck"},
			code: 1, stderr: []string{"user-service: healthcheck: ask for readiness: "},
		},
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
