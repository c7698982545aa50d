package grpcserver

import (
	"context"
	"net"
)

// Use lets a server serve on a listener that Listen did not make: one in memory.
func Use(s *Server, listener net.Listener) { s.listener = listener }

// Listener is the listener of a server that stops when stopping ends.
func Listener(inner net.Listener, stopping context.Context) net.Listener { //nolint:revive // it is not the context of this call
	return listener{Listener: inner, stopping: stopping}
}
