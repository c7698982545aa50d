// Package httpserver answers the public requests: it routes, limits, observes and protects them, and turns errors into problems.
package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	//% if tracing
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	//% else
	"github.com/prometheus/client_golang/prometheus"

	//% endif
	"[[ module ]]/internal/platform/telemetry"
)

// Handler is an http.HandlerFunc that can fail: the client gets its error as a problem. If the answer has begun, the connection is cut,
// in HTTP/2 the stream, so that the client does not take a part of the answer for the whole.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Options are optional, each of them: a zero limit is none.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer

	//% if tracing
	// TracerProvider takes a span per request; nil while tracing is off.
	TracerProvider trace.TracerProvider

	//% endif
	RequestTimeout time.Duration
	MaxBodyBytes   int64
	MaxInFlight    int

	// AllowedOrigins are the origins whose scripts may call the service (CORS); "*" is any.
	AllowedOrigins []string

	// Problem knows the errors of the domain; it returns nil for any other.
	Problem func(error) *Problem
}

// Router is the http.Handler of the service: what every request passes through, and the routes behind it.
type Router struct {
	opts    Options
	mux     *http.ServeMux
	chain   http.Handler
	metrics *metrics
}

// NewRouter returns a router with no routes, which answers everything with 404.
func NewRouter(opts Options) *Router {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Registerer == nil {
		opts.Registerer = prometheus.NewRegistry()
	}
	if opts.Problem == nil {
		opts.Problem = func(error) *Problem { return nil }
	}
	rt := &Router{opts: opts, mux: http.NewServeMux(), metrics: newMetrics(opts.Registerer, opts.MaxInFlight)}
	rt.mux.Handle(unmatched, rt.route(rt.noRoute))

	// Outermost first. Nothing between observe and the mux may replace the request, in which the mux notes the route.
	steps := []func(http.Handler) http.Handler{
		rt.identify,
		//% if tracing
		rt.trace,
		//% endif
		rt.observe,
		rt.recover,
		rt.secure,
		rt.allowOrigins,
		rt.limitInFlight,
	}
	rt.chain = rt.mux
	for _, step := range slices.Backward(steps) {
		rt.chain = step(rt.chain)
	}
	return rt
}

// ServeHTTP answers a request.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt.chain.ServeHTTP(w, r)
}

// Handle adds a route: a pattern of net/http such as "GET /v1/users/{id}".
func (rt *Router) Handle(pattern string, h Handler) {
	rt.mux.Handle(pattern, rt.route(h))
}

// unmatched is the pattern of requests that no other matches.
const unmatched = "/"

// noRoute answers 405 if the path has routes for other methods, else 404.
func (rt *Router) noRoute(_ http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		probe := &http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := rt.mux.Handler(probe); pattern != unmatched {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return NewProblem(http.StatusNotFound, "There is nothing at this path.")
	}
	p := NewProblem(http.StatusMethodNotAllowed, "This path does not have the method "+r.Method+".")
	p.Allow = strings.Join(allowed, ", ")
	return p
}

// route runs a handler within the limits of one request, and answers its error.
func (rt *Router) route(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rt.opts.MaxBodyBytes > 0 && r.Body != http.NoBody {
			r.Body = limitBody(w, r, rt.opts.MaxBodyBytes)
		}
		ctx := r.Context()
		if rt.opts.RequestTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, rt.opts.RequestTimeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
		err := h(w, r)
		if err == nil && !started(w) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = ctx.Err()
		}
		if err != nil {
			rt.fail(w, r, err)
		}
	})
}

// fail logs an error, loudly if it is the server's, and answers it or cuts the answer that has begun.
func (rt *Router) fail(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	p := problemOf(ctx, err, rt.opts.Problem)
	begun := started(w)
	gone := p.Status == statusClientGone
	if begun {
		gone = errors.Is(ctx.Err(), context.Canceled) // only then does nobody read on
	}
	level := slog.LevelDebug
	switch {
	case gone:
	case p.Status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case p.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	rt.opts.Logger.LogAttrs(ctx, level, "request failed", slog.Int("status", p.Status), slog.Any("error", err))
	switch {
	case begun && gone:
	case begun:
		cut()
	case gone:
		w.WriteHeader(p.Status) // nobody reads it, but metrics and logs show it
	default:
		p.write(w, telemetry.RequestID(ctx))
	}
}
