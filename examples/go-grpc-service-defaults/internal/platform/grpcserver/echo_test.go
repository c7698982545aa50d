package grpcserver_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// echo is a service whose methods do what a test wants.
type echo struct {
	say    func(ctx context.Context, text string) (string, error)
	repeat func(text string, stream grpc.ServerStream) error
	chat   func(stream grpc.ServerStream) error
}

// echoDesc is what generated code would have.
var echoDesc = grpc.ServiceDesc{
	ServiceName: "test.v1.EchoService",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Say",
		Handler: func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.StringValue)
			if err := decode(in); err != nil {
				return nil, err
			}
			handle := func(ctx context.Context, req any) (any, error) {
				out, err := srv.(*echo).say(ctx, req.(*wrapperspb.StringValue).GetValue())
				if err != nil {
					return nil, err
				}
				return wrapperspb.String(out), nil
			}
			if intercept == nil {
				return handle(ctx, in)
			}
			return intercept(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: sayMethod}, handle)
		},
	}},
	Streams: []grpc.StreamDesc{
		{
			StreamName:    "Repeat",
			ServerStreams: true,
			Handler: func(srv any, stream grpc.ServerStream) error {
				in := new(wrapperspb.StringValue)
				if err := stream.RecvMsg(in); err != nil {
					return err
				}
				return srv.(*echo).repeat(in.GetValue(), stream)
			},
		},
		{
			StreamName:    "Chat",
			ServerStreams: true,
			ClientStreams: true,
			Handler:       func(srv any, stream grpc.ServerStream) error { return srv.(*echo).chat(stream) },
		},
	},
}

const (
	sayMethod    = "/test.v1.EchoService/Say"
	repeatMethod = "/test.v1.EchoService/Repeat"
	chatMethod   = "/test.v1.EchoService/Chat"
)

func say(ctx context.Context, conn *grpc.ClientConn, text string, opts ...grpc.CallOption) (string, error) {
	out := new(wrapperspb.StringValue)
	err := conn.Invoke(ctx, sayMethod, wrapperspb.String(text), out, opts...)
	return out.GetValue(), err
}

// openRepeat starts a stream of messages to the client.
func openRepeat(ctx context.Context, conn *grpc.ClientConn, text string) (grpc.ClientStream, error) {
	stream, err := conn.NewStream(ctx, &echoDesc.Streams[0], repeatMethod)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	return stream, stream.CloseSend()
}

// openChat starts a stream of messages both ways.
func openChat(ctx context.Context, conn *grpc.ClientConn) (grpc.ClientStream, error) {
	return conn.NewStream(ctx, &echoDesc.Streams[1], chatMethod)
}
