package lifecycle

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// HTTPServer is an http.Server as a part of the service.
type HTTPServer struct {
	server   *http.Server
	listener net.Listener
}

// NewHTTPServer makes a part of server, which listens at server.Addr.
func NewHTTPServer(server *http.Server) *HTTPServer {
	return &HTTPServer{server: server}
}

// Listen takes the port.
func (s *HTTPServer) Listen(ctx context.Context) (string, error) {
	var (
		config net.ListenConfig
		err    error
	)
	s.listener, err = config.Listen(ctx, "tcp", s.server.Addr)
	if err != nil {
		return "", fmt.Errorf("take the address: %w", err)
	}
	if s.server.TLSConfig != nil {
		s.listener = tls.NewListener(s.listener, s.server.TLSConfig)
	}
	return s.listener.Addr().String(), nil
}

// Serve answers requests until Shutdown or Close.
func (s *HTTPServer) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("accept connections: %w", err)
	}
	return nil
}

// Shutdown closes the port and waits for the requests begun.
func (s *HTTPServer) Shutdown(ctx context.Context) error {
	if err := s.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("wait for requests: %w", err)
	}
	return s.closeListener()
}

// Close closes the port and every connection.
func (s *HTTPServer) Close() error {
	if err := s.server.Close(); err != nil {
		return fmt.Errorf("close connections: %w", err)
	}
	return s.closeListener()
}

// closeListener frees the port also if Serve, which would close it, was never called.
func (s *HTTPServer) closeListener() error {
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the port: %w", err)
	}
	return nil
}
