package grpcserver

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// failure is an error as the client gets it, and the one behind it, which stays inside.
type failure struct {
	status *status.Status
	cause  error
}

func (f *failure) Error() string { return f.cause.Error() }

func (f *failure) Unwrap() error { return f.cause }

// GRPCStatus is what grpc sends.
func (f *failure) GRPCStatus() *status.Status { return f.status }

var (
	errBusy     error = busyError{}
	errPanicked error = &failure{status: internalStatus(), cause: errors.New("panic")}
)

// busyError is the answer to a call over the limit.
type busyError struct{}

func (busyError) Error() string { return "too many calls in flight" }

func (busyError) RetryAfter() time.Duration { return time.Second }

// fail makes the failure that err is for the client.
func (s *Server) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	st := s.statusOf(ctx, err)
	pushBack(ctx, st)
	return &failure{status: st, cause: err}
}

// statusOf returns a status that was made for the client, and for other errors the one that tells what kind it is. A status within
// another error is somebody else's, and was not made for this client.
func (s *Server) statusOf(ctx context.Context, err error) *status.Status {
	if made, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		if st := made.GRPCStatus(); st.Code() != codes.OK {
			return st
		}
		return internalStatus()
	}
	if st := s.opts.Status(err); st != nil {
		return st
	}
	if busy, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		return busyStatus(busy.RetryAfter())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return status.New(codes.DeadlineExceeded, "The call took too long.")
	}
	if ctx.Err() != nil && ofContext(err) {
		return status.FromContextError(ctx.Err())
	}
	return internalStatus()
}

// ofContext says whether err is what a context that has ended makes, also of a call to another server.
func ofContext(err error) bool {
	code := status.Code(err)
	return errors.Is(err, context.Canceled) || code == codes.Canceled || code == codes.DeadlineExceeded
}

// pushBack tells clients, which do not read the details of a status, when to try again.
func pushBack(ctx context.Context, st *status.Status) {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			after := info.GetRetryDelay().AsDuration().Milliseconds()
			_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", strconv.FormatInt(after, 10))) // fails only after the end
			return
		}
	}
}

func busyStatus(after time.Duration) *status.Status {
	st := status.New(codes.Unavailable, "The service is busy.")
	if detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)}); err == nil {
		return detailed
	}
	return st
}

// refuse returns an error that is for the client to read.
func refuse(code codes.Code, text string) error {
	return &failure{status: status.New(code, text), cause: errors.New(text)}
}

func internalStatus() *status.Status {
	return status.New(codes.Internal, "The service failed to answer this call.")
}
