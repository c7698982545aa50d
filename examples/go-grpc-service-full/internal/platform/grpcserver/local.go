package grpcserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// localBuffer is what the in-memory connection holds in each direction.
const localBuffer = 256 << 10

// Local returns a connection from within the process, over memory and thus without TLS. Its calls pass what all calls pass, until the
// server stops; as on every connection, those over the limit of streams wait. Every service has to be registered before.
func (s *Server) Local() (*grpc.ClientConn, error) {
	memory := bufconn.Listen(localBuffer)
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return memory.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:///local",
		grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(math.MaxInt)),
	)
	if err != nil {
		return nil, fmt.Errorf("connect within the process: %w", err)
	}
	go func() { _ = s.grpc.Serve(localListener{memory}) }() // it ends with the server, and with nothing to say
	return conn, nil
}

type localListener struct {
	net.Listener
}

// localConn is a connection that Local has made.
type localConn struct {
	net.Conn
}

func (l localListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // for grpc to tell apart
	}
	return localConn{conn}, nil
}

// besideLocal are the credentials of the public listener, which only those of Local do without.
type besideLocal struct {
	credentials.TransportCredentials
}

func (c besideLocal) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if _, local := conn.(localConn); local {
		return insecure.NewCredentials().ServerHandshake(conn) //nolint:wrapcheck // it does nothing
	}
	return c.TransportCredentials.ServerHandshake(conn) //nolint:wrapcheck // of somebody else
}

// HTTPConfig is the TLS of a listener for HTTP with the same files, or nil where there are none.
func HTTPConfig(files TLSFiles, log *slog.Logger) (*tls.Config, error) {
	if files == (TLSFiles{}) {
		return nil, nil
	}
	c, err := newCertificates(files, log)
	if err != nil {
		return nil, err
	}
	protocols := []string{"h2", "http/1.1"}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			current, _ := c.current()
			config := current.Clone()
			config.NextProtos = protocols
			return config, nil
		},
	}, nil
}
