package grpcserver_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

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

// TestHowAStreamEndsIsNotWhatItsHandlerMakesOfIt has clients that go away, which is no fault of the service.
func TestHowAStreamEndsIsNotWhatItsHandlerMakesOfIt(t *testing.T) {
	t.Parallel()
	type chat func(stream grpc.ServerStream, gone <-chan struct{}) error
	var (
		send chat = func(stream grpc.ServerStream, _ <-chan struct{}) error {
			for { // until the client, which does not read, lets no more through
				if err := stream.SendMsg(wrapperspb.String(string(make([]byte, 32<<10)))); err != nil {
					return fmt.Errorf("send: %w", err)
				}
			}
		}
		sendHeader chat = func(stream grpc.ServerStream, gone <-chan struct{}) error {
			<-gone
			return fmt.Errorf("send headers: %w", stream.SendHeader(nil))
		}
		receive chat = func(stream grpc.ServerStream, _ <-chan struct{}) error {
			return fmt.Errorf("receive: %w", stream.RecvMsg(new(wrapperspb.StringValue)))
		}
		wait chat = func(stream grpc.ServerStream, _ <-chan struct{}) error {
			<-stream.Context().Done()
			return fmt.Errorf("wait: %w", stream.Context().Err())
		}
		ask chat = func(stream grpc.ServerStream, _ <-chan struct{}) error {
			<-stream.Context().Done()
			return fmt.Errorf("ask another server: %w", status.FromContextError(stream.Context().Err()).Err())
		}
		sendAndFail chat = func(stream grpc.ServerStream, gone <-chan struct{}) error {
			_ = send(stream, gone)
			return errSecret
		}
		sendAndSucceed chat = func(stream grpc.ServerStream, gone <-chan struct{}) error {
			_ = send(stream, gone)
			return nil
		}
	)
	tests := map[string]struct {
		chat           chat
		cancel, broken bool // its call, and its connection
		want           codes.Code
	}{
		"while it is sent to":                   {send, true, false, codes.Canceled},
		"while it is sent to, broken":           {send, false, true, codes.Unavailable},
		"before its headers":                    {sendHeader, true, false, codes.Canceled},
		"before its headers, broken":            {sendHeader, false, true, codes.Unavailable},
		"before its headers, broken afterwards": {sendHeader, true, true, codes.Unavailable},
		"while it is received from":             {receive, true, false, codes.Canceled},
		"while it is received from, broken":     {receive, false, true, codes.Canceled},
		"while it is waited for":                {wait, true, false, codes.Canceled},
		"while it is waited for, broken":        {wait, false, true, codes.Canceled},
		"while another server is asked":         {ask, true, false, codes.Canceled},
		"and its handler says another thing":    {sendAndFail, true, false, codes.Canceled},
		"and its handler says nothing":          {sendAndSucceed, true, false, codes.Canceled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var written logs
				registry, gone := prometheus.NewRegistry(), make(chan struct{})
				r := serve(t, grpcserver.Options{Logger: written.logger(), Registerer: registry}, &echo{
					chat: func(stream grpc.ServerStream) error { return tt.chat(stream, gone) },
				})
				conn, cut := r.dialBreakable(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, err := openChat(ctx, conn)
				require.NoError(t, err)
				synctest.Wait() // the handler has come to where it waits for the client

				if tt.cancel {
					cancel()
					synctest.Wait()
				}
				if tt.broken {
					cut()
					synctest.Wait()
				}
				close(gone)
				synctest.Wait()
				assert.Equal(t, int64(1), value(t, registry, "grpc_server_handled_total", "grpc_code="+tt.want.String()))
				assert.Zero(t, value(t, registry, "grpc_server_active_calls"))
				assert.NotContains(t, written.String(), "ERROR")
			})
		})
	}
}

func TestWhatValidateRefusesEndsTheStream(t *testing.T) {
	t.Parallel()
	conn := start(t, grpcserver.Options{
		Validate: func(context.Context, any) error { return status.Error(codes.InvalidArgument, "It is bad.") },
	}, &echo{chat: func(stream grpc.ServerStream) error {
		return fmt.Errorf("receive: %w", stream.RecvMsg(new(wrapperspb.StringValue)))
	}})
	stream, err := openChat(t.Context(), conn)
	require.NoError(t, err)
	require.NoError(t, stream.SendMsg(wrapperspb.String("bad")))
	_, err = receiveAll(stream)
	assert.Equal(t, status.New(codes.InvalidArgument, "It is bad.").String(), status.Convert(err).String())
}

// TestHeaders that a handler sends have the request id among them; it may send others only once.
func TestHeaders(t *testing.T) {
	t.Parallel()
	second := make(chan error, 1)
	conn := start(t, grpcserver.Options{}, &echo{chat: func(stream grpc.ServerStream) error {
		if err := stream.SendHeader(metadata.Pairs("kind", "chat")); err != nil {
			return err
		}
		second <- stream.SendHeader(nil)
		return stream.SendMsg(wrapperspb.String("hello"))
	}})
	stream, err := openChat(metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-1"), conn)
	require.NoError(t, err)
	headers, err := stream.Header()
	require.NoError(t, err)
	assert.Equal(t, []string{"r-1"}, headers.Get("x-request-id"))
	assert.Equal(t, []string{"chat"}, headers.Get("kind"))
	texts, err := receiveAll(stream)
	require.NoError(t, err, "though the handler could not send headers again")
	assert.Equal(t, []string{"hello"}, texts)
	require.Error(t, <-second)
}
