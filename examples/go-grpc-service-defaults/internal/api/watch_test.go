package api_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
	userv1 "example.com/user-service/proto/user/v1"
)

// watch returns a watch that has begun. Nothing on it waits for ever.
func watch(t *testing.T, client userv1.UserServiceClient) grpc.ServerStreamingClient[userv1.WatchUsersResponse] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	stream, err := client.WatchUsers(ctx, &userv1.WatchUsersRequest{})
	require.NoError(t, err)
	headers, err := stream.Header()
	require.NoError(t, err)
	require.NotNil(t, headers, "the call has ended")
	return stream
}

func TestWatchUsers(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	streams := []grpc.ServerStreamingClient[userv1.WatchUsersResponse]{watch(t, client), watch(t, client)}

	ada := create(t, client, "Ada", "ada@example.com")
	updated, err := client.UpdateUser(t.Context(), &userv1.UpdateUserRequest{User: &userv1.User{Id: ada.GetId(), Version: 1, Name: "Eve"}})
	require.NoError(t, err)
	_, err = client.DeleteUser(t.Context(), &userv1.DeleteUserRequest{Id: ada.GetId()})
	require.NoError(t, err)

	for _, stream := range streams {
		for _, want := range []*userv1.WatchUsersResponse{
			{Kind: userv1.WatchUsersResponse_KIND_CREATED, User: ada},
			{Kind: userv1.WatchUsersResponse_KIND_UPDATED, User: updated.GetUser()},
			{Kind: userv1.WatchUsersResponse_KIND_DELETED, User: updated.GetUser()},
		} {
			got, err := stream.Recv()
			require.NoError(t, err)
			assertEqual(t, want, got)
		}
	}
}

func TestWatchUsersTellsItsRequestIDAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := newAPI(t).WatchUsers(metadata.AppendToOutgoingContext(ctx, "x-request-id", "r-1"), &userv1.WatchUsersRequest{})
	require.NoError(t, err)
	headers, err := stream.Header()
	require.NoError(t, err)
	assert.Equal(t, []string{"r-1"}, headers.Get("x-request-id"))
}

func TestWatchUsersEndsWhenTheServiceStops(t *testing.T) {
	t.Parallel()
	store, feed := usertest.NewFeed(t)
	client, server := serve(t, user.NewService(store), feed)
	stream := watch(t, client)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, server.Shutdown(ctx))
	_, err := stream.Recv()
	assert.Equal(t, "Unavailable: The service is stopping: watch and list again.\nSTOPPING of user.v1.UserService\nagain after 1s", describe(err))
}

// A client that does not read holds nobody up. It gets what came before the gap, without another gap, and is told.
func TestWatchUsersEndsForASlowClient(t *testing.T) {
	t.Parallel()
	const changes = 500 // more than the buffers of the feed and of the connection hold
	client := newAPI(t)
	slow, quick := watch(t, client), watch(t, client)
	ada := create(t, client, strings.Repeat("𝔸", 200), "ada@example.com")
	for version := range int32(changes) {
		_, err := client.UpdateUser(t.Context(), &userv1.UpdateUserRequest{User: &userv1.User{Id: ada.GetId(), Version: version + 1}})
		require.NoError(t, err)
		got, err := quick.Recv()
		require.NoError(t, err)
		require.Equal(t, version+1, got.GetUser().GetVersion())
	}

	var last int32
	for {
		got, err := slow.Recv()
		if err != nil {
			assert.Equal(t, "Unavailable: Changes may have been missed: watch and list again.\nCHANGES_MISSED of user.v1.UserService\nagain after 1s", describe(err))
			break
		}
		require.Equal(t, last+1, got.GetUser().GetVersion())
		last++
	}
	assert.Greater(t, last, int32(256))
	assert.Less(t, last, int32(changes))
}

// interrupted is a feed that hears nothing.
type interrupted struct{}

func (interrupted) Watch() (*user.Watch, error) { return nil, user.ErrChangesMissed }

func TestWatchUsersWhileTheFeedIsInterrupted(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, broken{}, interrupted{})
	stream, err := client.WatchUsers(t.Context(), &userv1.WatchUsersRequest{})
	require.NoError(t, err)
	headers, err := stream.Header()
	require.NoError(t, err)
	assert.Nil(t, headers, "they would say that the watch has begun")
	_, err = stream.Recv()
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.Equal(t, []string{"1000"}, stream.Trailer().Get("grpc-retry-pushback-ms"), "which clients read, unlike the details")
}

// vanishing is the stream of a client that has gone, as a handler sees it.
type vanishing struct {
	grpc.ServerStream

	ctx     context.Context
	headers error
	send    error
}

func (s vanishing) Context() context.Context { return s.ctx }

func (s vanishing) SendHeader(metadata.MD) error { return s.headers }

func (s vanishing) SendMsg(any) error { return s.send }

func TestWatchUsersEndsWithItsClient(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		stream vanishing
		want   error
	}{
		"before it began":     {vanishing{ctx: t.Context(), headers: gone}, gone},
		"while it is waiting": {vanishing{ctx: cancelled}, context.Canceled},
		"at a change":         {vanishing{ctx: t.Context(), send: gone}, gone},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := direct(t)
			ended := make(chan error, 1)
			go func() {
				ended <- users.WatchUsers(nil, &grpc.GenericServerStream[userv1.WatchUsersRequest, userv1.WatchUsersResponse]{ServerStream: test.stream})
			}()
			if test.stream.send == nil {
				require.ErrorIs(t, <-ended, test.want)
				return
			}
			for {
				select {
				case err := <-ended:
					require.ErrorIs(t, err, test.want)
					return
				default: // perhaps it has not begun to watch
					_, err := users.CreateUser(t.Context(), &userv1.CreateUserRequest{User: &userv1.User{Name: "Ada", Email: rand.Text() + "@example.com"}})
					require.NoError(t, err)
				}
			}
		})
	}
}
