package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.com/user-service/internal/platform/consumer"
	"example.com/user-service/internal/platform/source"
)

const (
	producer    = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + producer + "-00f067aa0ba902b7-01"
)

func TestAJobJoinsTheTraceOfItsProducer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		opts := options()
		opts.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		var inside trace.SpanContext
		b := start(t, func(ctx context.Context, job consumer.Job) error {
			switch job.Key {
			case "traced":
				inside = trace.SpanContextFromContext(ctx)
				return errBroken
			case "panics":
				return surprise("handler")
			default:
				return nil
			}
		}, opts)
		b.deliver(source.Message{Key: "traced", Attempt: 5, Header: map[string]string{"traceparent": traceparent}})
		synctest.Wait()
		b.deliver(source.Message{Key: "panics", Attempt: 5})
		synctest.Wait()
		b.deliver(source.Message{Key: "good", Attempt: 1, Header: map[string]string{"traceparent": "nonsense"}})
		synctest.Wait()
		b.stop(t)

		require.Len(t, spans.Ended(), 3)
		traced, panicked, good := spans.Ended()[0], spans.Ended()[1], spans.Ended()[2]
		assert.Equal(t, producer, traced.SpanContext().TraceID().String())
		assert.Equal(t, "00f067aa0ba902b7", traced.Parent().SpanID().String())
		assert.Equal(t, traced.SpanContext().SpanID(), inside.SpanID(), "handlers see the span")
		assert.Equal(t, trace.SpanKindConsumer, traced.SpanKind())
		assert.Equal(t, codes.Error, traced.Status().Code)
		for _, line := range b.logs.lines(`"request_id":"traced"`) {
			assert.Contains(t, line, `"trace_id":"`+producer+`"`)
		}
		assert.Len(t, b.logs.lines(producer), 1, "that the job failed")

		assert.Equal(t, codes.Error, panicked.Status().Code)
		assert.NotEmpty(t, b.logs.lines(panicked.SpanContext().TraceID().String()))

		assert.Equal(t, codes.Unset, good.Status().Code)
		assert.False(t, good.Parent().IsValid())
	})
}

// hasty is a processor of spans that panics.
type hasty struct{ sdktrace.SpanProcessor }

func (hasty) OnEnd(sdktrace.ReadOnlySpan) { _ = surprise("processor") }

func TestAJobIsSettledThoughItsSpanPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := options()
		opts.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(hasty{tracetest.NewSpanRecorder()}))
		b := start(t, func(_ context.Context, job consumer.Job) error {
			if job.Key == "bad" {
				return (*fragile)(nil)
			}
			return nil
		}, opts)
		b.deliver(source.Message{Key: "good", Attempt: 1})
		synctest.Wait()
		b.deliver(source.Message{Key: "bad", Attempt: 5})
		synctest.Wait()
		b.stop(t)
		assert.Equal(t, 1, b.count("acked"))
		assert.Equal(t, 1, b.count("buried"))
		assert.NotEmpty(t, b.logs.lines("processor"))
	})
}

func TestAJobWithoutTracing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inside trace.SpanContext
		b := start(t, func(ctx context.Context, _ consumer.Job) error {
			inside = trace.SpanContextFromContext(ctx)
			return nil
		}, options())
		b.deliver(source.Message{Key: "a", Header: map[string]string{"traceparent": traceparent}})
		synctest.Wait()
		b.stop(t)
		assert.False(t, inside.IsValid())
		assert.Equal(t, 1, b.count("acked"))
	})
}
