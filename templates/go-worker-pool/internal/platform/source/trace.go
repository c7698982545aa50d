package source

import (
	"context"
	"maps"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Publisher sends a message.
type Publisher func(ctx context.Context, message Outgoing) error

// Traced returns publish within a span, which the message takes along, so that its job joins the trace. Without a provider, which is nil
// while tracing is off, it is publish itself.
func Traced(publish Publisher, provider trace.TracerProvider) Publisher {
	if provider == nil {
		return publish
	}
	tracer := provider.Tracer("source")
	return func(ctx context.Context, message Outgoing) error {
		ctx, span := tracer.Start(ctx, "send job", trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithAttributes(semconv.MessagingMessageID(message.Key), semconv.MessagingOperationTypeSend))
		defer span.End()
		header := propagation.MapCarrier{}
		maps.Copy(header, message.Header)
		propagation.TraceContext{}.Inject(ctx, header)
		message.Header = header
		err := publish(ctx, message)
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, "")
		}
		return err
	}
}
