package grpcserver_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/telemetry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// logs are what a logger wrote.
type logs struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed by the next line
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written != nil {
		close(l.written)
		l.written = nil
	}
	return l.text.Write(line)
}

// next is closed when the next line has been written.
func (l *logs) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written = make(chan struct{})
	return l.written
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lines returns the lines with a message.
func (l *logs) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range bytes.Lines([]byte(l.String())) {
		var attrs map[string]any
		require.NoError(t, json.Unmarshal(line, &attrs))
		if attrs["msg"] == message {
			found = append(found, attrs)
		}
	}
	return found
}

func (l *logs) logger() *slog.Logger { return telemetry.NewLogger(l, slog.LevelInfo) }

// running is a server that serves, in memory.
type running struct {
	*grpcserver.Server

	listener *bufconn.Listener
	served   chan error
}

// serve starts a server that the test stops, at the latest when it ends.
func serve(t *testing.T, opts grpcserver.Options, impl *echo) *running {
	t.Helper()
	server, err := grpcserver.New("", opts)
	require.NoError(t, err)
	server.RegisterService(&echoDesc, impl)
	r := &running{Server: server, listener: bufconn.Listen(1 << 20), served: make(chan error, 1)}
	grpcserver.Use(server, r.listener)
	go func() { r.served <- server.Serve() }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.NoError(t, <-r.served)
	})
	return r
}

func (r *running) dial(t *testing.T, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///bufconn", append(opts,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return r.listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	)...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	return conn
}

// dialBreakable returns also what breaks the connection, without a goodbye.
func (r *running) dialBreakable(t *testing.T) (conn *grpc.ClientConn, cut func()) {
	t.Helper()
	var last net.Conn
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var err error
			last, err = r.listener.DialContext(ctx)
			return last, err
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	return conn, func() { require.NoError(t, last.Close()) }
}

// start is serve and dial.
func start(t *testing.T, opts grpcserver.Options, impl *echo) *grpc.ClientConn {
	t.Helper()
	return serve(t, opts, impl).dial(t)
}

func TestListenTakesThePort(t *testing.T) {
	t.Parallel()
	first, err := grpcserver.New("127.0.0.1:0", grpcserver.Options{})
	require.NoError(t, err)
	address, err := first.Listen(t.Context())
	require.NoError(t, err)

	second, err := grpcserver.New(address, grpcserver.Options{})
	require.NoError(t, err)
	_, err = second.Listen(t.Context())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.NoError(t, second.Close(), "without a port there is nothing to close")

	require.NoError(t, first.Shutdown(t.Context()), "though it never served")
	require.NoError(t, first.Close())
	require.NoError(t, first.Shutdown(t.Context()), "again")
	third, err := grpcserver.New(address, grpcserver.Options{})
	require.NoError(t, err)
	_, err = third.Listen(t.Context())
	require.NoError(t, err, "the port is free again")
	require.NoError(t, third.Close())
	require.NoError(t, third.Serve(), "a server that was stopped has nothing to do")
}

func TestStopsAtTheSameTime(t *testing.T) {
	t.Parallel()
	server, err := grpcserver.New("127.0.0.1:0", grpcserver.Options{})
	require.NoError(t, err)
	_, err = server.Listen(t.Context())
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, server.Serve()) })
	for range 4 {
		all.Go(func() { assert.NoError(t, server.Shutdown(t.Context())) })
		all.Go(func() { assert.NoError(t, server.Close()) })
	}
	all.Wait()
}

// TestShutdownWaitsForTheCallsBegun also takes no new ones.
func TestShutdownWaitsForTheCallsBegun(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	r := serve(t, grpcserver.Options{}, &echo{say: func(_ context.Context, text string) (string, error) {
		close(begun)
		<-finish
		return text, nil
	}})
	conn := r.dial(t)
	answered, stopped := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := say(t.Context(), conn, "hello")
		answered <- err
	}()
	<-begun
	go func() { stopped <- r.Shutdown(t.Context()) }()
	for { // the port is closed before the calls end
		client, err := r.listener.DialContext(t.Context())
		if err != nil {
			break
		}
		_ = client.Close()
	}
	select {
	case err := <-stopped:
		t.Fatal("did not wait", err)
	case err := <-answered:
		t.Fatal("was cut", err)
	default:
	}
	close(finish)
	require.NoError(t, <-answered)
	require.NoError(t, <-stopped)
}

func TestCloseCutsWhatShutdownLeaves(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	r := serve(t, grpcserver.Options{}, &echo{say: func(ctx context.Context, _ string) (string, error) {
		close(begun)
		<-ctx.Done()
		return "", ctx.Err()
	}})
	conn := r.dial(t)
	answered := make(chan error, 1)
	go func() {
		_, err := say(t.Context(), conn, "hello")
		answered <- err
	}()
	<-begun
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Shutdown(ended), context.Canceled)
	require.NoError(t, r.Close())
	assert.Equal(t, codes.Unavailable, status.Code(<-answered))
}

// TestCloseDoesNotWaitForEver has a handler that hears of nothing.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	r := serve(t, grpcserver.Options{}, &echo{say: func(context.Context, string) (string, error) {
		close(begun)
		<-finish
		return "", nil
	}})
	conn := r.dial(t)
	answered := make(chan error, 1)
	go func() {
		_, err := say(t.Context(), conn, "hello")
		answered <- err
	}()
	<-begun
	require.EqualError(t, r.Close(), "calls that were cut still run")
	assert.Equal(t, codes.Unavailable, status.Code(<-answered))
	close(finish)
}

// TestStoppingEndsStreamsThatWouldGoOn has one that hears of the stop, so that Shutdown need not wait for its time.
func TestStoppingEndsStreamsThatWouldGoOn(t *testing.T) {
	t.Parallel()
	r := serve(t, grpcserver.Options{}, &echo{
		say: func(ctx context.Context, _ string) (string, error) {
			assert.Nil(t, grpcserver.Stopping(ctx))
			return "", nil
		},
		repeat: func(text string, stream grpc.ServerStream) error {
			if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
				return err
			}
			select {
			case <-grpcserver.Stopping(stream.Context()):
				return status.Error(codes.Unavailable, "The service stops.")
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		},
	})
	conn := r.dial(t)
	_, err := say(t.Context(), conn, "hello")
	require.NoError(t, err)
	stream, err := openRepeat(t.Context(), conn, "hello")
	require.NoError(t, err)
	require.NoError(t, stream.RecvMsg(new(wrapperspb.StringValue)))
	require.NoError(t, r.Shutdown(t.Context()))
	err = stream.RecvMsg(new(wrapperspb.StringValue))
	assert.Equal(t, status.New(codes.Unavailable, "The service stops.").String(), status.Convert(err).String())
}

// TestASlowClientDoesNotHoldUpTheStop has one that reads nothing, so that its handler is stuck in Send.
func TestASlowClientDoesNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	r := serve(t, grpcserver.Options{}, &echo{repeat: func(text string, stream grpc.ServerStream) error {
		for {
			if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
				ended <- err
				return err
			}
		}
	}})
	stream, err := openRepeat(t.Context(), r.dial(t), string(make([]byte, 32<<10)))
	require.NoError(t, err)
	require.NoError(t, stream.RecvMsg(new(wrapperspb.StringValue)))

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Shutdown(ctx), context.DeadlineExceeded)
	require.NoError(t, r.Close())
	require.Error(t, <-ended)
}

// TestAVanishingClientEndsItsStream has one whose connection breaks, without a goodbye.
func TestAVanishingClientEndsItsStream(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	r := serve(t, grpcserver.Options{}, &echo{repeat: func(text string, stream grpc.ServerStream) error {
		if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
			return err
		}
		<-stream.Context().Done()
		ended <- stream.Context().Err()
		return stream.Context().Err()
	}})
	conn, cut := r.dialBreakable(t)
	stream, err := openRepeat(t.Context(), conn, "hello")
	require.NoError(t, err)
	require.NoError(t, stream.RecvMsg(new(wrapperspb.StringValue)))
	cut()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	t.Parallel()
	server, err := grpcserver.New("", grpcserver.Options{})
	require.NoError(t, err)
	listener := bufconn.Listen(1)
	require.NoError(t, listener.Close())
	grpcserver.Use(server, listener)
	require.ErrorContains(t, server.Serve(), "accept connections: ")
	require.NoError(t, server.Close())
}

var errSecret = errors.New("password of the database: hunter2")

// receiveAll reads a stream to its end.
func receiveAll(stream grpc.ClientStream) ([]string, error) {
	var texts []string
	for {
		message := new(wrapperspb.StringValue)
		if err := stream.RecvMsg(message); errors.Is(err, io.EOF) {
			return texts, nil
		} else if err != nil {
			return texts, err
		}
		texts = append(texts, message.GetValue())
	}
}
