package main

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// beMain makes the test binary the service itself, so that tests can start it, signal it and see how it ends.
const beMain = "BE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// logs passes every line that a service writes to a channel.
type logs chan logLine

type logLine struct{ Msg, GRPC, HTTP, Admin, Cause string }

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

// service is one that runs within the test.
type service struct {
	logs
	logLine // that it is ready

	stop func() error
}

// start runs the service until the test ends, or stop asks it to end and returns its error.
func start(t *testing.T, env map[string]string) service {
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
	return service{logs: lines, logLine: lines.await(t, "ready"), stop: func() error {
		cancel()
		lines.await(t, "stopped")
		return <-ended
	}}
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

// assertAdmin asks the admin port for all that every service has there.
func assertAdmin(t *testing.T, address string) {
	t.Helper()
	for path, want := range map[string]string{
		"/livez": "ok\n", "/readyz": "ok\n", "/version": `"service":"[[ name ]]"`, "/metrics": "go_goroutines",
		"/debug/pprof/": "goroutine", "/admin/loglevel": "INFO",
	} {
		status, body := get(t, "http://"+address+path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.Contains(t, body, want, path)
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
