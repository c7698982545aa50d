package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/postgres/postgrestest"
)

// beMain makes the test binary the service itself, so that tests can start it, signal it and see how it ends.
const beMain = "BE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// settings are those of a service that can run beside others, and stops without waiting.
func settings(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{"HTTP_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "0s"}
	env["DATABASE_URL"] = postgrestest.New(t)
	return env
}

// logs passes every line that a service writes to a channel.
type logs chan logLine

type logLine struct{ Msg, HTTP, Admin, Cause string }

func readLogs(r io.Reader) logs {
	lines := make(logs, 100)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			var line logLine
			if json.Unmarshal(scanner.Bytes(), &line, json.MatchCaseInsensitiveNames(true)) == nil {
				lines <- line
			}
		}
	}()
	return lines
}

// await returns the next line with that message.
func (l logs) await(t *testing.T, msg string) logLine {
	t.Helper()
	for line := range l {
		if line.Msg == msg {
			return line
		}
	}
	require.Fail(t, "the service has ended without saying "+msg)
	return logLine{}
}

// start runs the service until the test ends, or the returned function asks it to stop and gives its error.
func start(t *testing.T, env map[string]string) (ready logLine, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, nil, func(key string) string { return env[key] }, w)
		ended <- errors.Join(err, w.Close())
	}()
	lines := readLogs(r)
	t.Cleanup(cancel)
	ready = lines.await(t, "ready")
	return ready, func() error {
		cancel()
		lines.await(t, "stopped")
		return <-ended
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(body)
}

func TestServe(t *testing.T) {
	t.Parallel()
	env := settings(t)
	getenv := func(key string) string { return env[key] }

	unmigrated, stop := start(t, env)
	code, reason := get(t, "http://"+unmigrated.Admin+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, reason, "migrations pending")
	require.NoError(t, stop())
	require.NoError(t, run(t.Context(), []string{"migrate"}, getenv, io.Discard))

	ready, stopped := start(t, env)
	for path, want := range map[string]string{
		"/livez": "ok\n", "/readyz": "ok\n", "/version": `"service":"user-service"`, "/metrics": "go_goroutines",
		"/debug/pprof/": "goroutine", "/admin/loglevel": "INFO",
	} {
		status, body := get(t, "http://"+ready.Admin+path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.Contains(t, body, want, path)
	}

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
	require.NoError(t, stopped())
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

// process is the service as a process of its own, which is killed if it does not end.
func process(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = []string{beMain + "=1"}
	for key, value := range env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	return cmd
}

func TestSignals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		drain   string
		signals []os.Signal
		killed  bool
	}{
		"SIGTERM":                         {drain: "10ms", signals: []os.Signal{syscall.SIGTERM}},
		"SIGINT does not drain":           {drain: "1h", signals: []os.Signal{os.Interrupt}},
		"the second one ends the process": {drain: "1h", signals: []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, killed: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := settings(t)
			env["DRAIN_DELAY"] = tt.drain
			cmd := process(t, env)
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := readLogs(stderr)
			lines.await(t, "ready")
			for i, sig := range tt.signals {
				require.NoError(t, cmd.Process.Signal(sig))
				if i == 0 {
					assert.Equal(t, "received signal: "+sig.String(), lines.await(t, "stopping").Cause)
				}
			}
			if !tt.killed {
				lines.await(t, "stopped")
				require.NoError(t, cmd.Wait())
				return
			}
			require.Error(t, cmd.Wait())
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			require.True(t, ok)
			assert.Equal(t, syscall.SIGTERM, status.Signal())
		})
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
