package grpcserver

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/telemetry"
)

type stoppingKey struct{}

// Stopping is closed when the server begins to stop. A handler of a stream that would go on for ever selects on it, and returns
// codes.Unavailable; the client then asks another server. What does not is waited for, and cut in the end. Elsewhere than in a
// stream it is nil.
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return stopping
}

// serverStream is a stream with a context of its own, with messages that were validated, and with the request id in its headers. One
// that fails before them has it in its trailers.
type serverStream struct {
	grpc.ServerStream

	ctx      context.Context //nolint:containedctx // grpc.ServerStream wants it
	begun    bool            // and its headers sent
	come     bool            // at least one message
	validate func(ctx context.Context, message any) error
	failed   atomic.Pointer[error] // by what the stream has ended
}

// handle returns how the stream ended, and not what the handler makes of that: handlers wrap errors, and the client has its status.
func (s *serverStream) handle(handler func(grpc.ServerStream) error) error {
	err := handler(s)
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return err
}

func (s *serverStream) fail(err error) error {
	s.failed.CompareAndSwap(nil, &err)
	return err
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) SendHeader(md metadata.MD) error {
	s.begun = true
	err := s.ServerStream.SendHeader(metadata.Join(md, s.requestID()))
	if _, broken := errors.AsType[interface {
		error
		Temporary() bool
	}](err); broken { // as grpc says it only here
		err = status.Error(codes.Unavailable, err.Error())
	}
	if code := status.Code(err); code == codes.Canceled || code == codes.DeadlineExceeded || code == codes.Unavailable {
		return s.fail(err)
	}
	return err //nolint:wrapcheck // the handler's doing: they are wrong, or not the first
}

func (s *serverStream) SendMsg(m any) error {
	if !s.begun {
		s.begun = true
		_ = s.SetHeader(s.requestID()) // fails only if headers were sent around the stream, or nobody is there to read them
	}
	if err := s.ServerStream.SendMsg(m); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *serverStream) RecvMsg(m any) error {
	err := received(s.ServerStream.RecvMsg(m))
	if !s.come {
		s.come = true
		arrived(s.ctx)
	}
	if err == nil && s.validate != nil {
		err = s.validate(s.ctx, m)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return s.fail(err)
	}
	return err
}

func (s *serverStream) requestID() metadata.MD {
	return metadata.MD{requestIDHeader: {telemetry.RequestID(s.ctx)}}
}
