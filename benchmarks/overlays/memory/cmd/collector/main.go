// Command collector takes spans over OTLP, at OTLP_ADDR, and forgets them.
package main

import (
	"context"
	"log"
	"net"
	"os"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

type forgetful struct {
	collector.UnimplementedTraceServiceServer
}

func (forgetful) Export(context.Context, *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	return &collector.ExportTraceServiceResponse{}, nil
}

func main() {
	listener, err := net.Listen("tcp", os.Getenv("OTLP_ADDR"))
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, forgetful{})
	log.Fatal(server.Serve(listener))
}
