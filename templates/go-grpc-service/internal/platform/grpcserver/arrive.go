package grpcserver

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/tap"
)

// begin is what a call passes when its headers have come. Only a context made here also ends the wait for the message: a unary call
// has its deadline from here on, and a stream whose client sends a single message has as long for that.
func (s *Server) begin(ctx context.Context, info *tap.Info) (context.Context, error) {
	switch s.kinds[info.FullMethodName] {
	case unaryCall:
		if !endsWithin(ctx, s.opts.RequestTimeout) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.opts.RequestTimeout) //nolint:gosec // the end of the call ends it
			_ = cancel
		}
	case serverStreamCall:
		ctx, cancel := context.WithCancelCause(ctx)
		late := func() { cancel(context.DeadlineExceeded) }
		return arrival{ctx, time.AfterFunc(s.opts.RequestTimeout, late)}, nil
	}
	return ctx, nil
}

func endsWithin(ctx context.Context, limit time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= limit
}

// arrival has a deadline until a message has come.
type arrival struct {
	context.Context //nolint:containedctx // it is one

	late *time.Timer
}

type arrivalKey struct{}

func (a arrival) Value(key any) any {
	if key == (arrivalKey{}) {
		return a
	}
	return a.Context.Value(key)
}

func (a arrival) Err() error {
	if errors.Is(context.Cause(a.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return a.Context.Err() //nolint:wrapcheck // that of a context is one of two
}

// arrived ends the wait for a message: one has come, or none will.
func arrived(ctx context.Context) {
	if a, ok := ctx.Value(arrivalKey{}).(arrival); ok {
		a.late.Stop()
	}
}
