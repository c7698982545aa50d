// Command load is clients of a service, by its package client: `load call ADDRESS…` keeps calling its replicas until its input ends,
// and prints how often each method ended how; `load watch ADDRESS` begins watches, and reads none of them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"
	"uuid"

	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"MODULE/client"
	userv1 "MODULE/proto/user/v1"
)

const (
	callers  = 8
	watchers = 20
	pause    = 5 * time.Millisecond
	timeout  = 30 * time.Second
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command string, addresses []string) error {
	replicas := manual.NewBuilderWithScheme("replicas")
	replicas.InitialState(stateOf(addresses))
	users, err := client.New("replicas:///users", client.Options{Insecure: true, Timeout: timeout, DialOptions: []grpc.DialOption{
		grpc.WithResolvers(replicas),
		grpc.WithInitialWindowSize(math.MaxUint16), // or who does not read would be sent more and more
	}})
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	if command == "watch" {
		err = watch(ctx, users)
	} else {
		err = json.NewEncoder(os.Stdout).Encode(call(ctx, users))
	}
	return errors.Join(err, users.Close())
}

func stateOf(addresses []string) resolver.State {
	state := resolver.State{Endpoints: make([]resolver.Endpoint, len(addresses))}
	for i, address := range addresses {
		state.Endpoints[i].Addresses = []resolver.Address{{Addr: address}}
	}
	return state
}

// call makes calls until the input ends. It returns how many ended how.
func call(ctx context.Context, users *client.Client) map[string]int {
	var (
		calling sync.WaitGroup
		mu      sync.Mutex
	)
	ended := make(map[string]int)
	count := func(method string, err error) {
		mu.Lock()
		defer mu.Unlock()
		ended[method+" "+status.Code(err).String()]++
	}
	done := make(chan struct{})
	for range callers {
		calling.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(pause):
				}
				created, err := users.CreateUser(ctx, &userv1.CreateUserRequest{User: &userv1.User{Name: "Load", Email: uuid.NewV7().String() + "@example.com"}})
				count("CreateUser", err)
				if err == nil {
					_, err = users.GetUser(ctx, &userv1.GetUserRequest{Id: created.GetUser().GetId()})
					count("GetUser", err)
				}
				_, err = users.ListUsers(ctx, &userv1.ListUsersRequest{PageSize: 10})
				count("ListUsers", err)
			}
		})
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(done)
	calling.Wait()
	return ended
}

func watch(ctx context.Context, users *client.Client) error {
	for range watchers {
		stream, err := users.WatchUsers(ctx, &userv1.WatchUsersRequest{})
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		if _, err := stream.Header(); err != nil {
			return fmt.Errorf("wait for headers: %w", err)
		}
	}
	fmt.Println("watching")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
