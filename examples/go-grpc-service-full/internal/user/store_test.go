package user_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

var (
	created = time.Date(2026, 11, 21, 12, 0, 0, 123_456_000, time.UTC)
	changed = time.Date(2026, 11, 21, 13, 0, 0, 654_321_000, time.UTC)
)

func newUser(email string) user.User {
	return user.User{ID: uuid.NewV7(), Name: "Ada", Email: email, Version: 1, CreatedAt: created, UpdatedAt: created}
}

// insert adds one user per e-mail address, in ascending order of their ids.
func insert(t *testing.T, store *user.Store, emails ...string) []user.User {
	t.Helper()
	users := make([]user.User, len(emails))
	for i, email := range emails {
		users[i] = newUser(email)
		require.NoError(t, store.Insert(t.Context(), users[i]))
	}
	return users
}

func requireStored(t *testing.T, store *user.Store, want user.User) {
	t.Helper()
	got, err := store.Get(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestStoreInsert(t *testing.T) {
	t.Parallel()
	store := usertest.NewStore(t)
	ada := insert(t, store, "ada@example.com")[0]
	requireStored(t, store, ada)

	err := store.Insert(t.Context(), newUser("ADA@Example.com"))
	require.ErrorIs(t, err, user.ErrEmailTaken)

	twin := newUser("twin@example.com")
	twin.ID = ada.ID
	err = store.Insert(t.Context(), twin)
	require.Error(t, err)
	require.NotErrorIs(t, err, user.ErrEmailTaken, "another unique index")
	requireStored(t, store, ada)

	_, err = store.Get(t.Context(), uuid.NewV7())
	require.ErrorIs(t, err, user.ErrNotFound)
}

func TestStoreList(t *testing.T) {
	t.Parallel()
	store := usertest.NewStore(t)
	none, err := store.List(t.Context(), uuid.Nil(), 10)
	require.NoError(t, err)
	require.Empty(t, none)

	users := make([]user.User, 5)
	for i := range users {
		users[i] = newUser(fmt.Sprintf("u%d@example.com", i))
	}
	for _, u := range slices.Backward(users) {
		require.NoError(t, store.Insert(t.Context(), u))
	}
	tests := map[string]struct {
		after uuid.UUID
		limit int
		want  []user.User
	}{
		"all":                    {uuid.Nil(), 10, users},
		"the first two":          {uuid.Nil(), 2, users[:2]},
		"after the second":       {users[1].ID, 2, users[2:4]},
		"the rest":               {users[2].ID, 10, users[3:]},
		"after the last":         {users[4].ID, 10, nil},
		"after an id not stored": {uuid.Max(), 10, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := store.List(t.Context(), test.after, test.limit)
			require.NoError(t, err)
			require.Len(t, got, len(test.want))
			for i, want := range test.want {
				assert.Equal(t, want, got[i])
			}
		})
	}
}

func TestStoreUpdate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		versions []int
		change   user.Change
		want     func(u *user.User) // what is stored afterwards, besides version and time
		err      error
	}{
		"any version":     {versions: nil, change: user.Change{Name: new("Eve")}, want: func(u *user.User) { u.Name = "Eve" }},
		"its version":     {versions: []int{1}, change: user.Change{Email: new("eve@example.com")}, want: func(u *user.User) { u.Email = "eve@example.com" }},
		"one of a list":   {versions: []int{7, 1}, change: user.Change{Name: new("Eve"), Email: new("eve@example.com")}, want: func(u *user.User) { u.Name, u.Email = "Eve", "eve@example.com" }},
		"nothing to do":   {versions: []int{1}, change: user.Change{}, want: func(*user.User) {}},
		"own e-mail":      {versions: []int{1}, change: user.Change{Email: new("ADA@example.com")}, want: func(u *user.User) { u.Email = "ADA@example.com" }},
		"another version": {versions: []int{2}, change: user.Change{Name: new("Eve")}, err: user.ErrVersionConflict},
		"no version":      {versions: []int{}, change: user.Change{Name: new("Eve")}, err: user.ErrVersionConflict},
		"taken e-mail":    {versions: []int{1}, change: user.Change{Name: new("Eve"), Email: new("Bob@example.com")}, err: user.ErrEmailTaken},
		"stale and taken": {versions: []int{2}, change: user.Change{Email: new("bob@example.com")}, err: user.ErrVersionConflict},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := usertest.NewStore(t)
			users := insert(t, store, "ada@example.com", "bob@example.com")
			want := users[0]

			got, err := store.Update(t.Context(), want.ID, test.versions, test.change, changed)
			require.ErrorIs(t, err, test.err)
			if test.err == nil {
				test.want(&want)
				want.Version, want.UpdatedAt = 2, changed
				assert.Equal(t, want, got)
			}
			requireStored(t, store, want)
			requireStored(t, store, users[1])
		})
	}
}

func TestStoreDelete(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		versions []int
		err      error
	}{
		"any version":     {nil, nil},
		"its version":     {[]int{3, 1}, nil},
		"another version": {[]int{2}, user.ErrVersionConflict},
		"no version":      {[]int{}, user.ErrVersionConflict},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := usertest.NewStore(t)
			users := insert(t, store, "ada@example.com", "bob@example.com")

			err := store.Delete(t.Context(), users[0].ID, test.versions)
			require.ErrorIs(t, err, test.err)
			if test.err != nil {
				requireStored(t, store, users[0])
				return
			}
			_, err = store.Get(t.Context(), users[0].ID)
			require.ErrorIs(t, err, user.ErrNotFound)
			requireStored(t, store, users[1])
		})
	}
}

func TestStoreWithoutTheUser(t *testing.T) {
	t.Parallel()
	store := usertest.NewStore(t)
	for _, versions := range [][]int{nil, {}, {1}} {
		_, err := store.Update(t.Context(), uuid.NewV7(), versions, user.Change{Name: new("Eve")}, changed)
		require.ErrorIs(t, err, user.ErrNotFound)
		require.ErrorIs(t, store.Delete(t.Context(), uuid.NewV7(), versions), user.ErrNotFound)
	}
}

func TestStoreFreesEmails(t *testing.T) {
	t.Parallel()
	store := usertest.NewStore(t)
	users := insert(t, store, "ada@example.com", "bob@example.com")

	_, err := store.Update(t.Context(), users[0].ID, nil, user.Change{Email: new("eve@example.com")}, changed)
	require.NoError(t, err)
	require.NoError(t, store.Delete(t.Context(), users[1].ID, nil))

	insert(t, store, "Ada@example.com", "Bob@example.com")
	require.ErrorIs(t, store.Insert(t.Context(), newUser("EVE@example.com")), user.ErrEmailTaken)
}

func TestStoreConcurrently(t *testing.T) {
	t.Parallel()
	const writers = 8
	store := usertest.NewStore(t)
	ada := insert(t, store, "ada@example.com")[0]
	race := func(write func() error) (errs []error) {
		var group sync.WaitGroup
		errs = make([]error, writers)
		for i := range writers {
			group.Go(func() { errs[i] = write() })
		}
		group.Wait()
		return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	}

	losers := race(func() error { return store.Insert(t.Context(), newUser("bob@example.com")) })
	require.Len(t, losers, writers-1)
	for _, err := range losers {
		require.ErrorIs(t, err, user.ErrEmailTaken)
	}

	losers = race(func() error {
		_, err := store.Update(t.Context(), ada.ID, []int{1}, user.Change{Name: new("Eve")}, changed)
		return err
	})
	require.Len(t, losers, writers-1)
	for _, err := range losers {
		require.ErrorIs(t, err, user.ErrVersionConflict)
	}

	losers = race(func() error { return store.Delete(t.Context(), ada.ID, nil) })
	require.Len(t, losers, writers-1)
	for _, err := range losers {
		require.ErrorIs(t, err, user.ErrNotFound)
	}
}
