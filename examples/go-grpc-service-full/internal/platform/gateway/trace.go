package gateway

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/metadata"
)

// propagate has the call continue the trace of its request.
func propagate(ctx context.Context, _ *http.Request) metadata.MD {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return metadata.New(carrier)
}
