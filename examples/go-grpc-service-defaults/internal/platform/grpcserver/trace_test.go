package grpcserver_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/grpcserver"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	const parent = "4bf92f3577b34da6a3ce929d0e0e4736"
	spans := tracetest.NewSpanRecorder()
	var (
		written logs
		seen    trace.SpanContext
	)
	r := serve(t, grpcserver.Options{
		Logger:         written.logger(),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
	}, &echo{say: func(ctx context.Context, _ string) (string, error) {
		seen = trace.SpanContextFromContext(ctx)
		return "", errSecret
	}})
	conn := r.dial(t)
	_, err := healthgrpc.NewHealthClient(conn).Check(t.Context(), &healthgrpc.HealthCheckRequest{})
	require.NoError(t, err)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+parent+"-00f067aa0ba902b7-01")
	_, err = say(ctx, conn, "")
	assert.Equal(t, codes.Internal, status.Code(err))
	require.NoError(t, r.Shutdown(t.Context()))

	require.Len(t, spans.Ended(), 1, "health checks are no news")
	span := spans.Ended()[0]
	assert.Equal(t, "test.v1.EchoService/Say", span.Name())
	assert.Equal(t, trace.SpanKindServer, span.SpanKind())
	assert.Equal(t, parent, span.SpanContext().TraceID().String())
	assert.Equal(t, seen.SpanID(), span.SpanContext().SpanID())
	lines := written.lines(t, "call")
	require.Len(t, lines, 1)
	assert.Equal(t, parent, lines[0]["trace_id"])
	assert.Equal(t, slog.LevelError.String(), lines[0]["level"])
}
