package grpcserver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"time"
	"uuid"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/telemetry"
)

const requestIDHeader = "x-request-id"

// observeUnary puts observe around a unary method, and not only around its interceptors: so it sees also the messages that are too
// large, or that cannot be decoded.
func (s *Server) observeUnary(m *method, handler grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (resp any, err error) {
		err = s.observe(ctx, m, m.name, func(ctx context.Context) error {
			var err error
			d, _ := s.decoders.Get().(*decoder)
			d.decode = decode
			resp, err = handler(srv, ctx, d.received, intercept)
			s.decoders.Put(d)
			return err
		})
		return resp, err
	}
}

// decoder is how a unary call gets its message.
type decoder struct {
	decode   func(message any) error
	received func(message any) error
}

func newDecoder() *decoder {
	d := new(decoder)
	d.received = func(message any) error { return received(d.decode(message)) }
	return d
}

func (s *Server) observeStream(m *method, handler grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, stream grpc.ServerStream) error {
		name := m.name
		if m == s.unknown {
			name, _ = grpc.MethodFromServerStream(stream)
		}
		return s.observe(stream.Context(), m, name, func(ctx context.Context) error {
			return s.stream(ctx, name, stream, func(stream grpc.ServerStream) error { return handler(srv, stream) })
		})
	}
}

// observe is the outer half of what every call passes: recovery, request id, log and metrics, and the status of its error.
func (s *Server) observe(ctx context.Context, m *method, name string, handle func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = s.recovered(ctx, v)
		}
	}()
	ctx, id := identify(ctx)
	start := time.Now()
	m.active.Inc()
	defer func() {
		if err != nil { // SetTrailer fails after a status of grpc's own: to a client that has gone, or a message that it cannot receive
			_ = grpc.SetTrailer(ctx, metadata.Pairs(requestIDHeader, id))
		}
		s.ended(ctx, m, name, start, err)
	}()
	err = errPanicked // unless handle returns
	err = s.fail(ctx, handle(ctx))
	return err
}

func (s *Server) recovered(ctx context.Context, v any) error {
	s.metrics.panics.Inc()
	s.opts.Logger.LogAttrs(ctx, slog.LevelError, "panic",
		slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	return errPanicked
}

// identify takes the request id of the caller, if it is a decent one, or makes one.
func identify(ctx context.Context) (context.Context, string) {
	var id string
	if sent := metadata.ValueFromIncomingContext(ctx, requestIDHeader); len(sent) == 1 {
		id = sent[0]
	}
	if !validRequestID(id) {
		id = uuid.NewV7().String()
	}
	return telemetry.WithRequestID(ctx, id), id
}

func validRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// received counts a message that is none of the method's as the client's fault, which grpc calls Internal.
func received(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && status.Code(err) == codes.Internal {
		return &failure{status: status.New(codes.InvalidArgument, status.Convert(err).Message()), cause: err}
	}
	return err
}

// ended measures and logs a call.
func (s *Server) ended(ctx context.Context, m *method, name string, start time.Time, err error) {
	took := time.Since(start)
	code := status.Code(err)
	m.active.Dec()
	m.observe(code, took)

	level := levelOf(code)
	if m.quiet && level == slog.LevelInfo {
		level = slog.LevelDebug
	}
	log := s.opts.Logger.Handler()
	if !log.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(start.Add(took), level, "call", 0) // a Logger would look up its caller, which is always this line
	record.AddAttrs(
		slog.String("method", name),
		slog.String("code", code.String()),
		slog.Int64("duration_us", took.Microseconds()),
	)
	if p, ok := peer.FromContext(ctx); ok {
		record.AddAttrs(slog.String("remote", p.Addr.String()))
	}
	if err != nil && level > slog.LevelInfo {
		record.AddAttrs(slog.Any("error", err))
	}
	_ = log.Handle(ctx, record) // a log that cannot be written must not fail calls
}

func levelOf(code codes.Code) slog.Level {
	switch code {
	case codes.Canceled:
		return slog.LevelDebug
	case codes.DeadlineExceeded, codes.Unavailable:
		return slog.LevelWarn
	case codes.Unknown, codes.Internal, codes.DataLoss:
		return slog.LevelError
	case codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.Unauthenticated,
		codes.ResourceExhausted, codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.Unimplemented:
	}
	return slog.LevelInfo
}
