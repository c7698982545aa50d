// Package client calls the UserService of user-service as its callers should: over TLS, with a deadline, on every replica, and again
// where that is safe.
package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // leaves out replicas that are not ready, as the service config asks for
	"google.golang.org/grpc/keepalive"

	userv1 "example.com/user-service/proto/user/v1"
)

// Options say how to connect. The zero value connects over TLS and trusts the authorities of the system.
type Options struct {
	// TracerProvider takes a span per call; the global one unless set.
	TracerProvider trace.TracerProvider

	// TLS is how to verify the service, and what to show it.
	TLS *tls.Config
	// Insecure connects without TLS.
	Insecure bool
	// Timeout is the deadline of a call whose context has none, all attempts together: 10 s unless set. A watch has no deadline.
	Timeout time.Duration
	// DialOptions come after those of this package; interceptors do not replace its deadline.
	DialOptions []grpc.DialOption
}

// Client is a UserServiceClient with its connections. It is safe for concurrent use, and one is enough for a process.
type Client struct {
	userv1.UserServiceClient

	conn *grpc.ClientConn
}

// New returns a client of the service at target, such as dns:///users.example.com:50051, where each address that the name has is a
// replica. It connects when it is used first.
func New(target string, options Options) (*Client, error) {
	creds := credentials.NewTLS(options.TLS)
	if options.Insecure {
		if options.TLS != nil {
			return nil, errors.New("either TLS or an insecure connection, not both")
		}
		creds = insecure.NewCredentials()
	}
	timeout := options.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithStatsHandler(newTraces(options.TracerProvider)),
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithChainUnaryInterceptor(withDeadline(timeout)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 10 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	}, options.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("make connection: %w", err)
	}
	return &Client{UserServiceClient: userv1.NewUserServiceClient(conn), conn: conn}, nil
}

// Close ends every call and connection.
func (c *Client) Close() error {
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

func withDeadline(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return invoke(ctx, method, request, response, conn, options...)
	}
}
