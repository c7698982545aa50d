// Package grpcserver serves gRPC: what every call passes, TLS, health, and a stop that loses no call.
package grpcserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

// cutTime is how long Close waits for handlers whose calls it has cut.
const cutTime = 500 * time.Millisecond

// Options are optional, each of them: a zero limit is none, but for MaxBodyBytes.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer

	// TracerProvider takes a span per call; nil while tracing is off.
	TracerProvider trace.TracerProvider

	// RequestTimeout bounds unary calls, from their headers on. A stream has only the deadline of its client, and this time for its
	// message if the client sends a single one.
	RequestTimeout time.Duration
	// MaxBodyBytes bounds each message that a client sends: 4 MiB, as everywhere in gRPC, unless set.
	MaxBodyBytes int64
	// MaxInFlight bounds the unary calls at a time, and by itself the streams, so that streams that stay leave room for calls.
	MaxInFlight int

	// Reflection tells clients which services there are, and their messages.
	Reflection bool
	TLS        TLSFiles

	// Authorize lets a call in, or refuses it by an error, which is best one of package status. What it adds to the context, the
	// handler finds there. It does not see health checks. Without it everybody may call everything.
	Authorize func(ctx context.Context, fullMethod string) (context.Context, error)
	// Validate refuses a message that a client sent, by an error, before the handler sees it. Without it handlers do that.
	Validate func(ctx context.Context, message any) error
	// Status knows the errors of the domain; it returns nil for any other.
	Status func(error) *status.Status
	// Ready says why the service should get no calls now, or nil. The health service asks it every second.
	Ready func(context.Context) error
	// Drain is closed when the service is to stop, from when on the health service says that it does not serve. nil is never.
	Drain <-chan struct{}
}

// Server is a gRPC server as a part of the service.
type Server struct {
	address  string
	opts     Options
	grpc     *grpc.Server
	health   *healthService
	metrics  *metrics
	kinds    map[string]string // of the methods, by their full names
	unknown  *method
	decoders sync.Pool // of *decoder, which would cost every call one
	calls    gate
	streams  gate
	stopping context.Context //nolint:containedctx // ends when the stop begins
	stop     context.CancelFunc
	listener net.Listener
}

// New returns a server without services, which will listen at address.
func New(address string, opts Options) (*Server, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Registerer == nil {
		opts.Registerer = prometheus.NewRegistry()
	}
	if opts.Status == nil {
		opts.Status = func(error) *status.Status { return nil }
	}
	if opts.Ready == nil {
		opts.Ready = func(context.Context) error { return nil }
	}
	s := &Server{address: address, opts: opts, metrics: newMetrics(opts.Registerer, opts.MaxInFlight), kinds: make(map[string]string)}
	s.decoders.New = func() any { return newDecoder() }
	s.unknown = s.metrics.method("unknown", "unknown", "unknown")
	s.calls.limit, s.streams.limit = int64(opts.MaxInFlight), int64(opts.MaxInFlight)
	s.stopping, s.stop = context.WithCancel(context.Background())

	serverOptions := []grpc.ServerOption{
		grpc.UnaryInterceptor(s.unary),
		grpc.UnknownServiceHandler(s.observeStream(s.unknown, noMethod)),
		grpc.MaxConcurrentStreams(250),
		grpc.MaxHeaderListSize(64 << 10),
		grpc.ConnectionTimeout(connectTime),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge:      30 * time.Minute, // so that clients find new replicas
			MaxConnectionAgeGrace: 30 * time.Second,
			Time:                  30 * time.Second,
			Timeout:               10 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
	if opts.RequestTimeout > 0 {
		serverOptions = append(serverOptions, grpc.InTapHandle(s.begin))
	}
	if opts.MaxBodyBytes > 0 {
		serverOptions = append(serverOptions, grpc.MaxRecvMsgSize(int(opts.MaxBodyBytes)))
	}
	if opts.TLS != (TLSFiles{}) {
		creds, err := newCredentials(opts.TLS, opts.Logger, opts.Registerer)
		if err != nil {
			return nil, err
		}
		serverOptions = append(serverOptions, grpc.Creds(creds))
	}
	if opts.TracerProvider != nil {
		serverOptions = append(serverOptions, grpc.StatsHandler(newTraces(opts.TracerProvider)))
	}
	s.grpc = grpc.NewServer(serverOptions...)
	s.health = registerHealth(s, s.stopping)
	if opts.Reflection {
		reflection.RegisterV1(s)
	}
	return s, nil
}

func noMethod(any, grpc.ServerStream) error {
	return refuse(codes.Unimplemented, "There is no such method.")
}

// RegisterService adds a service, observed; generated code calls it, before Serve.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	observed := *desc
	observed.Methods = slices.Clone(desc.Methods)
	for i, m := range observed.Methods {
		observed.Methods[i].Handler = s.observeUnary(s.method(desc.ServiceName, m.MethodName, unaryCall), m.Handler)
	}
	observed.Streams = slices.Clone(desc.Streams)
	for i, m := range observed.Streams {
		observed.Streams[i].Handler = s.observeStream(s.method(desc.ServiceName, m.StreamName, typeOf(m)), m.Handler)
	}
	s.grpc.RegisterService(&observed, impl)
}

func (s *Server) method(service, name, kind string) *method {
	m := s.metrics.method(service, name, kind)
	s.kinds[m.name] = kind
	return m
}

// GetServiceInfo is what reflection tells of.
func (s *Server) GetServiceInfo() map[string]grpc.ServiceInfo { return s.grpc.GetServiceInfo() }

// Listen takes the port.
func (s *Server) Listen(ctx context.Context) (string, error) {
	var (
		config net.ListenConfig
		err    error
	)
	s.listener, err = config.Listen(ctx, "tcp", s.address)
	if err != nil {
		return "", fmt.Errorf("take the address: %w", err)
	}
	return s.listener.Addr().String(), nil
}

// Serve answers calls until Shutdown or Close.
func (s *Server) Serve() error {
	s.health.follow(s.grpc.GetServiceInfo(), s.opts.Ready, s.opts.Drain)
	defer s.health.wait()
	defer s.stop()
	if err := s.grpc.Serve(listener{Listener: s.listener, stopping: s.stopping}); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("accept connections: %w", err)
	}
	return nil
}

// Shutdown closes the port, tells the streams that stop by themselves (see Stopping), and waits for the calls begun.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.grpc.GracefulStop()
	}()
	select {
	case <-stopped:
		return s.closeListener()
	case <-ctx.Done():
		return fmt.Errorf("wait for calls: %w", ctx.Err())
	}
}

// Close closes the port and every connection.
func (s *Server) Close() error {
	s.stop()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.grpc.Stop()
	}()
	select {
	case <-stopped:
		return s.closeListener()
	case <-time.After(cutTime):
		return errors.Join(errors.New("calls that were cut still run"), s.closeListener())
	}
}

// closeListener frees the port also if Serve, which would close it, was never called.
func (s *Server) closeListener() error {
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the port: %w", err)
	}
	return nil
}
