// Package admin serves what operators and the platform ask of the service: probes, metrics, version, profiles, log level.
package admin

import (
	"context"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/user-service/internal/platform/lifecycle"
	"example.com/user-service/internal/platform/telemetry"
)

// Options are what the admin server shows and changes.
type Options struct {
	Logger   *slog.Logger
	Level    *slog.LevelVar
	Gatherer prometheus.Gatherer
	Build    telemetry.Build
	// Ready says why the service should get no requests, or nil.
	Ready func(ctx context.Context) error
}

// NewServer serves NewHandler at address, which must not be reachable by the public.
func NewServer(address string, opts Options) *lifecycle.HTTPServer {
	return lifecycle.NewHTTPServer(&http.Server{
		Addr:              address,
		Handler:           NewHandler(opts),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      0, // a profile takes as long as was asked for
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(opts.Logger.Handler(), slog.LevelWarn),
	})
}

// NewHandler returns the routes of the admin server.
func NewHandler(opts Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := opts.Ready(r.Context()); err != nil {
			answer(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, opts.Build)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(opts.Gatherer, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(opts.Logger.Handler(), slog.LevelError),
	}))
	mux.HandleFunc("GET /admin/loglevel", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, logLevel{opts.Level.Level()})
	})
	mux.HandleFunc("PUT /admin/loglevel", func(w http.ResponseWriter, r *http.Request) {
		var wanted logLevel
		if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 1<<10), &wanted); err != nil {
			answer(w, http.StatusBadRequest, `want {"level": "debug"}, or info, warn or error`)
			return
		}
		opts.Level.Set(wanted.Level)
		opts.Logger.InfoContext(r.Context(), "log level changed", slog.String("level", wanted.Level.String()))
		answerJSON(w, wanted)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

type logLevel struct {
	Level slog.Level `json:"level"`
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, v)
}
