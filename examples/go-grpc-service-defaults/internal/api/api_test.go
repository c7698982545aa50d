package api_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"uuid"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
	userv1 "example.com/user-service/proto/user/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// newAPI returns a client of a service without users.
func newAPI(tb testing.TB) userv1.UserServiceClient {
	tb.Helper()
	store, feed := usertest.NewFeed(tb)
	client, _ := serve(tb, user.NewService(store), feed)
	return client
}

// serve returns a client of a server, and the server, which runs until the test ends.
func serve(tb testing.TB, users api.Users, changes api.Changes) (userv1.UserServiceClient, *grpcserver.Server) {
	tb.Helper()
	server, err := grpcserver.New("127.0.0.1:0", grpcserver.Options{Status: api.Status, MaxBodyBytes: 1 << 20})
	require.NoError(tb, err)
	api.Register(server, users, changes)
	address, err := server.Listen(tb.Context())
	require.NoError(tb, err)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(1<<16-1)) // or a client that does not read would be sent more and more
	require.NoError(tb, err)
	tb.Cleanup(func() {
		assert.NoError(tb, conn.Close())
		assert.NoError(tb, server.Close())
		assert.NoError(tb, <-ended)
	})
	return userv1.NewUserServiceClient(conn), server
}

// create adds a user.
func create(tb testing.TB, client userv1.UserServiceClient, name, email string) *userv1.User {
	tb.Helper()
	response, err := client.CreateUser(tb.Context(), &userv1.CreateUserRequest{User: &userv1.User{Name: name, Email: email}})
	require.NoError(tb, err)
	return response.GetUser()
}

func assertEqual(tb testing.TB, want, got proto.Message) {
	tb.Helper()
	assert.Empty(tb, cmp.Diff(want, got, protocmp.Transform()))
}

func TestLifeOfAUser(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	get := func(id string) (*userv1.User, error) {
		response, err := client.GetUser(t.Context(), &userv1.GetUserRequest{Id: id})
		return response.GetUser(), err
	}
	update := func(to *userv1.User, paths ...string) *userv1.User {
		response, err := client.UpdateUser(t.Context(), &userv1.UpdateUserRequest{User: to, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		require.NoError(t, err)
		return response.GetUser()
	}

	ada := create(t, client, " Ada Lovelace ", "ada@example.com")
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, ada.GetId())
	assert.Positive(t, ada.GetCreatedAt().AsTime().Unix())
	assertEqual(t, &userv1.User{
		Id: ada.GetId(), Name: "Ada Lovelace", Email: "ada@example.com", Version: 1, CreatedAt: ada.GetCreatedAt(), UpdatedAt: ada.GetCreatedAt(),
	}, ada)
	stored, err := get(ada.GetId())
	require.NoError(t, err)
	assertEqual(t, ada, stored)

	renamed := update(&userv1.User{Id: ada.GetId(), Version: 1, Name: "Eve", Email: "not looked at"}, "name")
	assertEqual(t, &userv1.User{
		Id: ada.GetId(), Name: "Eve", Email: "ada@example.com", Version: 2, CreatedAt: ada.GetCreatedAt(), UpdatedAt: renamed.GetUpdatedAt(),
	}, renamed)
	assert.True(t, renamed.GetUpdatedAt().AsTime().After(ada.GetUpdatedAt().AsTime()))
	renamed.Email = "eve@example.com" // what was read, changed and sent back whole
	replaced := update(renamed, "*")
	assert.Equal(t, "eve@example.com", replaced.GetEmail())
	assert.Equal(t, int32(3), replaced.GetVersion())
	stored, err = get(ada.GetId())
	require.NoError(t, err)
	assertEqual(t, replaced, stored)

	deleted, err := client.DeleteUser(t.Context(), &userv1.DeleteUserRequest{Id: ada.GetId()})
	require.NoError(t, err)
	assertEqual(t, &userv1.DeleteUserResponse{}, deleted)
	_, err = get(ada.GetId())
	assert.Equal(t, codes.NotFound, status.Code(err))
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	none, err := client.ListUsers(t.Context(), &userv1.ListUsersRequest{})
	require.NoError(t, err)
	assertEqual(t, &userv1.ListUsersResponse{}, none)

	const users = 101
	want := make([]*userv1.User, 0, users)
	for i := range users {
		want = append(want, create(t, client, "Ada", fmt.Sprintf("u%d@example.com", i)))
	}
	tests := map[string]struct {
		size  int32
		pages []int
	}{
		"by default 20":    {0, []int{20, 20, 20, 20, 20, 1}},
		"the largest page": {100, []int{100, 1}},
		"never larger":     {1 << 30, []int{100, 1}},
		"40 each":          {40, []int{40, 40, 21}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, token := &userv1.ListUsersResponse{}, ""
			for i, size := range test.pages {
				page, err := client.ListUsers(t.Context(), &userv1.ListUsersRequest{PageSize: test.size, PageToken: token})
				require.NoError(t, err)
				require.Len(t, page.GetUsers(), size)
				got.Users = append(got.Users, page.GetUsers()...)
				token = page.GetNextPageToken()
				require.Equal(t, i == len(test.pages)-1, token == "")
			}
			assertEqual(t, &userv1.ListUsersResponse{Users: want}, got)
		})
	}
}

func TestFieldMasks(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	mask := func(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }
	tests := map[string]struct {
		mask      *fieldmaskpb.FieldMask
		sent      *userv1.User
		name      string
		sameEmail bool
	}{
		"absent: what is there": {nil, &userv1.User{Name: "Eve", Email: "eve1@example.com"}, "Eve", false},
		"absent: the name":      {nil, &userv1.User{Name: "Eve"}, "Eve", true},
		"absent: the address":   {nil, &userv1.User{Email: "eve2@example.com"}, "Ada", false},
		"absent: nothing":       {nil, &userv1.User{}, "Ada", true},
		"empty":                 {mask(), &userv1.User{Name: "Eve"}, "Eve", true},
		"the name":              {mask("name"), &userv1.User{Name: "Eve", Email: "eve3@example.com"}, "Eve", true},
		"the address":           {mask("email"), &userv1.User{Name: "Eve", Email: "eve4@example.com"}, "Ada", false},
		"both, one twice":       {mask("email", "name", "email"), &userv1.User{Name: "Eve", Email: "eve5@example.com"}, "Eve", false},
		"all":                   {mask("*"), &userv1.User{Name: "Eve", Email: "eve6@example.com"}, "Eve", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ada := create(t, client, "Ada", strings.ToLower(rand.Text())+"@example.com")
			want := &userv1.User{Id: ada.GetId(), Name: test.name, Email: ada.GetEmail(), Version: 2, CreatedAt: ada.GetCreatedAt()}
			if !test.sameEmail {
				want.Email = test.sent.GetEmail()
			}
			test.sent.Id, test.sent.Version = ada.GetId(), ada.GetVersion()
			response, err := client.UpdateUser(t.Context(), &userv1.UpdateUserRequest{User: test.sent, UpdateMask: test.mask})
			require.NoError(t, err)
			want.UpdatedAt = response.GetUser().GetUpdatedAt()
			assertEqual(t, want, response.GetUser())
		})
	}
}

// registrar is a server that is only asked what it serves.
type registrar struct {
	users userv1.UserServiceServer
}

func (r *registrar) RegisterService(_ *grpc.ServiceDesc, impl any) {
	r.users, _ = impl.(userv1.UserServiceServer)
}

// direct returns a service without users, and without a server before it.
func direct(tb testing.TB) userv1.UserServiceServer {
	tb.Helper()
	store, feed := usertest.NewFeed(tb)
	r := &registrar{}
	api.Register(r, user.NewService(store), feed)
	return r.users
}

// A page token that is accepted is empty, or names a user whether or not there is one, after whom the page begins.
func FuzzListUsers(f *testing.F) {
	users := direct(f)
	const count = 5
	stored := make([]*userv1.User, 0, count)
	for i := range count {
		created, err := users.CreateUser(f.Context(), &userv1.CreateUserRequest{
			User: &userv1.User{Name: "Ada", Email: fmt.Sprintf("u%d@example.com", i)},
		})
		require.NoError(f, err)
		stored = append(stored, created.GetUser())
	}
	slices.SortFunc(stored, func(a, b *userv1.User) int { return strings.Compare(a.GetId(), b.GetId()) })
	token := func(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(append([]byte{1}, id[:]...)) }
	for i, u := range stored {
		id, err := uuid.Parse(u.GetId())
		require.NoError(f, err)
		f.Add(int32(i), token(id))
		id[len(id)-1]++
		f.Add(int32(1), token(id))
	}
	f.Add(int32(0), "")
	f.Add(int32(0), token(uuid.UUID{}))
	f.Add(int32(-1), "AQGaplE6AH08nCFfDosfagE")
	f.Add(int32(1<<31-1), "AQGaplE6AH08nCFfDosfagE=")
	f.Add(int32(1), "\xff")
	f.Fuzz(func(t *testing.T, size int32, given string) {
		response, err := users.ListUsers(t.Context(), &userv1.ListUsersRequest{PageSize: size, PageToken: given})
		if err != nil {
			require.Equal(t, codes.InvalidArgument, api.Status(err).Code())
			return
		}
		require.GreaterOrEqual(t, size, int32(0))
		var after uuid.UUID
		if given != "" {
			raw, err := base64.RawURLEncoding.DecodeString(given)
			require.NoError(t, err)
			require.Len(t, raw, 1+len(after))
			after = uuid.UUID(raw[1:])
			require.Equal(t, token(after), given)
		}
		want := &userv1.ListUsersResponse{}
		for _, u := range stored {
			if given != "" && u.GetId() <= after.String() {
				continue
			}
			if size > 0 && len(want.GetUsers()) == int(size) {
				want.NextPageToken = response.GetNextPageToken()
				require.NotEmpty(t, want.GetNextPageToken())
				break
			}
			want.Users = append(want.Users, u)
		}
		assertEqual(t, want, response)
	})
}

// Whatever a mask names, an update changes the fields that it may change, or none and says why.
func FuzzUpdateUser(f *testing.F) {
	f.Add(uint8(2), "name", "email", "", "Eve", "eve@example.com", int32(0))
	f.Add(uint8(1), "name", "", "", " Eve\t", "", int32(0))
	f.Add(uint8(0), "", "", "", " Grace ", "", int32(0))
	f.Add(uint8(0), "", "", "", "", "grace@example.com", int32(0))
	f.Add(uint8(1), "email", "", "", "Alan", "alan@example.com", int32(0))
	f.Add(uint8(3), "email", "name", "email", "\u00a0Ada\u2003", "ada@example.com", int32(0))
	f.Add(uint8(1), "*", "", "", "", "", int32(1))
	f.Add(uint8(2), "*", "version", "", "Eve", "eve@example.com", int32(0))
	f.Add(uint8(1), "user.name", "", "", " ", "eve", int32(-1))
	f.Add(uint8(3), "created_at", "\x00", "", "\x00", "\xff", int32(1<<31-1))
	users := direct(f)
	created, err := users.CreateUser(f.Context(), &userv1.CreateUserRequest{User: &userv1.User{Name: "Ada", Email: "ada@example.com"}})
	require.NoError(f, err)
	stored := created.GetUser()
	f.Fuzz(func(t *testing.T, count uint8, first, second, third, name, email string, ahead int32) {
		paths := []string{first, second, third}[:count%4]
		response, err := users.UpdateUser(context.WithoutCancel(t.Context()), &userv1.UpdateUserRequest{
			User:       &userv1.User{Id: stored.GetId(), Version: stored.GetVersion() + ahead, Name: name, Email: email},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		})
		if err != nil {
			require.Contains(t, []codes.Code{codes.InvalidArgument, codes.Aborted}, api.Status(err).Code())
			current, err := users.GetUser(t.Context(), &userv1.GetUserRequest{Id: stored.GetId()})
			require.NoError(t, err)
			assertEqual(t, stored, current.GetUser())
			return
		}
		require.Zero(t, ahead)
		want := proto.CloneOf(stored)
		want.Version++
		want.UpdatedAt = response.GetUser().GetUpdatedAt()
		for _, path := range paths {
			require.Contains(t, []string{"name", "email", "*"}, path)
		}
		if all := slices.Contains(paths, "*"); all || slices.Contains(paths, "name") || len(paths) == 0 && name != "" {
			want.Name = strings.TrimSpace(name)
		}
		if all := slices.Contains(paths, "*"); all || slices.Contains(paths, "email") || len(paths) == 0 && email != "" {
			want.Email = email
		}
		assertEqual(t, want, response.GetUser())
		stored = response.GetUser()
	})
}

func BenchmarkGetUser(b *testing.B) {
	client := newAPI(b)
	ada := create(b, client, "Ada", "ada@example.com")
	for b.Loop() {
		if _, err := client.GetUser(b.Context(), &userv1.GetUserRequest{Id: ada.GetId()}); err != nil {
			b.Fatal(err)
		}
	}
}
