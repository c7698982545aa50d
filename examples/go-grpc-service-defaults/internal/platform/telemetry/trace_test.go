package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"example.com/user-service/internal/platform/telemetry"
)

// spans is an OTLP collector.
type spans struct {
	collector.UnimplementedTraceServiceServer

	exports chan *collector.ExportTraceServiceRequest
}

func (s *spans) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.exports <- req
	return &collector.ExportTraceServiceResponse{}, nil
}

func serveCollector(t *testing.T) (string, *spans) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	service := &spans{exports: make(chan *collector.ExportTraceServiceRequest, 1)}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		assert.NoError(t, <-served)
	})
	return "http://" + listener.Addr().String(), service
}

func endSpan(ctx context.Context, provider trace.TracerProvider) {
	_, span := provider.Tracer("test").Start(ctx, "work")
	span.End()
}

func TestTracesReachTheCollectorAtTheEnd(t *testing.T) {
	endpoint, service := serveCollector(t)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	build := telemetry.Build{Service: "user-service", Version: "v1.2.3"}
	provider, flush, err := telemetry.StartTraces(t.Context(), endpoint, build, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	endSpan(t.Context(), provider)
	require.NoError(t, flush(t.Context()))

	export := <-service.exports
	require.Len(t, export.GetResourceSpans(), 1)
	got := export.GetResourceSpans()[0]
	assert.Equal(t, "work", got.GetScopeSpans()[0].GetSpans()[0].GetName())
	attributes := map[string]string{}
	for _, a := range got.GetResource().GetAttributes() {
		attributes[a.GetKey()] = a.GetValue().GetStringValue()
	}
	assert.Equal(t, "user-service", attributes["service.name"])
	assert.Equal(t, "v1.2.3", attributes["service.version"])
	assert.Equal(t, "test", attributes["deployment.environment.name"])
}

func TestTracesCanBeOff(t *testing.T) {
	t.Parallel()
	provider, flush, err := telemetry.StartTraces(t.Context(), "", telemetry.Build{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	assert.Nil(t, provider)
	require.NoError(t, flush(t.Context()))
}

// journal is a log that the exporter may still write to while it is read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func TestACollectorThatIsDownHoldsNothingUp(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	endpoint := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())

	var logs journal
	log := slog.New(slog.NewTextHandler(&logs, nil))
	provider, flush, err := telemetry.StartTraces(t.Context(), endpoint, telemetry.Build{}, log)
	require.NoError(t, err, "the start does not need the collector")
	endSpan(t.Context(), provider)

	start := time.Now()
	require.NoError(t, flush(t.Context()), "spans are not worth a failure")
	assert.Less(t, time.Since(start), 10*time.Second)
	assert.Contains(t, logs.String(), "the last spans are lost")
}

func TestTracesRefuseAWrongEnvironment(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "not-an-attribute")
	_, _, err := telemetry.StartTraces(t.Context(), "http://127.0.0.1:4317", telemetry.Build{}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "describe the service")
}
