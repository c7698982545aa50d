package httpserver

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
)

// trace makes a span of every request, within the caller's trace if it sent a W3C traceparent.
func (rt *Router) trace(next http.Handler) http.Handler {
	if rt.opts.TracerProvider == nil {
		return next
	}
	return otelhttp.NewHandler(next, "request",
		otelhttp.WithTracerProvider(rt.opts.TracerProvider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			return strings.TrimSpace(knownMethod(r.Method) + " " + routeOf(r.Pattern))
		}),
	)
}
