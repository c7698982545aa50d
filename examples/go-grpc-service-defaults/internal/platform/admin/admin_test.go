package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/admin"
	"example.com/user-service/internal/platform/telemetry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func options() admin.Options {
	registry := prometheus.NewRegistry()
	jobs := prometheus.NewCounter(prometheus.CounterOpts{Name: "jobs_total", Help: "Jobs done."})
	jobs.Inc()
	registry.MustRegister(jobs)
	return admin.Options{
		Logger:   slog.New(slog.DiscardHandler),
		Level:    new(slog.LevelVar),
		Gatherer: registry,
		Build:    telemetry.Build{Service: "user-service", Version: "v1.2.3", Revision: "abc", Go: "go1.27"},
		Ready:    func(context.Context) error { return nil },
	}
}

func request(t *testing.T, opts admin.Options, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	admin.NewHandler(opts).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestHandler(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"alive":              {"GET", "/livez", "", http.StatusOK, "ok\n"},
		"ready":              {"GET", "/readyz", "", http.StatusOK, "ok\n"},
		"version":            {"GET", "/version", "", http.StatusOK, `{"service":"user-service","version":"v1.2.3","revision":"abc","go":"go1.27"}`},
		"metrics":            {"GET", "/metrics", "", http.StatusOK, "jobs_total 1\n"},
		"profiles":           {"GET", "/debug/pprof/", "", http.StatusOK, "goroutine"},
		"one profile":        {"GET", "/debug/pprof/heap?debug=1", "", http.StatusOK, "heap profile"},
		"command line":       {"GET", "/debug/pprof/cmdline", "", http.StatusOK, ".test"},
		"symbols":            {"POST", "/debug/pprof/symbol", "0x0", http.StatusOK, "num_symbols"},
		"log level":          {"GET", "/admin/loglevel", "", http.StatusOK, `{"level":"INFO"}`},
		"wrong log level":    {"PUT", "/admin/loglevel", `{"level":"loud"}`, http.StatusBadRequest, `want {"level": "debug"}`},
		"no log level":       {"PUT", "/admin/loglevel", "", http.StatusBadRequest, `want {"level": "debug"}`},
		"too long log level": {"PUT", "/admin/loglevel", `{"level":"` + strings.Repeat("x", 2000), http.StatusBadRequest, `want {"level": "debug"}`},
		"something else":     {"GET", "/", "", http.StatusNotFound, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := request(t, options(), tt.method, tt.path, tt.body)
			assert.Equal(t, tt.status, status)
			assert.Contains(t, body, tt.want)
		})
	}
}

func TestReadyzTellsWhyNot(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Ready = func(context.Context) error { return errors.New("database: no answer") }
	status, body := request(t, opts, "GET", "/readyz", "")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "not ready: database: no answer\n", body)

	status, _ = request(t, opts, "GET", "/livez", "")
	assert.Equal(t, http.StatusOK, status, "a restart would not bring the database back")
}

func TestLogLevelCanBeChanged(t *testing.T) {
	t.Parallel()
	opts := options()
	status, body := request(t, opts, "PUT", "/admin/loglevel", `{"level":"debug"}`)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"level":"DEBUG"}`, body)
	assert.Equal(t, slog.LevelDebug, opts.Level.Level())
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := admin.NewServer("127.0.0.1:0", options())
	address, err := s.Listen(t.Context())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()

	require.NoError(t, admin.Healthcheck(t.Context(), address))
	require.NoError(t, s.Shutdown(t.Context()))
	require.NoError(t, <-served)
}
