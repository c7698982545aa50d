package api_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/user"
	userv1 "example.com/user-service/proto/user/v1"
)

// describe writes a status with its details on one line each.
func describe(err error) string {
	s := status.Convert(err)
	lines := []string{fmt.Sprintf("%s: %s", s.Code(), s.Message())}
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				lines = append(lines, violation.GetField()+" "+violation.GetDescription())
			}
		case *errdetails.ErrorInfo:
			lines = append(lines, detail.GetReason()+" of "+detail.GetDomain())
		case *errdetails.RetryInfo:
			lines = append(lines, "again after "+detail.GetRetryDelay().AsDuration().String())
		default:
			lines = append(lines, fmt.Sprintf("%T", detail))
		}
	}
	return strings.Join(lines, "\n")
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	ada, bob := create(t, client, "Ada", "ada@example.com"), create(t, client, "Bob", "bob@example.com")
	gone := uuid.NewV7().String()

	const (
		brokenRequest = "InvalidArgument: The request breaks a rule.\n"
		brokenUser    = "InvalidArgument: The user breaks a rule.\n"
		name          = "user.name must have 1 to 200 characters"
		nameText      = "user.name must be UTF-8 text without NUL characters"
		email         = "user.email must be a bare address such as ada@example.com"
		mask          = "update_mask must name name, email, or * for both"
		version       = "user.version must be the version that the change starts from"
		notFound      = "NotFound: There is no such user.\nUSER_NOT_FOUND of user.v1.UserService"
		taken         = "AlreadyExists: Another user has this e-mail address.\nEMAIL_TAKEN of user.v1.UserService"
		stale         = "Aborted: The user has another version: get it again.\nVERSION_CONFLICT of user.v1.UserService"
	)
	creating := func(u *userv1.User) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.CreateUser(ctx, &userv1.CreateUserRequest{User: u})
			return err
		}
	}
	getting := func(id string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.GetUser(ctx, &userv1.GetUserRequest{Id: id})
			return err
		}
	}
	listing := func(size int32, token string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.ListUsers(ctx, &userv1.ListUsersRequest{PageSize: size, PageToken: token})
			return err
		}
	}
	updating := func(u *userv1.User, paths ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.UpdateUser(ctx, &userv1.UpdateUserRequest{User: u, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
			return err
		}
	}
	deleting := func(id string, version int32) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.DeleteUser(ctx, &userv1.DeleteUserRequest{Id: id, Version: version})
			return err
		}
	}
	tests := map[string]struct {
		call func(context.Context) error
		want string
	}{
		"create: no user":          {creating(nil), brokenUser + name + "\n" + email},
		"create: every field":      {creating(&userv1.User{}), brokenUser + name + "\n" + email},
		"create: NUL":              {creating(&userv1.User{Name: "A\x00da", Email: "a\x00@example.com"}), brokenUser + nameText + "\n" + email},
		"create: taken":            {creating(&userv1.User{Name: "Ada", Email: "ADA@example.com"}), taken},
		"get: unknown":             {getting(gone), notFound},
		"get: no id":               {getting(""), notFound},
		"get: no UUID":             {getting("1"), notFound},
		"get: in braces":           {getting("{" + ada.GetId() + "}"), notFound},
		"list: a negative size":    {listing(-1, ""), brokenRequest + "page_size must not be negative"},
		"list: token":              {listing(1, "abc"), brokenRequest + "page_token must be the next_page_token of a page"},
		"update: no user":          {updating(nil), brokenRequest + version},
		"update: no version":       {updating(&userv1.User{Id: ada.GetId()}), brokenRequest + version},
		"update: negative version": {updating(&userv1.User{Id: ada.GetId(), Version: -1}), brokenRequest + version},
		"update: stale":            {updating(&userv1.User{Id: ada.GetId(), Version: 2, Name: "Eve"}), stale},
		"update: no such version":  {updating(&userv1.User{Id: ada.GetId(), Version: math.MaxInt32, Name: "Eve"}), stale},
		"update: every field":      {updating(&userv1.User{Id: ada.GetId(), Version: 1}, "*"), brokenUser + name + "\n" + email},
		"update: one field":        {updating(&userv1.User{Id: ada.GetId(), Version: 1, Name: "Eve"}, "email"), brokenUser + email},
		"update: taken":            {updating(&userv1.User{Id: bob.GetId(), Version: 1, Email: "ada@example.com"}), taken},
		"update: unknown path":     {updating(&userv1.User{Id: ada.GetId(), Version: 1}, "name", "surname"), brokenRequest + mask},
		"update: fixed path":       {updating(&userv1.User{Id: ada.GetId(), Version: 1}, "version"), brokenRequest + mask},
		"update: path with user":   {updating(&userv1.User{Id: ada.GetId(), Version: 1}, "user.name"), brokenRequest + mask},
		"update: empty path":       {updating(&userv1.User{Id: ada.GetId(), Version: 1}, ""), brokenRequest + mask},
		"update: a long path":      {updating(&userv1.User{Id: ada.GetId(), Version: 1}, strings.Repeat("a", 1<<16)), brokenRequest + mask},
		"update: unknown":          {updating(&userv1.User{Id: gone, Version: 1}), notFound},
		"update: no UUID":          {updating(&userv1.User{Id: "1", Version: 1}), notFound},
		"delete: unknown":          {deleting(gone, 0), notFound},
		"delete: unknown, version": {deleting(gone, 1), notFound},
		"delete: no UUID":          {deleting("1", 0), notFound},
		"delete: stale":            {deleting(ada.GetId(), 2), stale},
		"delete: negative version": {deleting(ada.GetId(), -1), brokenRequest + "version must not be negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, describe(test.call(t.Context())))
		})
	}
	for _, untouched := range []*userv1.User{ada, bob} {
		response, err := client.GetUser(t.Context(), &userv1.GetUserRequest{Id: untouched.GetId()})
		require.NoError(t, err)
		assertEqual(t, untouched, response.GetUser())
	}
	require.NoError(t, deleting(ada.GetId(), 1)(t.Context()), "the right version")
}

var errBroken = errors.New("broken")

// broken fails at everything, with an error that the API does not know.
type broken struct{}

func (broken) Create(context.Context, string, string) (user.User, error) {
	return user.User{}, errBroken
}

func (broken) Get(context.Context, uuid.UUID) (user.User, error) { return user.User{}, errBroken }

func (broken) List(context.Context, string, int) (user.Page, error) { return user.Page{}, errBroken }

func (broken) Update(context.Context, uuid.UUID, []int, user.Change) (user.User, error) {
	return user.User{}, errBroken
}

func (broken) Delete(context.Context, uuid.UUID, []int) error { return errBroken }

func (broken) Watch() (*user.Watch, error) { return nil, errBroken }

func TestUnknownErrorsAreNotTold(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, broken{}, broken{})
	id := uuid.NewV7().String()
	calls := map[string]func(context.Context) error{
		"create": func(ctx context.Context) error {
			_, err := client.CreateUser(ctx, &userv1.CreateUserRequest{})
			return err
		},
		"get": func(ctx context.Context) error {
			_, err := client.GetUser(ctx, &userv1.GetUserRequest{Id: id})
			return err
		},
		"list": func(ctx context.Context) error {
			_, err := client.ListUsers(ctx, &userv1.ListUsersRequest{})
			return err
		},
		"update": func(ctx context.Context) error {
			_, err := client.UpdateUser(ctx, &userv1.UpdateUserRequest{User: &userv1.User{Id: id, Version: 1}})
			return err
		},
		"delete": func(ctx context.Context) error {
			_, err := client.DeleteUser(ctx, &userv1.DeleteUserRequest{Id: id})
			return err
		},
		"watch": func(ctx context.Context) error {
			stream, err := client.WatchUsers(ctx, &userv1.WatchUsersRequest{})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call(t.Context())
			assert.Equal(t, codes.Internal, status.Code(err))
			assert.NotContains(t, describe(err), "broken")
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	assert.Nil(t, api.Status(errBroken))
	assert.Nil(t, api.Status(context.DeadlineExceeded))
	for err, code := range map[error]codes.Code{
		user.ErrNotFound:                          codes.NotFound,
		user.ErrEmailTaken:                        codes.AlreadyExists,
		user.ErrVersionConflict:                   codes.Aborted,
		user.ErrInvalidCursor:                     codes.InvalidArgument,
		user.ErrChangesMissed:                     codes.Unavailable,
		&user.ValidationError{}:                   codes.InvalidArgument,
		errors.Join(errBroken, user.ErrNotFound):  codes.NotFound,
		fmt.Errorf("again: %w", user.ErrNotFound): codes.NotFound,
	} {
		s := api.Status(fmt.Errorf("do something: %w", err))
		require.NotNil(t, s, err)
		assert.Equal(t, code, s.Code(), err)
	}
}
