package consumer

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// startSpan begins the span of a job, within the trace of its producer if the message came with a W3C traceparent.
func (c *Consumer) startSpan(ctx context.Context, d *delivery) context.Context {
	if c.opts.TracerProvider == nil {
		return ctx
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(d.Header))
	ctx, span := c.opts.TracerProvider.Tracer("consumer").Start(ctx, "process job", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(semconv.MessagingMessageID(d.Key), semconv.MessagingOperationTypeProcess))
	d.ctx = trace.ContextWithSpan(d.ctx, span)
	return ctx
}

// endSpan ends the span of ctx, if a worker has begun its job.
func endSpan(ctx context.Context, err error) {
	span := trace.SpanFromContext(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
