package httpserver

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// trace makes a span of every request, within the caller's trace if it sent a W3C traceparent.
func (rt *Router) trace(next http.Handler) http.Handler {
	if rt.opts.TracerProvider == nil {
		return next
	}
	return otelhttp.NewHandler(noteRoute(next), "request",
		otelhttp.WithTracerProvider(rt.opts.TracerProvider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			return spanName(r)
		}),
	)
}

func spanName(r *http.Request) string {
	return strings.TrimSpace(knownMethod(r.Method) + " " + routeOf(r.Pattern))
}

func noteRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		returned := false
		defer func() {
			setRoute(r)
			if !returned {
				setCut(r)
			}
		}()
		next.ServeHTTP(w, r)
		returned = true
	})
}

// setRoute adds the route to the span when it is known: otelhttp looks for it before the mux has found it.
func setRoute(r *http.Request) {
	if r.Pattern != "" && r.Pattern != unmatched {
		trace.SpanFromContext(r.Context()).SetAttributes(semconv.HTTPRoute(routeOf(r.Pattern)))
	}
}

// setCut names the span of an answer that is cut, and marks it as failed: otelhttp does both only after a handler that returns.
func setCut(r *http.Request) {
	span := trace.SpanFromContext(r.Context())
	span.SetName(spanName(r))
	span.SetStatus(codes.Error, "the answer was cut")
}
