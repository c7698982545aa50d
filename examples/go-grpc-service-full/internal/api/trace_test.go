package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

// The call that answers a request is part of the request's trace, and that of the caller's.
func TestRESTTraces(t *testing.T) {
	t.Parallel()
	const caller, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	store, feed := usertest.NewFeed(t)
	service := serveREST(t, user.NewService(store), feed, func(o *grpcserver.Options, r *httpserver.Options) {
		o.TracerProvider, r.TracerProvider = provider, provider
	})

	got := service.call(http.MethodGet, "/v1/users", "", "Traceparent", "00-"+caller+"-"+parent+"-01")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Len(t, spans.Started(), 2)
	request, call := spans.Started()[0], spans.Started()[1]
	assert.Equal(t, caller, request.SpanContext().TraceID().String())
	assert.Equal(t, parent, request.Parent().SpanID().String())
	assert.Equal(t, "user.v1.UserService/ListUsers", call.Name())
	assert.Equal(t, caller, call.SpanContext().TraceID().String())
	assert.Equal(t, request.SpanContext().SpanID(), call.Parent().SpanID())
}
