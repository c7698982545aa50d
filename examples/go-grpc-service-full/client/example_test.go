package client_test

import (
	"context"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"

	"example.com/user-service/client"
	userv1 "example.com/user-service/proto/user/v1"
)

// registry is a service to show the client with: it has one user.
type registry struct {
	userv1.UnimplementedUserServiceServer
}

func (registry) ListUsers(context.Context, *userv1.ListUsersRequest) (*userv1.ListUsersResponse, error) {
	ada := &userv1.User{Name: "Ada Lovelace", Email: "ada@example.com"}
	return &userv1.ListUsersResponse{Users: []*userv1.User{ada}}, nil
}

func startRegistry() (target string, stop func(), err error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer()
	userv1.RegisterUserServiceServer(server, registry{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	return "dns:///" + listener.Addr().String(), func() { server.Stop(); <-ended }, nil
}

func Example() {
	target, stop, err := startRegistry() // in earnest: dns:///users.example.com:50051
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer stop()

	users, err := client.New(target, client.Options{Insecure: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer func() { _ = users.Close() }()

	page, err := users.ListUsers(context.Background(), &userv1.ListUsersRequest{PageSize: 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for _, u := range page.GetUsers() {
		fmt.Println(u.GetName(), u.GetEmail())
	}
	// Output: Ada Lovelace ada@example.com
}
