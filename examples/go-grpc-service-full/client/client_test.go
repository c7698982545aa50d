package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"example.com/user-service/client"
	"example.com/user-service/internal/platform/grpcserver"
	userv1 "example.com/user-service/proto/user/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// users is a UserService that does what a test says.
type users struct {
	userv1.UnimplementedUserServiceServer

	calls atomic.Int64
	do    func(ctx context.Context, call int64) error
}

func (s *users) GetUser(ctx context.Context, _ *userv1.GetUserRequest) (*userv1.GetUserResponse, error) {
	return &userv1.GetUserResponse{}, s.do(ctx, s.calls.Add(1))
}

func (s *users) CreateUser(ctx context.Context, _ *userv1.CreateUserRequest) (*userv1.CreateUserResponse, error) {
	return &userv1.CreateUserResponse{}, s.do(ctx, s.calls.Add(1))
}

func (s *users) WatchUsers(_ *userv1.WatchUsersRequest, stream grpc.ServerStreamingServer[userv1.WatchUsersResponse]) error {
	if err := s.do(stream.Context(), s.calls.Add(1)); err != nil {
		return err
	}
	return stream.Send(&userv1.WatchUsersResponse{})
}

func succeed(context.Context, int64) error { return nil }

// serve lets s answer at an address of its own until the test ends.
func serve(t *testing.T, s userv1.UserServiceServer, health healthgrpc.HealthServer, options ...grpc.ServerOption) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(options...)
	userv1.RegisterUserServiceServer(server, s)
	if health != nil {
		healthgrpc.RegisterHealthServer(server, health)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		assert.NoError(t, <-ended)
	})
	return listener.Addr().String()
}

func newClient(t *testing.T, target string, options client.Options) *client.Client {
	t.Helper()
	c, err := client.New(target, options)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	deadlines := make(chan time.Time, 1)
	address := serve(t, &users{do: func(ctx context.Context, _ int64) error {
		deadline, _ := ctx.Deadline()
		deadlines <- deadline
		return nil
	}}, nil)
	get := func(ctx context.Context, options client.Options) time.Time {
		options.Insecure = true
		_, err := newClient(t, address, options).GetUser(ctx, &userv1.GetUserRequest{})
		require.NoError(t, err)
		return <-deadlines
	}
	long, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	const slack = 5 * time.Minute

	begin := time.Now()
	byDefault := get(t.Context(), client.Options{})
	assert.True(t, begin.Before(byDefault) && byDefault.Before(time.Now().Add(11*time.Second)), "about 10 s: %s", byDefault.Sub(begin))
	assert.WithinDuration(t, time.Now().Add(30*time.Minute), get(t.Context(), client.Options{Timeout: 30 * time.Minute}), slack)
	assert.WithinDuration(t, time.Now().Add(time.Hour), get(long, client.Options{}), slack, "the caller's own")
}

func TestInterceptorsOfTheCaller(t *testing.T) {
	t.Parallel()
	deadlines := make(chan bool, 1)
	address := serve(t, &users{do: func(ctx context.Context, _ int64) error {
		_, ok := ctx.Deadline()
		deadlines <- ok
		return nil
	}}, nil)
	for name, option := range map[string]func(...grpc.UnaryClientInterceptor) grpc.DialOption{
		"one":   func(all ...grpc.UnaryClientInterceptor) grpc.DialOption { return grpc.WithUnaryInterceptor(all[0]) },
		"chain": grpc.WithChainUnaryInterceptor,
	} {
		t.Run(name, func(t *testing.T) {
			called := false
			intercept := func(ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
				called = true
				return invoke(ctx, method, request, response, conn, options...)
			}
			c := newClient(t, address, client.Options{Insecure: true, DialOptions: []grpc.DialOption{option(intercept)}})
			_, err := c.GetUser(t.Context(), &userv1.GetUserRequest{})
			require.NoError(t, err)
			assert.True(t, called)
			assert.True(t, <-deadlines)
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	issuer := httptest.NewTLSServer(nil)
	t.Cleanup(issuer.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(issuer.Certificate())
	overTLS := serve(t, &users{do: succeed}, nil, grpc.Creds(credentials.NewServerTLSFromCert(&issuer.TLS.Certificates[0])))
	plain := serve(t, &users{do: succeed}, nil)

	tests := map[string]struct {
		target  string
		options client.Options
		want    codes.Code
	}{
		"verified":             {overTLS, client.Options{TLS: &tls.Config{RootCAs: authorities}}, codes.OK},
		"unknown authority":    {overTLS, client.Options{}, codes.Unavailable},
		"another name":         {overTLS, client.Options{TLS: &tls.Config{RootCAs: authorities, ServerName: "users.test"}}, codes.Unavailable},
		"insecure to TLS":      {overTLS, client.Options{Insecure: true}, codes.Unavailable},
		"insecure":             {plain, client.Options{Insecure: true}, codes.OK},
		"TLS unless told else": {plain, client.Options{}, codes.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, test.target, test.options).CreateUser(t.Context(), &userv1.CreateUserRequest{})
			assert.Equal(t, test.want, status.Code(err), err)
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := client.New("localhost:50051", client.Options{Insecure: true, TLS: &tls.Config{}})
	require.EqualError(t, err, "either TLS or an insecure connection, not both")
	_, err = client.New("localhost:50051", client.Options{DialOptions: []grpc.DialOption{grpc.WithDefaultServiceConfig("{")}})
	require.ErrorContains(t, err, "make connection: ")
}

// busy is an error of a server that cannot answer now, and knows when it can.
type busy time.Duration

func (busy) Error() string { return "busy" }

func (b busy) RetryAfter() time.Duration { return time.Duration(b) }

func TestRetries(t *testing.T) {
	t.Parallel()
	const pushback = 300 * time.Millisecond // more than the client itself would wait
	failing := func(times int64, err error) func(context.Context, int64) error {
		return func(_ context.Context, call int64) error {
			if call > times {
				return nil
			}
			return err
		}
	}
	get := func(ctx context.Context, c *client.Client) error {
		_, err := c.GetUser(ctx, &userv1.GetUserRequest{})
		return err
	}
	create := func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateUser(ctx, &userv1.CreateUserRequest{})
		return err
	}
	watch := func(ctx context.Context, c *client.Client) error {
		stream, err := c.WatchUsers(ctx, &userv1.WatchUsersRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	unavailable := status.Error(codes.Unavailable, "busy")
	detailed, err := status.New(codes.Unavailable, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(pushback)})
	require.NoError(t, err)
	tests := map[string]struct {
		do    func(context.Context, int64) error
		call  func(context.Context, *client.Client) error
		want  codes.Code
		calls int64
		least time.Duration
	}{
		"at the time the server says": {do: failing(1, busy(pushback)), call: get, want: codes.OK, calls: 2, least: pushback},
		"a watch that has not begun":  {do: failing(1, busy(pushback)), call: watch, want: codes.OK, calls: 2, least: pushback},
		"at the time a status says":   {do: failing(1, detailed.Err()), call: get, want: codes.OK, calls: 2, least: pushback},
		"at the client's own time":    {do: failing(2, unavailable), call: get, want: codes.OK, calls: 3},
		"not for ever":                {do: failing(9, busy(time.Millisecond)), call: get, want: codes.Unavailable, calls: 4},
		"not what may have been done": {do: failing(1, busy(time.Millisecond)), call: create, want: codes.Unavailable, calls: 1},
		"not what fails again":        {do: failing(1, status.Error(codes.NotFound, "none")), call: get, want: codes.NotFound, calls: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := grpcserver.New("127.0.0.1:0", grpcserver.Options{})
			require.NoError(t, err)
			service := &users{do: test.do}
			userv1.RegisterUserServiceServer(server, service)
			address, err := server.Listen(t.Context())
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- server.Serve() }()
			t.Cleanup(func() {
				assert.NoError(t, server.Close())
				assert.NoError(t, <-ended)
			})
			c := newClient(t, address, client.Options{Insecure: true})

			begin := time.Now()
			assert.Equal(t, test.want, status.Code(test.call(t.Context(), c)))
			assert.Equal(t, test.calls, service.calls.Load())
			assert.GreaterOrEqual(t, time.Since(begin), test.least)
		})
	}
}

// Calls go to every replica that the name of the service has, as long as it says that it is ready.
func TestBalances(t *testing.T) {
	t.Parallel()
	var (
		replicas  [3]*users
		healths   [3]*health.Server
		addresses = make([]resolver.Address, len(replicas))
	)
	for i := range replicas {
		replicas[i], healths[i] = &users{do: succeed}, health.NewServer()
		healths[i].SetServingStatus(userv1.UserService_ServiceDesc.ServiceName, healthgrpc.HealthCheckResponse_SERVING)
		addresses[i] = resolver.Address{Addr: serve(t, replicas[i], healths[i])}
	}
	names := manual.NewBuilderWithScheme("test")
	names.InitialState(resolver.State{Addresses: addresses})
	c := newClient(t, "test:///users", client.Options{Insecure: true, DialOptions: []grpc.DialOption{grpc.WithResolvers(names)}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	get := func() {
		_, err := c.GetUser(ctx, &userv1.GetUserRequest{})
		require.NoError(t, err)
	}

	for _, replica := range replicas {
		for replica.calls.Load() == 0 {
			get()
		}
	}

	healths[1].Shutdown()
	for quiet := 0; quiet < 10; {
		before := replicas[1].calls.Load()
		get()
		if quiet++; replicas[1].calls.Load() != before {
			quiet = 0
		}
	}
	before := replicas[0].calls.Load() + replicas[2].calls.Load()
	get()
	assert.Equal(t, before+1, replicas[0].calls.Load()+replicas[2].calls.Load())
}
