package grpcserver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/user-service/internal/platform/grpcserver"
)

func TestDeadlines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limit, client time.Duration // 0: none
		unary, stream time.Duration // 0: none
	}{
		"the server's":                 {limit: time.Minute, unary: time.Minute},
		"the client's, if it is first": {limit: time.Minute, client: time.Second, unary: time.Second, stream: time.Second},
		"the server's, if it is first": {limit: time.Minute, client: 4 * time.Minute, unary: time.Minute, stream: 4 * time.Minute},
		"the client's, without limit":  {client: 4 * time.Minute, unary: 4 * time.Minute, stream: 4 * time.Minute},
		"none":                         {},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wait := func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(5 * time.Minute):
						return nil
					}
				}
				conn := start(t, grpcserver.Options{RequestTimeout: tt.limit}, &echo{
					say:    func(ctx context.Context, text string) (string, error) { return text, wait(ctx) },
					repeat: func(_ string, stream grpc.ServerStream) error { return wait(stream.Context()) },
				})
				calls := map[string]struct {
					call func(context.Context) error
					want time.Duration
				}{
					"unary": {func(ctx context.Context) error {
						_, err := say(ctx, conn, "")
						return err
					}, tt.unary},
					"stream": {func(ctx context.Context) error {
						stream, err := openRepeat(ctx, conn, "")
						require.NoError(t, err)
						_, err = receiveAll(stream)
						return err
					}, tt.stream},
				}
				for name, c := range calls {
					ctx, cancel := t.Context(), context.CancelFunc(func() {})
					if tt.client > 0 {
						ctx, cancel = context.WithTimeout(ctx, tt.client)
					}
					begin := time.Now()
					err := c.call(ctx)
					cancel()
					if c.want == 0 {
						require.NoError(t, err, name)
						continue
					}
					assert.Equal(t, codes.DeadlineExceeded, status.Code(err), name)
					assert.InDelta(t, c.want, time.Since(begin), float64(10*time.Millisecond), name)
				}
			})
		})
	}
}

func TestInFlightLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := start(t, grpcserver.Options{MaxInFlight: 2}, &echo{
			say: func(_ context.Context, text string) (string, error) {
				time.Sleep(time.Second)
				return text, nil
			},
			repeat: func(string, grpc.ServerStream) error {
				time.Sleep(time.Second)
				return nil
			},
		})
		ended := make(chan error, 4)
		for range 2 {
			go func() {
				_, err := say(t.Context(), conn, "")
				ended <- err
			}()
			go func() {
				stream, err := openRepeat(t.Context(), conn, "")
				if err == nil {
					_, err = receiveAll(stream)
				}
				ended <- err
			}()
		}
		synctest.Wait() // all four are in their handlers: streams have a limit of their own

		var trailer metadata.MD
		_, err := say(t.Context(), conn, "", grpc.Trailer(&trailer))
		assertBusy(t, err, trailer, time.Second)
		stream, err := openRepeat(t.Context(), conn, "")
		require.NoError(t, err)
		_, err = receiveAll(stream)
		assertBusy(t, err, stream.Trailer(), time.Second)

		for range 4 {
			require.NoError(t, <-ended)
		}
		_, err = say(t.Context(), conn, "")
		require.NoError(t, err, "there is room again")
	})
}

// TestOrder has calls that each step refuses in its turn, so that the steps after it do not see them.
func TestOrder(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *grpc.ClientConn, string) error{
		"unary": func(ctx context.Context, conn *grpc.ClientConn, text string) error {
			_, err := say(ctx, conn, text)
			return err
		},
		"server_stream": func(ctx context.Context, conn *grpc.ClientConn, text string) error {
			stream, err := openRepeat(ctx, conn, text)
			if err == nil {
				_, err = receiveAll(stream)
			}
			return err
		},
	}
	for kind, call := range calls {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var written logs
			registry := prometheus.NewRegistry()
			passed, begun, finish := make(chan string, 10), make(chan struct{}), make(chan struct{})
			handle := func(text string) {
				passed <- "handler"
				if text == "stay" {
					close(begun)
					<-finish
				}
			}
			r := serve(t, grpcserver.Options{
				Logger: written.logger(), Registerer: registry, MaxInFlight: 1, RequestTimeout: time.Minute,
				Authorize: func(ctx context.Context, _ string) (context.Context, error) {
					passed <- "Authorize"
					_, bounded := ctx.Deadline()
					assert.Equal(t, kind == "unary", bounded, "it may take its time, but not for ever")
					if metadata.ValueFromIncomingContext(ctx, "stranger") != nil {
						return nil, status.Error(codes.Unauthenticated, "Who are you?")
					}
					return ctx, nil
				},
				Validate: func(_ context.Context, message any) error {
					passed <- "Validate"
					if message.(*wrapperspb.StringValue).GetValue() == "bad" {
						return status.Error(codes.InvalidArgument, "It is bad.")
					}
					return nil
				},
			}, &echo{
				say:    func(_ context.Context, text string) (string, error) { handle(text); return text, nil },
				repeat: func(text string, _ grpc.ServerStream) error { handle(text); return nil },
			})
			conn := r.dial(t)
			assertPassed := func(want ...string) {
				t.Helper()
				for _, step := range want {
					require.NotEmpty(t, passed)
					assert.Equal(t, step, <-passed)
				}
				assert.Empty(t, passed)
			}

			ended := make(chan error, 1)
			go func() { ended <- call(t.Context(), conn, "stay") }()
			<-begun
			assertPassed("Authorize", "Validate", "handler")
			ctx := metadata.AppendToOutgoingContext(t.Context(), "stranger", "yes", "x-request-id", "r-limit")
			assert.Equal(t, codes.Unavailable, status.Code(call(ctx, conn, "bad")))
			assertPassed()
			close(finish)
			require.NoError(t, <-ended)

			ctx = metadata.AppendToOutgoingContext(t.Context(), "stranger", "yes", "x-request-id", "r-authorize")
			assert.Equal(t, codes.Unauthenticated, status.Code(call(ctx, conn, "bad")))
			assertPassed("Authorize")
			ctx = metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-validate")
			assert.Equal(t, codes.InvalidArgument, status.Code(call(ctx, conn, "bad")))
			assertPassed("Authorize", "Validate")
			require.NoError(t, r.Shutdown(t.Context()))

			lines := written.lines(t, "call")
			require.Len(t, lines, 4)
			refused := map[string]codes.Code{
				"r-limit": codes.Unavailable, "r-authorize": codes.Unauthenticated, "r-validate": codes.InvalidArgument,
			}
			for _, line := range lines {
				if code, ok := refused[line["request_id"].(string)]; ok {
					assert.Equal(t, code.String(), line["code"])
					assert.Equal(t, int64(1), value(t, registry, "grpc_server_handled_total", "grpc_type="+kind, "grpc_code="+code.String()))
					delete(refused, line["request_id"].(string))
				}
			}
			assert.Empty(t, refused, "they are in the log")
		})
	}
}

type callerKey struct{}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	conn := start(t, grpcserver.Options{
		Authorize: func(ctx context.Context, fullMethod string) (context.Context, error) {
			token := metadata.ValueFromIncomingContext(ctx, "authorization")
			if len(token) != 1 {
				return nil, status.Error(codes.Unauthenticated, "Who are you?")
			}
			if fullMethod != sayMethod && fullMethod != repeatMethod {
				return nil, errSecret
			}
			return context.WithValue(ctx, callerKey{}, token[0]), nil
		},
		Validate: func(context.Context, any) error { return nil },
	}, &echo{
		say: func(ctx context.Context, _ string) (string, error) { return ctx.Value(callerKey{}).(string), nil },
		repeat: func(_ string, stream grpc.ServerStream) error {
			return stream.SendMsg(wrapperspb.String(stream.Context().Value(callerKey{}).(string)))
		},
	})
	repeat := func(ctx context.Context) ([]string, error) {
		stream, err := openRepeat(ctx, conn, "")
		require.NoError(t, err)
		return receiveAll(stream)
	}
	_, err := say(t.Context(), conn, "")
	assert.Equal(t, codes.Unauthenticated, status.Code(err))
	_, err = repeat(t.Context())
	assert.Equal(t, codes.Unauthenticated, status.Code(err))
	err = conn.Invoke(t.Context(), "/nobody.v1.Service/Say", wrapperspb.String(""), new(wrapperspb.StringValue))
	assert.Equal(t, codes.Unauthenticated, status.Code(err), "strangers do not learn which methods there are")

	known := metadata.AppendToOutgoingContext(t.Context(), "authorization", "ada")
	caller, err := say(known, conn, "")
	require.NoError(t, err)
	assert.Equal(t, "ada", caller)
	callers, err := repeat(known)
	require.NoError(t, err)
	assert.Equal(t, []string{"ada"}, callers)
	stream, err := openChat(known, conn)
	require.NoError(t, err)
	_, err = receiveAll(stream)
	assertInternal(t, err)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	conn := start(t, grpcserver.Options{
		Validate: func(_ context.Context, message any) error {
			if message.(*wrapperspb.StringValue).GetValue() == "bad" {
				return status.Error(codes.InvalidArgument, "It is bad.")
			}
			return nil
		},
	}, &echo{
		say:    func(_ context.Context, text string) (string, error) { return text, nil },
		repeat: func(text string, stream grpc.ServerStream) error { return stream.SendMsg(wrapperspb.String(text)) },
		chat: func(stream grpc.ServerStream) error {
			for {
				message := new(wrapperspb.StringValue)
				if err := stream.RecvMsg(message); err != nil {
					return err
				}
				if err := stream.SendMsg(message); err != nil {
					return err
				}
			}
		},
	})
	for text, code := range map[string]codes.Code{"good": codes.OK, "bad": codes.InvalidArgument} {
		_, err := say(t.Context(), conn, text)
		assert.Equal(t, code, status.Code(err))
		stream, err := openRepeat(t.Context(), conn, text)
		require.NoError(t, err)
		_, err = receiveAll(stream)
		assert.Equal(t, code, status.Code(err))
	}
	stream, err := openChat(t.Context(), conn)
	require.NoError(t, err)
	for _, text := range []string{"good", "bad"} {
		require.NoError(t, stream.SendMsg(wrapperspb.String(text)))
	}
	texts, err := receiveAll(stream)
	assert.Equal(t, []string{"good"}, texts)
	assert.Equal(t, codes.InvalidArgument, status.Code(err))
}
