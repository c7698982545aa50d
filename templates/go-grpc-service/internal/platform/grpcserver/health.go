package grpcserver

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
)

// How often the readiness is asked for, and how often until it is there for the first time.
const (
	readyInterval = time.Second
	startInterval = 50 * time.Millisecond
)

// healthService is the health service of gRPC, which follows the readiness of the service.
type healthService struct {
	*health.Server

	stopping  context.Context //nolint:containedctx // ends when the server begins to stop
	following sync.WaitGroup
}

func registerHealth(server grpc.ServiceRegistrar, stopping context.Context) *healthService { //nolint:revive // it is not the context of this call
	h := &healthService{Server: health.NewServer(), stopping: stopping}
	h.SetServingStatus("", healthgrpc.HealthCheckResponse_NOT_SERVING)
	healthgrpc.RegisterHealthServer(server, h)
	return h
}

// Watch ends when the server stops, which it would hold up otherwise.
func (h *healthService) Watch(req *healthgrpc.HealthCheckRequest, stream healthgrpc.Health_WatchServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(h.stopping, cancel)()
	err := h.Server.Watch(req, watchStream{stream, ctx})
	if h.stopping.Err() != nil {
		return refuse(codes.Unavailable, "The service stops.")
	}
	return err //nolint:wrapcheck // a status
}

type watchStream struct {
	healthgrpc.Health_WatchServer

	ctx context.Context //nolint:containedctx // grpc.ServerStream wants it
}

func (s watchStream) Context() context.Context { return s.ctx }

// follow lets every service be as ready as ready says, until the drain begins or the server stops.
func (h *healthService) follow(services map[string]grpc.ServiceInfo, ready func(context.Context) error, drain <-chan struct{}) {
	set := func(serving healthgrpc.HealthCheckResponse_ServingStatus) {
		h.SetServingStatus("", serving)
		for service := range services {
			h.SetServingStatus(service, serving)
		}
	}
	set(healthgrpc.HealthCheckResponse_NOT_SERVING)
	h.following.Go(func() {
		select {
		case <-drain:
			h.Shutdown() // NOT_SERVING, for good
		case <-h.stopping.Done():
		}
	})
	h.following.Go(func() {
		interval := startInterval
		for {
			if h.ask(ready) == nil {
				set(healthgrpc.HealthCheckResponse_SERVING)
				interval = readyInterval
			} else {
				set(healthgrpc.HealthCheckResponse_NOT_SERVING)
			}
			select {
			case <-time.After(interval):
			case <-h.stopping.Done():
				return
			}
		}
	})
}

func (h *healthService) ask(ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(h.stopping, readyInterval)
	defer cancel()
	return ready(ctx)
}

func (h *healthService) wait() { h.following.Wait() }
