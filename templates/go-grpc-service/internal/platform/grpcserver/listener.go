package grpcserver

import (
	"context"
	"net"
	"sync"
	"time"
)

// How long a client that has connected may take to begin, and how long when the server stops, which waits for it.
const (
	connectTime     = 10 * time.Second
	lastConnectTime = 250 * time.Millisecond
)

// listener is one whose clients do not hold up the stop while they have not begun.
type listener struct {
	net.Listener

	stopping context.Context //nolint:containedctx // ends when the stop begins
}

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // for grpc to tell apart
	}
	return &connection{Conn: conn, stopping: l.stopping}, nil
}

type connection struct {
	net.Conn

	stopping context.Context //nolint:containedctx // ends when the stop begins
	mu       sync.Mutex
	begun    bool
	release  func() bool
}

// SetDeadline is called by grpc with the time until which the client has to begin, and then with none.
func (c *connection) SetDeadline(deadline time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun = deadline.IsZero(); !c.begun {
		c.release = context.AfterFunc(c.stopping, c.hurry)
	} else if c.release != nil {
		c.release()
	}
	return c.Conn.SetDeadline(deadline) //nolint:wrapcheck // what it says is that of the connection
}

func (c *connection) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.begun {
		_ = c.Conn.SetDeadline(time.Now().Add(lastConnectTime)) // fails only if it is closed
	}
}
