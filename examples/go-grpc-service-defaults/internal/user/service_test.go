package user_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

func TestServiceCreate(t *testing.T) {
	t.Parallel()
	service := user.NewService(usertest.NewStore(t))
	before := time.Now().Truncate(time.Microsecond)
	u, err := service.Create(t.Context(), " Ada Lovelace ", "Ada@Example.com")
	require.NoError(t, err)

	assert.Equal(t, "Ada Lovelace", u.Name)
	assert.Equal(t, "Ada@Example.com", u.Email, "as it was given")
	assert.Equal(t, 1, u.Version)
	assert.EqualValues(t, 7, u.ID[6]>>4, "the UUID's version")
	assert.Equal(t, u.CreatedAt, u.UpdatedAt)
	assert.WithinRange(t, u.CreatedAt, before, time.Now())
	assert.Equal(t, time.UTC, u.CreatedAt.Location())

	got, err := service.Get(t.Context(), u.ID)
	require.NoError(t, err)
	assert.Equal(t, u, got, "reads back as it was written")

	_, err = service.Create(t.Context(), "Eve", "ada@example.com")
	require.ErrorIs(t, err, user.ErrEmailTaken)
	_, err = service.Create(t.Context(), "", "")
	var invalid *user.ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Len(t, invalid.Fields, 2)
}

func TestServiceUpdateAndDelete(t *testing.T) {
	t.Parallel()
	service := user.NewService(usertest.NewStore(t))
	u, err := service.Create(t.Context(), "Ada", "ada@example.com")
	require.NoError(t, err)

	got, err := service.Update(t.Context(), u.ID, []int{1}, user.Change{Name: new(" Ada King ")})
	require.NoError(t, err)
	assert.Equal(t, "Ada King", got.Name)
	assert.Equal(t, 2, got.Version)
	assert.Equal(t, u.CreatedAt, got.CreatedAt)
	assert.False(t, got.UpdatedAt.Before(u.UpdatedAt))
	assert.Equal(t, got.UpdatedAt, got.UpdatedAt.Truncate(time.Microsecond))

	_, err = service.Update(t.Context(), u.ID, []int{1}, user.Change{})
	require.ErrorIs(t, err, user.ErrVersionConflict)
	_, err = service.Update(t.Context(), u.ID, nil, user.Change{Name: new("")})
	var invalid *user.ValidationError
	require.ErrorAs(t, err, &invalid)

	require.ErrorIs(t, service.Delete(t.Context(), u.ID, []int{1}), user.ErrVersionConflict)
	require.NoError(t, service.Delete(t.Context(), u.ID, []int{2}))
	require.ErrorIs(t, service.Delete(t.Context(), u.ID, nil), user.ErrNotFound)
}

func createUsers(t *testing.T, service *user.Service, count int) []user.User {
	t.Helper()
	users := make([]user.User, count)
	for i := range users {
		u, err := service.Create(t.Context(), "Ada", fmt.Sprintf("u%d@example.com", i))
		require.NoError(t, err)
		users[i] = u
	}
	return users
}

func TestServiceList(t *testing.T) {
	t.Parallel()
	service := user.NewService(usertest.NewStore(t))
	want := createUsers(t, service, 4)
	for name, limits := range map[string]struct {
		limit int
		pages []int
	}{
		"one by one":       {1, []int{1, 1, 1, 1}},
		"a short last one": {3, []int{3, 1}},
		"two full ones":    {2, []int{2, 2}},
		"just full":        {4, []int{4}},
		"more than enough": {9, []int{4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make([]user.User, 0, len(want))
			cursor := ""
			for i, size := range limits.pages {
				page, err := service.List(t.Context(), cursor, limits.limit)
				require.NoError(t, err)
				require.Len(t, page.Users, size)
				require.Equal(t, i == len(limits.pages)-1, page.Next == "", "a cursor on all pages but the last")
				got = append(got, page.Users...)
				cursor = page.Next
			}
			assert.Equal(t, want, got)
		})
	}

	_, err := service.List(t.Context(), "?", 10)
	require.ErrorIs(t, err, user.ErrInvalidCursor)
}

// A page goes on after the last user it showed, though that user and others come and go in between.
func TestServiceListWhileUsersChange(t *testing.T) {
	t.Parallel()
	service := user.NewService(usertest.NewStore(t))
	users := createUsers(t, service, 3)
	first, err := service.List(t.Context(), "", 2)
	require.NoError(t, err)
	require.Equal(t, users[:2], first.Users)

	require.NoError(t, service.Delete(t.Context(), users[0].ID, nil))
	require.NoError(t, service.Delete(t.Context(), users[1].ID, nil))
	second, err := service.List(t.Context(), first.Next, 2)
	require.NoError(t, err)
	assert.Equal(t, users[2:], second.Users)
}

var errBroken = errors.New("broken")

// brokenStorage fails at everything.
type brokenStorage struct{}

func (brokenStorage) Insert(context.Context, user.User) error { return errBroken }

func (brokenStorage) Get(context.Context, uuid.UUID) (user.User, error) {
	return user.User{}, errBroken
}

func (brokenStorage) List(context.Context, uuid.UUID, int) ([]user.User, error) {
	return nil, errBroken
}

func (brokenStorage) Update(context.Context, uuid.UUID, []int, user.Change, time.Time) (user.User, error) {
	return user.User{}, errBroken
}

func (brokenStorage) Delete(context.Context, uuid.UUID, []int) error { return errBroken }

func TestServiceSaysWhatFailed(t *testing.T) {
	t.Parallel()
	service := user.NewService(brokenStorage{})
	id := uuid.NewV7()
	tests := map[string]func(ctx context.Context) error{
		"insert user": func(ctx context.Context) error {
			_, err := service.Create(ctx, "Ada", "ada@example.com")
			return err
		},
		"select user":  func(ctx context.Context) error { _, err := service.Get(ctx, id); return err },
		"select users": func(ctx context.Context) error { _, err := service.List(ctx, "", 1); return err },
		"update user": func(ctx context.Context) error {
			_, err := service.Update(ctx, id, nil, user.Change{})
			return err
		},
		"delete user": func(ctx context.Context) error { return service.Delete(ctx, id, nil) },
	}
	for what, call := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			err := call(t.Context())
			require.ErrorIs(t, err, errBroken)
			assert.EqualError(t, err, what+": broken")
		})
	}
}
