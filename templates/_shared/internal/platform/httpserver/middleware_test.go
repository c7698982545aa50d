package httpserver_test

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"uuid"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"[[ module ]]/internal/platform/httpserver"
	"[[ module ]]/internal/platform/telemetry"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sent string
		kept bool
	}{
		"a decent one is kept": {"Abc-1.2_3", true},
		"64 characters":        {strings.Repeat("x", 64), true},
		"none":                 {"", false},
		"65 characters":        {strings.Repeat("x", 65), false},
		"a line break":         {"a\nb", false},
		"a quote":              {`a"b`, false},
		"not ASCII":            {"é", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := httpserver.NewRouter(httpserver.Options{})
			var seen string
			rt.Handle("GET /x", func(_ http.ResponseWriter, r *http.Request) error {
				seen = telemetry.RequestID(r.Context())
				return nil
			})
			got := do(t, rt, "GET", "/x", map[string]string{"X-Request-Id": tt.sent}, "").header.Get("X-Request-Id")
			assert.Equal(t, seen, got)
			if tt.kept {
				assert.Equal(t, tt.sent, got)
				return
			}
			_, err := uuid.Parse(got)
			require.NoError(t, err)
		})
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	begin := func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }
	flush := func(w http.ResponseWriter) { assert.NoError(t, http.NewResponseController(w).Flush()) }
	tests := map[string]struct {
		handler http.HandlerFunc
		status  int
		cut     bool
		logged  bool
	}{
		"before the answer":       {func(http.ResponseWriter, *http.Request) { raise("at the disco") }, 500, false, true},
		"of an error":             {func(http.ResponseWriter, *http.Request) { raise(errSecret) }, 500, false, true},
		"of a library":            {func(http.ResponseWriter, *http.Request) { uuid.MustParse("x") }, 500, false, true},
		"within the answer":       {func(w http.ResponseWriter, _ *http.Request) { begin(w); raise("at the disco") }, 200, true, true},
		"that wants to cut it":    {func(http.ResponseWriter, *http.Request) { raise(http.ErrAbortHandler) }, 200, true, false},
		"after a flush":           {func(w http.ResponseWriter, _ *http.Request) { flush(w); raise("at the disco") }, 200, true, true},
		"through another wrapper": {func(w http.ResponseWriter, _ *http.Request) { begin(wrapper{w}); raise("at the disco") }, 200, true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			rt := httpserver.NewRouter(httpserver.Options{Logger: logger(&logs, slog.LevelError)})
			rt.Handle("GET /x", func(w http.ResponseWriter, r *http.Request) error {
				tt.handler(w, r)
				return nil
			})
			w := httptest.NewRecorder()
			serve := func() { rt.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil)) }
			if tt.cut {
				assert.PanicsWithValue(t, http.ErrAbortHandler, serve)
				assert.Empty(t, w.Body.String())
			} else {
				serve()
				assert.Contains(t, w.Body.String(), "failed to answer")
				assert.NotContains(t, w.Body.String(), "disco")
			}
			assert.Equal(t, tt.status, w.Code)
			assert.Equal(t, tt.logged, strings.Contains(logs.String(), `"msg":"panic"`))
			assert.Equal(t, tt.logged, strings.Contains(logs.String(), "middleware_test.go"), "the stack says where")
		})
	}
}

// wrapper is what a handler's own middleware may put around the response.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestErrorsAfterTheAnswerHasBegun(t *testing.T) {
	t.Parallel()
	flush := func(w http.ResponseWriter) { assert.NoError(t, http.NewResponseController(w).Flush()) }
	tests := map[string]struct {
		begin  func(w http.ResponseWriter)
		status int
		body   string
	}{
		"a part was sent":         {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "half"); flush(w) }, http.StatusOK, "half"},
		"the header was sent":     {func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted); flush(w) }, http.StatusAccepted, ""},
		"it waits to be sent":     {func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }, http.StatusAccepted, ""},
		"through another wrapper": {func(w http.ResponseWriter) { wrapper{w}.WriteHeader(http.StatusAccepted) }, http.StatusAccepted, ""},
	}
	protocols := map[string]struct {
		http2 bool
		cut   string
	}{
		"HTTP/1.1": {false, "EOF"},
		"HTTP/2":   {true, "INTERNAL_ERROR"},
	}
	for name, tt := range tests {
		for protocol, of := range protocols {
			t.Run(name+", "+protocol, func(t *testing.T) {
				t.Parallel()
				var logs bytes.Buffer
				log := logger(&logs, slog.LevelInfo)
				registry := prometheus.NewRegistry()
				rt := httpserver.NewRouter(httpserver.Options{Logger: log, Registerer: registry})
				rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
					tt.begin(w)
					return errors.New("too late")
				})
				server := httptest.NewUnstartedServer(rt)
				server.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
				server.EnableHTTP2 = of.http2
				server.StartTLS()
				body, err := get(t, server.Client(), server.URL+"/x")
				server.Close()

				require.ErrorContains(t, err, of.cut, "the client sees that the answer is not whole")
				assert.Equal(t, tt.body, body)
				assert.Equal(t, []string{"GET /x " + strconv.Itoa(tt.status)}, observed(t, registry))
				failed, request, _ := strings.Cut(logs.String(), "\n")
				assert.Contains(t, failed, `"level":"ERROR","msg":"request failed","status":500,"error":"too late"`)
				assert.Contains(t, request, `"level":"INFO","msg":"request"`)
				assert.Contains(t, request, `"status":`+strconv.Itoa(tt.status)+`,"bytes":`+strconv.Itoa(len(tt.body)))
				assert.Equal(t, 2, strings.Count(logs.String(), "\n"), "neither the router nor net/http tells of a panic:\n%s", &logs)
			})
		}
	}
}

// get returns the body of an answer, as far as it arrives.
func get(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), errors.Join(err, resp.Body.Close())
}

func TestInFlightLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := httpserver.NewRouter(httpserver.Options{MaxInFlight: 2})
		rt.Handle("GET /x", func(http.ResponseWriter, *http.Request) error {
			time.Sleep(time.Second)
			return nil
		})
		statuses := make(chan int, 2)
		for range 2 {
			go func() { statuses <- do(t, rt, "GET", "/x", nil, "").status }()
		}
		synctest.Wait() // both are in their handlers

		got := do(t, rt, "GET", "/x", nil, "")
		assert.Equal(t, http.StatusServiceUnavailable, got.status)
		assert.Equal(t, "1", got.header.Get("Retry-After"))
		assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
		assert.Contains(t, got.body, "busy")

		assert.Equal(t, http.StatusOK, <-statuses)
		assert.Equal(t, http.StatusOK, <-statuses)
		assert.Equal(t, http.StatusOK, do(t, rt, "GET", "/x", nil, "").status)
	})
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	rt := httpserver.NewRouter(httpserver.Options{})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Cache-Control", "max-age=60")
		return nil
	})
	got := do(t, rt, "GET", "/nothing", nil, "")
	assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
	assert.Equal(t, "default-src 'none'; frame-ancestors 'none'", got.header.Get("Content-Security-Policy"))
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))

	got = do(t, rt, "GET", "/x", nil, "")
	assert.Equal(t, "max-age=60", got.header.Get("Cache-Control"), "a handler knows better")
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example.com"
	preflight := map[string]string{"Origin": origin, "Access-Control-Request-Method": "PUT"}
	simple := map[string]string{"Origin": origin}
	tests := map[string]struct {
		allowed []string
		method  string
		header  map[string]string
		status  int
		want    map[string]string
	}{
		"off":                     {nil, "GET", simple, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": ""}},
		"off, preflight":          {nil, "OPTIONS", preflight, 405, map[string]string{"Access-Control-Allow-Origin": ""}},
		"allowed":                 {[]string{origin}, "GET", simple, 200, map[string]string{"Access-Control-Allow-Origin": origin, "Vary": "Origin"}},
		"any":                     {[]string{"*"}, "GET", simple, 200, map[string]string{"Access-Control-Allow-Origin": origin, "Vary": "Origin"}},
		"another":                 {[]string{"https://b.example.com"}, "GET", simple, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		"another, preflight":      {[]string{"https://b.example.com"}, "OPTIONS", preflight, 405, map[string]string{"Access-Control-Allow-Origin": ""}},
		"not from a browser":      {[]string{origin}, "GET", nil, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		"allowed, preflight":      {[]string{origin}, "OPTIONS", preflight, 204, map[string]string{"Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE"}},
		"OPTIONS is no preflight": {[]string{origin}, "OPTIONS", simple, 405, map[string]string{"Access-Control-Expose-Headers": "ETag, Location, Retry-After, X-Request-Id"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := httpserver.NewRouter(httpserver.Options{AllowedOrigins: tt.allowed})
			rt.Handle("GET /x", func(http.ResponseWriter, *http.Request) error { return nil })
			got := do(t, rt, tt.method, "/x", tt.header, "")
			assert.Equal(t, tt.status, got.status)
			for key, value := range tt.want {
				assert.Equal(t, value, got.header.Get(key), key)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		rt := httpserver.NewRouter(httpserver.Options{Logger: telemetry.NewLogger(&logs, slog.LevelInfo)})
		rt.Handle("POST /v1/users/{id}", func(w http.ResponseWriter, _ *http.Request) error {
			time.Sleep(1500 * time.Microsecond)
			return httpserver.WriteJSON(w, http.StatusCreated, "user")
		})
		do(t, rt, "POST", "/v1/users/7?token=hunter2", map[string]string{"X-Request-Id": "r-1"}, "")

		var line map[string]any
		require.NoError(t, json.Unmarshal(logs.Bytes(), &line), logs.String())
		assert.Equal(t, map[string]any{
			"time": time.Now().Format(time.RFC3339Nano), "level": "INFO", "msg": "request", "method": "POST",
			"route": "/v1/users/{id}", "path": "/v1/users/7", "status": 201.0, "bytes": 6.0, "duration_us": 1500.0,
			"remote": "192.0.2.1:1234", "request_id": "r-1",
		}, line)
	})
}

func TestAccessLogKeepsToItsLevel(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	rt := httpserver.NewRouter(httpserver.Options{Logger: telemetry.NewLogger(&logs, slog.LevelWarn)})
	rt.Handle("GET /x", func(http.ResponseWriter, *http.Request) error { return nil })
	do(t, rt, "GET", "/x", nil, "")
	assert.Empty(t, logs.String())
}
