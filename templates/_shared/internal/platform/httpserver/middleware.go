package httpserver

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
	"uuid"

	"[[ module ]]/internal/platform/telemetry"
)

// identify takes the request id of the caller, if it is a decent one, or makes one.
func (rt *Router) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !validRequestID(id) {
			id = uuid.NewV7().String()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(telemetry.WithRequestID(r.Context(), id)))
	})
}

func validRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// observe measures and logs every request, also those that no handler sees.
func (rt *Router) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := &response{ResponseWriter: w}
		rt.metrics.active.Inc()
		defer rt.answered(r, res, time.Now())
		next.ServeHTTP(res, r)
	})
}

func (rt *Router) answered(r *http.Request, res *response, start time.Time) {
	took := time.Since(start)
	route := routeOf(r.Pattern)
	res.commit() // a handler that sends nothing has sent 200
	rt.metrics.active.Dec()
	rt.metrics.observe(r.Method, route, res.status, took)
	level := slog.LevelInfo
	if res.status == statusClientGone {
		level = slog.LevelDebug
	}
	log := rt.opts.Logger.Handler()
	if !log.Enabled(r.Context(), level) {
		return
	}
	record := slog.NewRecord(start.Add(took), level, "request", 0) // a Logger would look up its caller, which is always this line
	record.AddAttrs(
		slog.String("method", r.Method),
		slog.String("route", route),
		slog.String("path", r.URL.Path),
		slog.Int("status", res.status),
		slog.Int64("bytes", res.bytes),
		slog.Int64("duration_us", took.Microseconds()),
		slog.String("remote", r.RemoteAddr),
	)
	_ = log.Handle(r.Context(), record) // a log that cannot be written must not fail requests
}

// recover answers a panic with 500, or cuts the connection if a part of the answer is on its way: the client must not take it for
// the whole. It lets http.ErrAbortHandler pass, with which a handler asks for the same.
func (rt *Router) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				rt.recovered(w, r, v)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (rt *Router) recovered(w http.ResponseWriter, r *http.Request, v any) {
	if err, _ := v.(error); !errors.Is(err, http.ErrAbortHandler) {
		rt.metrics.panics.Inc()
		rt.opts.Logger.LogAttrs(r.Context(), slog.LevelError, "panic",
			slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		if !started(w) {
			internalError().write(w, telemetry.RequestID(r.Context()))
			return
		}
	}
	cut()
}

// cut ends the connection, or the stream of HTTP/2, in the midst of an answer.
func cut() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http has no other way
}

// limitInFlight refuses requests over the limit at once: waiting would only make all of them late.
func (rt *Router) limitInFlight(next http.Handler) http.Handler {
	if rt.opts.MaxInFlight == 0 {
		return next
	}
	limit := int64(rt.opts.MaxInFlight)
	var inFlight atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer inFlight.Add(-1)
		if inFlight.Add(1) > limit {
			p := NewProblem(http.StatusServiceUnavailable, "The service is busy.")
			p.RetryAfter = time.Second
			p.write(w, telemetry.RequestID(r.Context()))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure tells browsers to neither guess, run, frame nor keep what an API answers. A handler may say otherwise.
func (rt *Router) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// allowOrigins answers preflight requests and marks the answers that scripts of allowed origins may read.
func (rt *Router) allowOrigins(next http.Handler) http.Handler {
	origins := rt.opts.AllowedOrigins
	if len(origins) == 0 {
		return next
	}
	anyOrigin := slices.Contains(origins, "*")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || !anyOrigin && !slices.Contains(origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			header.Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id")
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}
