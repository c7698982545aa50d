package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// flushTimeout bounds the wait for a collector at the end: spans are not worth a slow stop.
const flushTimeout = 2 * time.Second

// StartTraces returns a provider that exports spans to the OTLP endpoint, and the function that exports the last ones; without an
// endpoint the provider is nil. The other OTEL_* variables are read by the SDK. A collector that does not answer costs spans and
// a log line, never a request and never the start or the stop of the service.
func StartTraces(ctx context.Context, endpoint string, build Build, log *slog.Logger) (trace.TracerProvider, func(context.Context) error, error) {
	if endpoint == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.WarnContext(context.WithoutCancel(ctx), "tracing failed", slog.Any("error", err))
	}))
	service, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName(build.Service), semconv.ServiceVersion(build.Version)),
		resource.WithFromEnv(), // last, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
	)
	if err != nil {
		return nil, nil, fmt.Errorf("describe the service: %w", err)
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
	if err != nil {
		return nil, nil, fmt.Errorf("make the span exporter: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(service))
	flush := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			err = errors.Join(err, exporter.Shutdown(ctx)) // which still tries again
			log.WarnContext(ctx, "the last spans are lost", slog.Any("error", err))
		}
		return nil
	}
	return provider, flush, nil
}
