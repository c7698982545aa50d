package grpcserver_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/telemetry"
)

const (
	streamed = 1000 // messages of each of the benchmark's streams
	callers  = 32   // at a time, on each processor
)

func benchmarked() *echo {
	return &echo{
		say: func(_ context.Context, text string) (string, error) { return text, nil },
		repeat: func(text string, stream grpc.ServerStream) error {
			for range streamed {
				if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// BenchmarkChain compares the calls of a server with everything that they pass here with those of a bare server of grpc.
func BenchmarkChain(b *testing.B) {
	for name, serve := range map[string]func(b *testing.B, listener net.Listener){"bare": serveBare, "chain": serveChain} {
		listener := bufconn.Listen(1 << 20)
		serve(b, listener)
		conn, err := grpc.NewClient("passthrough:///bufconn",
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
		)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		b.Run(name+"/unary", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Second)
				if _, err := say(ctx, conn, "hello"); err != nil {
					b.Fatal(err)
				}
				cancel()
			}
		})
		b.Run(name+"/many unary", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ctx, cancel := context.WithTimeout(b.Context(), time.Second)
					if _, err := say(ctx, conn, "hello"); err != nil {
						b.Error(err)
					}
					cancel()
				}
			})
		})
		b.Run(name+"/unary without deadline", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := say(b.Context(), conn, "hello"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/stream", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stream, err := openRepeat(b.Context(), conn, "hello")
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					err = stream.RecvMsg(&wrapperspb.StringValue{})
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
		})
	}
}

func serveBare(b *testing.B, listener net.Listener) {
	b.Helper()
	server := grpc.NewServer()
	server.RegisterService(&echoDesc, benchmarked())
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(server.Stop)
}

func serveChain(b *testing.B, listener net.Listener) {
	b.Helper()
	server, err := grpcserver.New("", grpcserver.Options{
		Logger: telemetry.NewLogger(io.Discard, slog.LevelInfo), RequestTimeout: 5 * time.Second, MaxBodyBytes: 1 << 20, MaxInFlight: 1000,
	})
	if err != nil {
		b.Fatal(err)
	}
	server.RegisterService(&echoDesc, benchmarked())
	grpcserver.Use(server, listener)
	go func() { _ = server.Serve() }()
	b.Cleanup(func() { _ = server.Close() })
}
