package user_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/user"
)

func TestServiceTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := user.NewService(user.NewStore())
		time.Sleep(time.Hour + 1234567*time.Nanosecond)
		created := time.Now().UTC()
		u, err := service.Create(t.Context(), "Ada", "ada@example.com")
		require.NoError(t, err)
		assert.Equal(t, created.Add(-567*time.Nanosecond), u.CreatedAt, "in whole microseconds")
		assert.Equal(t, u.CreatedAt, u.UpdatedAt)

		time.Sleep(time.Minute)
		got, err := service.Update(t.Context(), u.ID, nil, user.Change{})
		require.NoError(t, err)
		assert.Equal(t, u.CreatedAt, got.CreatedAt)
		assert.Equal(t, u.UpdatedAt.Add(time.Minute), got.UpdatedAt)
	})
}

func TestStoreHandsOutCopies(t *testing.T) {
	t.Parallel()
	store := user.NewStore()
	ada := insert(t, store, "ada@example.com")[0]
	users, err := store.List(t.Context(), uuid.Nil(), 1)
	require.NoError(t, err)
	users[0].Name = "Eve"
	requireStored(t, store, ada)
}

func BenchmarkServiceList(b *testing.B) {
	service := user.NewService(user.NewStore())
	for i := range 10_000 {
		_, err := service.Create(b.Context(), "Ada", fmt.Sprintf("u%d@example.com", i))
		require.NoError(b, err)
	}
	for b.Loop() {
		if _, err := service.List(b.Context(), "", 100); err != nil {
			b.Fatal(err)
		}
	}
}
