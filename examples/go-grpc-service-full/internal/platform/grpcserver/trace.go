package grpcserver

import (
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"
)

// newTraces makes a span of every call but health checks, within the caller's trace if it sent a W3C traceparent.
func newTraces(provider trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(provider),
		otelgrpc.WithPropagators(propagation.TraceContext{}),
		otelgrpc.WithFilter(func(info *stats.RPCTagInfo) bool {
			switch info.FullMethodName {
			case healthgrpc.Health_Check_FullMethodName, healthgrpc.Health_List_FullMethodName, healthgrpc.Health_Watch_FullMethodName:
				return false
			default:
				return true
			}
		}),
	)
}
