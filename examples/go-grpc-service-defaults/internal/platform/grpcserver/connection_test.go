package grpcserver_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/user-service/internal/platform/grpcserver"
)

// staying has streams that last as long as their clients do.
func staying() *echo {
	return &echo{
		say: func(_ context.Context, text string) (string, error) { return text, nil },
		repeat: func(text string, stream grpc.ServerStream) error {
			if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
				return err
			}
			<-stream.Context().Done()
			return stream.Context().Err()
		},
	}
}

// network is what lies between the clients of a test and the server.
type network struct {
	server *running
	dials  atomic.Int64
	gone   atomic.Bool
}

// link is a connection through it. Once the network is gone, nothing gets through, and nobody is told.
type link struct {
	net.Conn

	network *network
}

func (l link) Write(b []byte) (int, error) {
	if l.network.gone.Load() {
		return len(b), nil
	}
	return l.Conn.Write(b)
}

func (n *network) dial(t *testing.T, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///network", append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			n.dials.Add(1)
			conn, err := n.server.listener.DialContext(ctx)
			return link{conn, n}, err
		}),
	)...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	return conn
}

// TestConnectionsAreRenewed has a client whose stream outlives its connection's time.
func TestConnectionsAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := start(t, grpcserver.Options{}, staying())
		stream, err := openRepeat(t.Context(), conn, "")
		require.NoError(t, err)
		begin := time.Now()
		_, err = receiveAll(stream)
		assert.Equal(t, codes.Unavailable, status.Code(err), "which clients take up again")
		assert.InDelta(t, 30*time.Minute, time.Since(begin), float64(4*time.Minute)) // grpc spreads it by 10 %
		_, err = say(t.Context(), conn, "")
		require.NoError(t, err)
	})
}

func TestAClientThatVanishesIsMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		impl := staying()
		stay := impl.repeat
		impl.repeat = func(text string, stream grpc.ServerStream) error {
			err := stay(text, stream)
			ended <- time.Now()
			return err
		}
		n := &network{server: serve(t, grpcserver.Options{}, impl)}
		stream, err := openRepeat(t.Context(), n.dial(t), "")
		require.NoError(t, err)
		require.NoError(t, stream.RecvMsg(new(wrapperspb.StringValue)))
		synctest.Wait()
		n.gone.Store(true)
		begin := time.Now()
		assert.WithinDuration(t, begin, <-ended, time.Minute)
	})
}

// TestClientsMayPing has one that does so every 11 seconds while it has nothing to ask.
func TestClientsMayPing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{server: serve(t, grpcserver.Options{}, staying())}
		conn := n.dial(t, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 11 * time.Second, Timeout: time.Second, PermitWithoutStream: true,
		}))
		for range 2 {
			_, err := say(t.Context(), conn, "")
			require.NoError(t, err)
			time.Sleep(10 * time.Minute)
		}
		assert.Equal(t, int64(1), n.dials.Load())
	})
}

// TestClientsMayNotPingAllTheTime has one that does so every second, as no client of grpc-go can.
func TestClientsMayNotPingAllTheTime(t *testing.T) {
	t.Parallel()
	const ( // of RFC 9113
		preface         = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
		settings        = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		ping            = "\x00\x00\x08\x06\x00\x00\x00\x00\x00" + "any text"
		goAway          = 0x07
		enhanceYourCalm = 0x0b
	)
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, grpcserver.Options{}, &echo{})
		conn, err := r.listener.DialContext(t.Context())
		require.NoError(t, err)
		_, err = conn.Write([]byte(preface + settings))
		require.NoError(t, err)
		var pinging sync.WaitGroup
		pinging.Go(func() {
			for {
				time.Sleep(time.Second)
				if _, err := conn.Write([]byte(ping)); err != nil {
					return
				}
			}
		})
		begin := time.Now()
		for {
			header := make([]byte, 9)
			_, err := io.ReadFull(conn, header)
			require.NoError(t, err)
			payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
			_, err = io.ReadFull(conn, payload)
			require.NoError(t, err)
			if header[3] == goAway {
				assert.Equal(t, uint32(enhanceYourCalm), binary.BigEndian.Uint32(payload[4:]))
				assert.Equal(t, "too_many_pings", string(payload[8:]))
				break
			}
		}
		assert.LessOrEqual(t, time.Since(begin), 10*time.Second)
		require.NoError(t, conn.Close())
		pinging.Wait()
	})
}

func TestAClientThatSaysNothingIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, grpcserver.Options{}, &echo{})
		conn, err := r.listener.DialContext(t.Context())
		require.NoError(t, err)
		begin := time.Now()
		for err == nil {
			_, err = conn.Read(make([]byte, 1024)) // the server speaks first
		}
		assert.InDelta(t, 10*time.Second, time.Since(begin), float64(time.Second))
		require.NoError(t, conn.Close())
	})
}

// TestAClientThatSaysNothingDoesNotHoldUpTheStop beside one whose call takes its time.
func TestAClientThatSaysNothingDoesNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const took = 2 * time.Second
		r := serve(t, grpcserver.Options{}, &echo{say: func(_ context.Context, text string) (string, error) {
			time.Sleep(took)
			return text, nil
		}})
		silent, err := r.listener.DialContext(t.Context())
		require.NoError(t, err)
		answered := make(chan error, 1)
		conn := r.dial(t)
		go func() {
			_, err := say(t.Context(), conn, "")
			answered <- err
		}()
		synctest.Wait()

		begin := time.Now()
		require.NoError(t, r.Shutdown(t.Context()))
		assert.InDelta(t, took, time.Since(begin), float64(time.Second))
		require.NoError(t, <-answered)
		require.NoError(t, silent.Close())
	})
}

// TestAMessageThatDoesNotComeEndsItsCall and so holds neither a place nor the stop.
func TestAMessageThatDoesNotComeEndsItsCall(t *testing.T) {
	t.Parallel()
	for kind, method := range map[string]string{"unary": sayMethod, "server_stream": repeatMethod} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var written logs
				registry := prometheus.NewRegistry()
				r := serve(t, grpcserver.Options{
					Logger: written.logger(), Registerer: registry, RequestTimeout: time.Minute, MaxInFlight: 1,
				}, &echo{
					say:    func(_ context.Context, text string) (string, error) { return text, nil },
					repeat: func(text string, stream grpc.ServerStream) error { return stream.SendMsg(wrapperspb.String(text)) },
				})
				conn := r.dial(t)
				begin := time.Now()
				open := func() grpc.ClientStream {
					stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, method)
					require.NoError(t, err)
					synctest.Wait()
					return stream
				}
				assertEnded := func(stream grpc.ClientStream) {
					t.Helper()
					err := stream.RecvMsg(new(wrapperspb.StringValue))
					assert.Equal(t, codes.DeadlineExceeded, status.Code(err), err)
					assert.Equal(t, time.Minute, time.Since(begin))
				}
				assertEnded(open())
				stream := open()
				require.NoError(t, stream.SendMsg(wrapperspb.String("hello")))
				require.NoError(t, stream.CloseSend())
				require.NoError(t, stream.RecvMsg(new(wrapperspb.StringValue)), "there is room again")

				late := open()
				begin = time.Now()
				require.NoError(t, r.Shutdown(t.Context()))
				assertEnded(late)
				lines := written.lines(t, "call")
				require.Len(t, lines, 3)
				for _, i := range []int{0, 2} {
					assert.Equal(t, "WARN", lines[i]["level"])
					assert.Equal(t, "DeadlineExceeded", lines[i]["code"])
				}
				assert.Equal(t, int64(2), value(t, registry, "grpc_server_handled_total", "grpc_type="+kind, "grpc_code=DeadlineExceeded"))
			})
		})
	}
}

// TestAStreamMayWaitForItsClient that sends as many messages as it likes, when it likes.
func TestAStreamMayWaitForItsClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := start(t, grpcserver.Options{RequestTimeout: time.Second}, &echo{
			chat: func(stream grpc.ServerStream) error { return stream.RecvMsg(new(wrapperspb.StringValue)) },
		})
		stream, err := openChat(t.Context(), conn)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.NoError(t, stream.SendMsg(wrapperspb.String("hello")))
		_, err = receiveAll(stream)
		require.NoError(t, err)
	})
}

// TestAClientThatHasJustBegunIsNotCut by a stop that begins at the same time. Which of them is first is not for a test to say, so
// there are many.
func TestAClientThatHasJustBegunIsNotCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			stopping, stop := context.WithCancel(t.Context())
			memory, dialed := bufconn.Listen(1), make(chan net.Conn, 1)
			go func() {
				client, err := memory.Dial()
				assert.NoError(t, err)
				dialed <- client
			}()
			conn, err := grpcserver.Listener(memory, stopping).Accept()
			require.NoError(t, err)
			client := <-dialed

			require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			stop()
			require.NoError(t, conn.SetDeadline(time.Time{}), "it has begun")
			go func() {
				time.Sleep(time.Minute)
				_, err := client.Write([]byte("!"))
				assert.NoError(t, err)
			}()
			_, err = conn.Read(make([]byte, 1))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			require.NoError(t, client.Close())
		}
	})
}

func TestAConnectionHasBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := start(t, grpcserver.Options{}, staying())
		large := metadata.AppendToOutgoingContext(t.Context(), "large", strings.Repeat("x", 64<<10))
		_, err := say(large, conn, "")
		assert.Equal(t, codes.Internal, status.Code(err), "as grpc says it")
		require.ErrorContains(t, err, "header list size")

		for range 250 {
			stream, err := openRepeat(t.Context(), conn, "")
			require.NoError(t, err)
			require.NoError(t, stream.RecvMsg(new(wrapperspb.StringValue)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = say(ctx, conn, "")
		assert.Equal(t, codes.DeadlineExceeded, status.Code(err), "waits for another to end")
	})
}

// TestMessagesHaveABound to the byte, and also those that a client has compressed.
func TestMessagesHaveABound(t *testing.T) {
	t.Parallel()
	const limit = 1000
	fits := strings.Repeat("x", limit-3)
	require.Equal(t, limit, proto.Size(wrapperspb.String(fits)))
	conn := start(t, grpcserver.Options{MaxBodyBytes: limit}, &echo{
		say:    func(context.Context, string) (string, error) { return "", nil },
		repeat: func(string, grpc.ServerStream) error { return nil },
		chat:   func(stream grpc.ServerStream) error { return stream.RecvMsg(new(wrapperspb.StringValue)) },
	})
	calls := map[string]func(text string, opts ...grpc.CallOption) error{
		"unary": func(text string, opts ...grpc.CallOption) error {
			_, err := say(t.Context(), conn, text, opts...)
			return err
		},
		"server stream": func(text string, opts ...grpc.CallOption) error {
			stream, err := conn.NewStream(t.Context(), &echoDesc.Streams[0], repeatMethod, opts...)
			require.NoError(t, err)
			require.NoError(t, stream.SendMsg(wrapperspb.String(text)))
			require.NoError(t, stream.CloseSend())
			_, err = receiveAll(stream)
			return err
		},
		"stream": func(text string, opts ...grpc.CallOption) error {
			stream, err := conn.NewStream(t.Context(), &echoDesc.Streams[1], chatMethod, opts...)
			require.NoError(t, err)
			require.NoError(t, stream.SendMsg(wrapperspb.String(text)))
			_, err = receiveAll(stream)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, call(fits))
			assert.Equal(t, codes.ResourceExhausted, status.Code(call(fits+"x")))
			require.NoError(t, call(fits, grpc.UseCompressor(gzip.Name)))
			assert.Equal(t, codes.ResourceExhausted, status.Code(call(fits+"x", grpc.UseCompressor(gzip.Name))))
			assert.Equal(t, codes.ResourceExhausted, status.Code(call(strings.Repeat("x", 1<<20), grpc.UseCompressor(gzip.Name))))
		})
	}
}
