package httpserver_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/platform/telemetry"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	var logs bytes.Buffer
	rt := httpserver.NewRouter(httpserver.Options{
		TracerProvider: provider, Logger: telemetry.NewLogger(&logs, slog.LevelInfo),
	})
	var inside trace.SpanContext
	rt.Handle("GET /v1/users/{id}", func(_ http.ResponseWriter, r *http.Request) error {
		inside = trace.SpanContextFromContext(r.Context())
		return errSecret
	})
	const caller = "4bf92f3577b34da6a3ce929d0e0e4736"
	do(t, rt, "GET", "/v1/users/7", map[string]string{"Traceparent": "00-" + caller + "-00f067aa0ba902b7-01"}, "")
	do(t, rt, "BREW", "/nothing", nil, "")

	require.Len(t, spans.Ended(), 2)
	matched, unmatched := spans.Ended()[0], spans.Ended()[1]
	assert.Equal(t, "GET /v1/users/{id}", matched.Name())
	assert.Equal(t, caller, matched.SpanContext().TraceID().String(), "the caller's trace goes on")
	assert.Equal(t, "00f067aa0ba902b7", matched.Parent().SpanID().String())
	assert.Equal(t, matched.SpanContext().SpanID(), inside.SpanID(), "handlers see the span")
	assert.Equal(t, codes.Error, matched.Status().Code)
	assert.Contains(t, matched.Attributes(), attribute.Int("http.response.status_code", http.StatusInternalServerError))
	assert.Contains(t, matched.Attributes(), attribute.String("http.route", "/v1/users/{id}"))
	assert.Contains(t, logs.String(), `"trace_id":"`+caller+`"`)

	assert.Equal(t, "_OTHER unmatched", unmatched.Name())
	assert.NotContains(t, fmt.Sprint(unmatched.Attributes()), "http.route")
	assert.False(t, unmatched.Parent().IsValid())
}

func TestTracesOfAnswersThatAreCut(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	rt := httpserver.NewRouter(httpserver.Options{TracerProvider: provider})
	rt.Handle("GET /v1/users/{id}", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return errSecret
	})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { do(t, rt, "GET", "/v1/users/7", nil, "") })

	require.Len(t, spans.Ended(), 1)
	span := spans.Ended()[0]
	assert.Equal(t, "GET /v1/users/{id}", span.Name())
	assert.Equal(t, codes.Error, span.Status().Code)
	assert.Contains(t, span.Attributes(), attribute.String("http.route", "/v1/users/{id}"))
}
