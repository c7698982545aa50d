// Package api serves the users over gRPC, as proto/user/v1/user.proto says.
package api

import (
	"context"
	"fmt"
	"uuid"

	"google.golang.org/grpc"

	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/user"
	userv1 "example.com/user-service/proto/user/v1"
)

const (
	defaultPageSize = 20
	maxPageSize     = 100
)

// Users is what the service needs of the domain.
type Users interface {
	Create(ctx context.Context, name, email string) (user.User, error)
	Get(ctx context.Context, id uuid.UUID) (user.User, error)
	List(ctx context.Context, cursor string, limit int) (user.Page, error)
	Update(ctx context.Context, id uuid.UUID, versions []int, change user.Change) (user.User, error)
	Delete(ctx context.Context, id uuid.UUID, versions []int) error
}

// Changes is where the service hears what happens to users.
type Changes interface {
	Watch() (*user.Watch, error)
}

var (
	_ Users   = (*user.Service)(nil)
	_ Changes = (*user.Feed)(nil)
)

// Register adds the UserService to server. It needs both users and changes.
func Register(server grpc.ServiceRegistrar, users Users, changes Changes) {
	userv1.RegisterUserServiceServer(server, &service{users: users, changes: changes})
}

type service struct {
	userv1.UnimplementedUserServiceServer

	users   Users
	changes Changes
}

func (s *service) CreateUser(ctx context.Context, request *userv1.CreateUserRequest) (*userv1.CreateUserResponse, error) {
	u, err := s.users.Create(ctx, request.GetUser().GetName(), request.GetUser().GetEmail())
	if err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	return &userv1.CreateUserResponse{User: message(u)}, nil
}

func (s *service) GetUser(ctx context.Context, request *userv1.GetUserRequest) (*userv1.GetUserResponse, error) {
	id, err := parseID(request.GetId())
	if err != nil {
		return nil, err
	}
	u, err := s.users.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("get user: %w", err)
	}
	return &userv1.GetUserResponse{User: message(u)}, nil
}

func (s *service) ListUsers(ctx context.Context, request *userv1.ListUsersRequest) (*userv1.ListUsersResponse, error) {
	size := min(int(request.GetPageSize()), maxPageSize)
	switch {
	case size < 0:
		return nil, invalid("page_size", "must not be negative")
	case size == 0:
		size = defaultPageSize
	}
	page, err := s.users.List(ctx, request.GetPageToken(), size)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	response := &userv1.ListUsersResponse{Users: make([]*userv1.User, len(page.Users)), NextPageToken: page.Next}
	for i, u := range page.Users {
		response.Users[i] = message(u)
	}
	return response, nil
}

func (s *service) UpdateUser(ctx context.Context, request *userv1.UpdateUserRequest) (*userv1.UpdateUserResponse, error) {
	given := request.GetUser()
	change, err := changeOf(given, request.GetUpdateMask().GetPaths())
	if err != nil {
		return nil, err
	}
	if given.GetVersion() < 1 {
		return nil, invalid("user.version", "must be the version that the change starts from")
	}
	id, err := parseID(given.GetId())
	if err != nil {
		return nil, err
	}
	u, err := s.users.Update(ctx, id, versions(given.GetVersion()), change)
	if err != nil {
		return nil, fmt.Errorf("update user: %w", err)
	}
	return &userv1.UpdateUserResponse{User: message(u)}, nil
}

func (s *service) DeleteUser(ctx context.Context, request *userv1.DeleteUserRequest) (*userv1.DeleteUserResponse, error) {
	if request.GetVersion() < 0 {
		return nil, invalid("version", "must not be negative")
	}
	id, err := parseID(request.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.users.Delete(ctx, id, versions(request.GetVersion())); err != nil {
		return nil, fmt.Errorf("delete user: %w", err)
	}
	return &userv1.DeleteUserResponse{}, nil
}

// WatchUsers sends its headers as soon as no change is missed any more, and then every change until somebody ends it: the caller,
// the feed when there would be a gap, or the service when it stops.
func (s *service) WatchUsers(_ *userv1.WatchUsersRequest, stream grpc.ServerStreamingServer[userv1.WatchUsersResponse]) error {
	watch, err := s.changes.Watch()
	if err != nil {
		return fmt.Errorf("watch users: %w", err)
	}
	defer watch.Stop()
	if err := stream.SendHeader(nil); err != nil {
		return fmt.Errorf("send headers: %w", err)
	}
	ctx := stream.Context()
	for {
		select {
		case event, open := <-watch.Events():
			if !open {
				return fmt.Errorf("watch users: %w", watch.Err())
			}
			if err := stream.Send(change(event)); err != nil {
				return fmt.Errorf("send change: %w", err)
			}
		case <-grpcserver.Stopping(ctx):
			return errStopping
		case <-ctx.Done():
			return fmt.Errorf("watch users: %w", ctx.Err())
		}
	}
}

// parseID reads an id. What is no UUID is no user's id.
func parseID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len(id.String()) { // Parse knows three more spellings
		return uuid.UUID{}, user.ErrNotFound
	}
	return id, nil
}

// versions are those that a user may have if a request asks for version, where 0 stands for any.
func versions(version int32) []int {
	if version == 0 {
		return nil
	}
	return []int{int(version)}
}
