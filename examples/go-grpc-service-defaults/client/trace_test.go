package client_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"example.com/user-service/client"
	userv1 "example.com/user-service/proto/user/v1"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	parents := make(chan []string, 1)
	ready := health.NewServer()
	ready.SetServingStatus(userv1.UserService_ServiceDesc.ServiceName, healthgrpc.HealthCheckResponse_SERVING)
	address := serve(t, &users{do: func(ctx context.Context, _ int64) error {
		parents <- metadata.ValueFromIncomingContext(ctx, "traceparent")
		return nil
	}}, ready)
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	c := newClient(t, address, client.Options{Insecure: true, TracerProvider: provider})

	_, err := c.GetUser(t.Context(), &userv1.GetUserRequest{})
	require.NoError(t, err)
	require.Len(t, spans.Started(), 1, "and none of a health check")
	span := spans.Ended()[0].SpanContext()
	assert.Equal(t, "user.v1.UserService/GetUser", spans.Ended()[0].Name())
	assert.Equal(t, []string{"00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-01"}, <-parents)
}
