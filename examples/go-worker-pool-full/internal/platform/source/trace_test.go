package source

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestTracedSendsItsSpanAlong(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	var sent Outgoing
	publish := Traced(func(_ context.Context, m Outgoing) error {
		sent = m
		return assert.AnError
	}, provider)

	given := Outgoing{Key: "k", Body: []byte("work"), Header: map[string]string{"tenant": "7"}}
	require.ErrorIs(t, publish(t.Context(), given), assert.AnError)

	require.Len(t, spans.Ended(), 1)
	span := spans.Ended()[0]
	assert.Equal(t, trace.SpanKindProducer, span.SpanKind())
	assert.Equal(t, codes.Error, span.Status().Code)
	ids := span.SpanContext()
	assert.Equal(t, map[string]string{
		"tenant": "7", "traceparent": "00-" + ids.TraceID().String() + "-" + ids.SpanID().String() + "-01",
	}, sent.Header)
	assert.Equal(t, "work", string(sent.Body))
	assert.Len(t, given.Header, 1, "the caller's own header stays as it is")
}

func TestTracedWithoutTracing(t *testing.T) {
	t.Parallel()
	var sent Outgoing
	publish := Traced(func(_ context.Context, m Outgoing) error {
		sent = m
		return nil
	}, nil)
	require.NoError(t, publish(t.Context(), Outgoing{Key: "k"}))
	assert.Nil(t, sent.Header)
}
