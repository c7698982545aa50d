package grpcserver_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	reflectiongrpc "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/grpcserver"
)

const (
	serving    = healthgrpc.HealthCheckResponse_SERVING
	notServing = healthgrpc.HealthCheckResponse_NOT_SERVING
)

// TestHealthFollowsReadiness watches it from before the service is ready to its stop.
func TestHealthFollowsReadiness(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"", "test.v1.EchoService"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var ready atomic.Bool
				drain := make(chan struct{})
				r := serve(t, grpcserver.Options{RequestTimeout: time.Second, Drain: drain, Ready: func(ctx context.Context) error {
					_, bounded := ctx.Deadline()
					assert.True(t, bounded, "a check that hangs must not stop the checks")
					if !ready.Load() {
						return errors.New("starting")
					}
					return nil
				}}, &echo{})
				client := healthgrpc.NewHealthClient(r.dial(t))
				watch, err := client.Watch(t.Context(), &healthgrpc.HealthCheckRequest{Service: service})
				require.NoError(t, err)
				next := func() healthgrpc.HealthCheckResponse_ServingStatus {
					response, err := watch.Recv()
					require.NoError(t, err)
					checked, err := client.Check(t.Context(), &healthgrpc.HealthCheckRequest{Service: service})
					require.NoError(t, err)
					assert.Equal(t, response.GetStatus(), checked.GetStatus())
					return response.GetStatus()
				}
				assert.Equal(t, notServing, next())

				start := time.Now()
				ready.Store(true)
				assert.Equal(t, serving, next())
				assert.LessOrEqual(t, time.Since(start), 50*time.Millisecond, "clients wait for it")

				for _, is := range []bool{false, true} { // the database is lost and found
					time.Sleep(10500 * time.Millisecond)
					start = time.Now()
					ready.Store(is)
					assert.Equal(t, is, next() == serving)
					assert.LessOrEqual(t, time.Since(start), time.Second)
				}

				time.Sleep(10500 * time.Millisecond)
				start = time.Now()
				close(drain)
				assert.Equal(t, notServing, next())
				assert.Zero(t, time.Since(start), "at once")
				time.Sleep(10 * time.Second)
				checked, err := client.Check(t.Context(), &healthgrpc.HealthCheckRequest{Service: service})
				require.NoError(t, err)
				assert.Equal(t, notServing, checked.GetStatus(), "whatever the readiness is")

				require.NoError(t, r.Shutdown(t.Context()), "which no watch holds up")
				_, err = watch.Recv()
				assert.Equal(t, status.New(codes.Unavailable, "The service stops.").String(), status.Convert(err).String())
			})
		})
	}
}

// TestHealthIsOpenToEverybody asks a server that is full, and whose callers have to say who they are.
func TestHealthIsOpenToEverybody(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context, string) (context.Context, error) {
		return nil, status.Error(codes.Unauthenticated, "Who are you?")
	}
	begun := make(chan struct{})
	r := serve(t, grpcserver.Options{Authorize: refuse, Reflection: true, MaxInFlight: 1}, &echo{
		repeat: func(_ string, stream grpc.ServerStream) error {
			close(begun)
			<-stream.Context().Done()
			return nil
		},
	})
	conn := r.dial(t)
	client := healthgrpc.NewHealthClient(conn)
	for range 2 { // over the limit
		watch, err := client.Watch(t.Context(), &healthgrpc.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = watch.Recv()
		require.NoError(t, err)
	}
	_, err := client.Check(t.Context(), &healthgrpc.HealthCheckRequest{})
	require.NoError(t, err)

	reflection, err := reflectiongrpc.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	_, err = reflection.Recv()
	assert.Equal(t, codes.Unauthenticated, status.Code(err), "reflection is for those who may")
}

func TestReflectionIsOffByDefault(t *testing.T) {
	t.Parallel()
	conn := start(t, grpcserver.Options{}, &echo{})
	stream, err := reflectiongrpc.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	_, err = stream.Recv()
	assert.Equal(t, codes.Unimplemented, status.Code(err))
}

// reflected are the services that reflection tells of.
func reflected(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	stream, err := reflectiongrpc.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&reflectiongrpc.ServerReflectionRequest{
		MessageRequest: &reflectiongrpc.ServerReflectionRequest_ListServices{},
	}))
	response, err := stream.Recv()
	require.NoError(t, err)
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)
	listed := response.GetListServicesResponse().GetService()
	names := make([]string, 0, len(listed))
	for _, service := range listed {
		names = append(names, service.GetName())
	}
	slices.Sort(names)
	return names
}
