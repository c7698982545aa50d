package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"example.com/user-service/internal/user"
	userv1 "example.com/user-service/proto/user/v1"
)

func message(u user.User) *userv1.User {
	return &userv1.User{
		Id:        u.ID.String(),
		Name:      u.Name,
		Email:     u.Email,
		Version:   int32(u.Version), //nolint:gosec // no store has a larger one
		CreatedAt: timestamppb.New(u.CreatedAt),
		UpdatedAt: timestamppb.New(u.UpdatedAt),
	}
}

func change(event user.Event) *userv1.WatchUsersResponse {
	response := &userv1.WatchUsersResponse{User: message(event.User)}
	switch event.Kind {
	case user.Created:
		response.Kind = userv1.WatchUsersResponse_KIND_CREATED
	case user.Updated:
		response.Kind = userv1.WatchUsersResponse_KIND_UPDATED
	case user.Deleted:
		response.Kind = userv1.WatchUsersResponse_KIND_DELETED
	}
	return response
}

// changeOf returns the change to what given says, of the fields that the paths of a field mask name (AIP-134): all that are not
// empty where there are no paths, and every field that can change for *.
func changeOf(given *userv1.User, paths []string) (user.Change, error) {
	var change user.Change
	if len(paths) == 0 {
		if given.GetName() != "" {
			change.Name = new(given.GetName())
		}
		if given.GetEmail() != "" {
			change.Email = new(given.GetEmail())
		}
		return change, nil
	}
	for _, path := range paths {
		switch path {
		case "name":
			change.Name = new(given.GetName())
		case "email":
			change.Email = new(given.GetEmail())
		case "*":
			change.Name, change.Email = new(given.GetName()), new(given.GetEmail())
		default:
			return user.Change{}, invalid("update_mask", "must name name, email, or * for both")
		}
	}
	return change, nil
}
