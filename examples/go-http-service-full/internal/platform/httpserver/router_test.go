package httpserver_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/httpserver"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request through the whole chain.
func do(t *testing.T, h http.Handler, method, target string, header map[string]string, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for key, value := range header {
		r.Header.Set(key, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Header(), body: w.Body.String()}
}

// raise panics, as a handler should not.
func raise(v any) {
	panic(v) //nolint:forbidigo // what happens then is what is tested
}

func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// busyError is an error that knows when to try again.
type busyError struct{}

func (busyError) Error() string { return "pool exhausted" }

func (busyError) RetryAfter() time.Duration { return 1500 * time.Millisecond }

var (
	errGone   = errors.New("gone")
	errSecret = errors.New("password hunter2 refused")
)

func domainProblem(err error) *httpserver.Problem {
	if errors.Is(err, errGone) {
		return httpserver.NewProblem(http.StatusGone, "It was here.")
	}
	return nil
}

func TestErrorsBecomeProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err    error
		status int
		header http.Header
		body   string
		level  string
	}{
		"a problem": {
			err:    fmt.Errorf("decode: %w", httpserver.NewProblem(422, "Two rules are broken.", httpserver.FieldError{Pointer: "/name", Detail: "is empty"})),
			status: 422,
			body:   `{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"Two rules are broken.","instance":"r-1","errors":[{"pointer":"/name","detail":"is empty"}]}`,
			level:  "DEBUG",
		},
		"an error of the domain": {
			err:    fmt.Errorf("get user: %w", errGone),
			status: 410,
			body:   `{"type":"about:blank","title":"Gone","status":410,"detail":"It was here.","instance":"r-1"}`,
			level:  "DEBUG",
		},
		"saturation": {
			err:    fmt.Errorf("get user: %w", busyError{}),
			status: 503,
			header: http.Header{"Retry-After": {"2"}},
			body:   `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The service is busy.","instance":"r-1"}`,
			level:  "WARN",
		},
		"a body over the limit": {
			err:    fmt.Errorf("read body: %w", &http.MaxBytesError{Limit: 10}),
			status: 413,
			body:   `{"type":"about:blank","title":"Request Entity Too Large","status":413,"detail":"The body has more than 10 bytes.","instance":"r-1"}`,
			level:  "DEBUG",
		},
		"a deadline": {
			err:    fmt.Errorf("get user: %w", context.DeadlineExceeded),
			status: 504,
			body:   `{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"The request took too long.","instance":"r-1"}`,
			level:  "ERROR",
		},
		"anything else stays inside": {
			err:    fmt.Errorf("connect: %w", errSecret),
			status: 500,
			body:   `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"The service failed to answer this request.","instance":"r-1"}`,
			level:  "ERROR",
		},
		"a cancellation that is not the client's": {
			err:    context.Canceled,
			status: 500,
			body:   `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"The service failed to answer this request.","instance":"r-1"}`,
			level:  "ERROR",
		},
		"a text that is no UTF-8": {
			err:    httpserver.NewProblem(400, "\xff"),
			status: 400,
			body:   `{"type":"about:blank","title":"Bad Request","status":400,"detail":"\ufffd","instance":"r-1"}`,
			level:  "DEBUG",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			rt := httpserver.NewRouter(httpserver.Options{Problem: domainProblem, Logger: logger(&logs, slog.LevelDebug)})
			rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("ETag", `"1"`)
				return tt.err
			})

			got := do(t, rt, "GET", "/x", map[string]string{"X-Request-Id": "r-1"}, "")
			assert.JSONEq(t, tt.body, got.body)
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			assert.Empty(t, got.header.Get("Etag"), "a problem is not the resource")
			for key := range tt.header {
				assert.Equal(t, tt.header[key], got.header[key])
			}

			var line struct {
				Level, Msg, Error string
			}
			first, _, _ := strings.Cut(logs.String(), "\n")
			require.NoError(t, json.Unmarshal([]byte(first), &line, json.MatchCaseInsensitiveNames(true)))
			assert.Equal(t, tt.level, line.Level)
			assert.Equal(t, "request failed", line.Msg)
			assert.Equal(t, strings.ToValidUTF8(tt.err.Error(), "\ufffd"), line.Error)
			assert.Equal(t, 1, strings.Count(logs.String(), `"request failed"`), "logged once")
		})
	}
}

func TestAClientThatIsGoneGetsNothing(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	registry := prometheus.NewRegistry()
	rt := httpserver.NewRouter(httpserver.Options{Logger: logger(&logs, slog.LevelInfo), Registerer: registry})
	ctx, cancel := context.WithCancel(t.Context())
	rt.Handle("GET /x", func(_ http.ResponseWriter, r *http.Request) error {
		cancel()
		return fmt.Errorf("get user: %w", r.Context().Err())
	})
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/x", nil))

	assert.Empty(t, w.Body.String())
	assert.Empty(t, logs.String(), "only worth a debug line")
	assert.Equal(t, []string{`GET /x 499`}, observed(t, registry))
}

func TestRequestsThatNoRouteTakes(t *testing.T) {
	t.Parallel()
	rt := httpserver.NewRouter(httpserver.Options{})
	nothing := func(http.ResponseWriter, *http.Request) error { return nil }
	rt.Handle("GET /v1/users/{id}", nothing)
	rt.Handle("PUT /v1/users/{id}", nothing)
	rt.Handle("POST /v1/users", nothing)
	rt.Handle("GET /tree/", nothing)
	tests := map[string]struct {
		method, target string
		status         int
		allow          string
		location       string
	}{
		"a path nobody has":           {"GET", "/v2/users", 404, "", ""},
		"the root":                    {"GET", "/", 404, "", ""},
		"a path below":                {"GET", "/v1/users/1/friends", 404, "", ""},
		"a method the path lacks":     {"DELETE", "/v1/users/1", 405, "GET, HEAD, PUT", ""},
		"another method":              {"GET", "/v1/users", 405, "POST", ""},
		"a method nobody knows":       {"BREW", "/v1/users", 405, "POST", ""},
		"a method the root lacks":     {"POST", "/", 404, "", ""},
		"HEAD is a GET":               {"HEAD", "/v1/users/1", 200, "", ""},
		"net/http cleans the path":    {"GET", "/v1//users/1", 307, "", "/v1/users/1"},
		"net/http completes the path": {"GET", "/tree", 307, "", "/tree/"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := do(t, rt, tt.method, tt.target, nil, "")
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.allow, got.header.Get("Allow"))
			assert.Equal(t, tt.location, got.header.Get("Location"))
			if tt.status >= 400 {
				var problem httpserver.Problem
				require.NoError(t, json.Unmarshal([]byte(got.body), &problem))
				assert.Equal(t, tt.status, problem.Status)
				assert.Equal(t, got.header.Get("X-Request-Id"), problem.Instance)
				assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			}
		})
	}
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler httpserver.Handler
		status  int
		body    string
		cut     bool
	}{
		"an error that comes of it is 504": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				<-r.Context().Done()
				return fmt.Errorf("query: %w", r.Context().Err())
			},
			status: 504, body: "too long",
		},
		"an answer that was never written is 504": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				<-r.Context().Done()
				return nil
			},
			status: 504, body: "too long",
		},
		"an answer just in time": {
			handler: func(w http.ResponseWriter, _ *http.Request) error {
				time.Sleep(4999 * time.Millisecond)
				return httpserver.WriteJSON(w, http.StatusOK, "done")
			},
			status: 200, body: `"done"`,
		},
		"an answer that has begun is cut": {
			handler: func(w http.ResponseWriter, r *http.Request) error {
				err := httpserver.WriteJSON(w, http.StatusOK, "begun")
				<-r.Context().Done()
				return errors.Join(err, r.Context().Err())
			},
			status: 200, body: `"begun"`, cut: true,
		},
		"also where the deadline has cancelled a part of the work": {
			handler: func(w http.ResponseWriter, r *http.Request) error {
				err := httpserver.WriteJSON(w, http.StatusOK, "begun")
				<-r.Context().Done()
				return errors.Join(err, context.Canceled)
			},
			status: 200, body: `"begun"`, cut: true,
		},
		"an answer that its handler has ended stays as it is": {
			handler: func(w http.ResponseWriter, r *http.Request) error {
				err := httpserver.WriteJSON(w, http.StatusOK, "whole")
				<-r.Context().Done()
				return err
			},
			status: 200, body: `"whole"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := httpserver.NewRouter(httpserver.Options{RequestTimeout: 5 * time.Second})
				rt.Handle("GET /x", tt.handler)
				start := time.Now()
				w := httptest.NewRecorder()
				serve := func() { rt.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil)) }
				if tt.cut {
					assert.PanicsWithValue(t, http.ErrAbortHandler, serve)
				} else {
					serve()
				}
				assert.Equal(t, tt.status, w.Code)
				assert.Contains(t, w.Body.String(), tt.body)
				assert.LessOrEqual(t, time.Since(start), 5*time.Second)
			})
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	rt := httpserver.NewRouter(httpserver.Options{MaxBodyBytes: 10})
	rt.Handle("POST /x", func(_ http.ResponseWriter, r *http.Request) error {
		_, err := httpserver.Decode[string](r)
		return err
	})
	header := map[string]string{"Content-Type": "application/json"}
	got := do(t, rt, "POST", "/x", header, `"12345678"`)
	assert.Empty(t, got.body)
	assert.Equal(t, http.StatusOK, got.status)

	for _, length := range []int64{11, -1} { // declared, or not known
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/x", strings.NewReader(`"123456789"`))
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		assert.Contains(t, w.Body.String(), "more than 10 bytes")
		assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	}
}

// observed lists the requests that the metrics have counted, as "method route status".
func observed(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	var requests []string
	for _, family := range families {
		if family.GetName() != "http_server_request_duration_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			for range metric.GetHistogram().GetSampleCount() {
				requests = append(requests, labels["http_request_method"]+" "+labels["http_route"]+" "+labels["http_response_status_code"])
			}
		}
	}
	return requests
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	rt := httpserver.NewRouter(httpserver.Options{Registerer: registry, MaxInFlight: 100})
	rt.Handle("GET /v1/users/{id}", func(w http.ResponseWriter, _ *http.Request) error {
		active, err := testutil.GatherAndCount(registry, "http_server_active_requests")
		if err != nil || active != 1 {
			return errors.New("the request is not counted while it runs")
		}
		return httpserver.WriteJSON(w, http.StatusOK, "user")
	})
	rt.Handle("/any", func(http.ResponseWriter, *http.Request) error { return nil })
	rt.Handle("GET /panic", func(http.ResponseWriter, *http.Request) error {
		raise("at the disco")
		return nil
	})

	do(t, rt, "GET", "/v1/users/1?token=secret", nil, "")
	do(t, rt, "GET", "/v1/users/2", nil, "")
	do(t, rt, "BREW", "/any", nil, "")
	do(t, rt, "GET", "/nothing/1", nil, "")
	do(t, rt, "PUT", "/v1/users/1", nil, "")
	do(t, rt, "GET", "/panic", nil, "")

	assert.ElementsMatch(t, []string{
		"GET /v1/users/{id} 200", "GET /v1/users/{id} 200", "_OTHER /any 200",
		"GET unmatched 404", "PUT unmatched 405", "GET /panic 500",
	}, observed(t, registry))
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP http_server_active_requests Requests that are being answered.
# TYPE http_server_active_requests gauge
http_server_active_requests 0
# HELP http_server_active_requests_limit Requests at a time over which more are refused.
# TYPE http_server_active_requests_limit gauge
http_server_active_requests_limit 100
# HELP panics_total Panics that were recovered.
# TYPE panics_total counter
panics_total 1
`), "http_server_active_requests", "http_server_active_requests_limit", "panics_total"))
}
