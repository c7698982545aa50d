package grpcserver

import (
	"context"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
)

// unary is the inner half of what a unary call passes: the limit of calls in flight, who the client is, and what it sent.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if isHealth(info.FullMethod) {
		return handler(ctx, req)
	}
	defer s.calls.leave()
	if !s.calls.enter() {
		return nil, errBusy
	}
	if s.opts.Authorize != nil {
		var err error
		if ctx, err = s.opts.Authorize(ctx, info.FullMethod); err != nil {
			return nil, err
		}
	}
	if s.opts.Validate != nil {
		if err := s.opts.Validate(ctx, req); err != nil {
			return nil, err
		}
	}
	return handler(ctx, req)
}

// stream is the same for a stream. It has no deadline but its client's, and can hear of the stop.
func (s *Server) stream(ctx context.Context, fullMethod string, stream grpc.ServerStream, handler func(grpc.ServerStream) error) error {
	if isHealth(fullMethod) {
		return (&serverStream{ServerStream: stream, ctx: ctx}).handle(handler)
	}
	defer s.streams.leave()
	if !s.streams.enter() {
		return errBusy
	}
	ctx = context.WithValue(ctx, stoppingKey{}, s.stopping.Done())
	if s.opts.Authorize != nil {
		var err error
		if ctx, err = s.opts.Authorize(ctx, fullMethod); err != nil {
			return err
		}
	}
	return (&serverStream{ServerStream: stream, ctx: ctx, validate: s.opts.Validate}).handle(handler)
}

func isHealth(fullMethod string) bool {
	return strings.HasPrefix(fullMethod, "/grpc.health.v1.Health/")
}

// gate refuses calls over a limit at once: waiting would only make all of them late.
type gate struct {
	limit    int64
	inFlight atomic.Int64
}

// enter says whether there is room. Whatever it says, leave has to follow.
func (g *gate) enter() bool { return g.inFlight.Add(1) <= g.limit || g.limit == 0 }

func (g *gate) leave() { g.inFlight.Add(-1) }
