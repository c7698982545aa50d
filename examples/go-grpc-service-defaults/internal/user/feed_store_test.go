package user_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

// next returns the next event of a watch that goes on.
func next(t *testing.T, watch *user.Watch) user.Event {
	t.Helper()
	select {
	case event, open := <-watch.Events():
		require.True(t, open, watch.Err())
		return event
	case <-time.After(time.Minute):
		require.Fail(t, "there was no event")
		return user.Event{}
	}
}

func startWatch(t *testing.T, feed *user.Feed) *user.Watch {
	t.Helper()
	watch, err := feed.Watch()
	require.NoError(t, err)
	t.Cleanup(watch.Stop)
	return watch
}

func TestFeedTellsOfChanges(t *testing.T) {
	t.Parallel()
	store, feed := usertest.NewFeed(t)
	unseen := newUser("unseen@example.com")
	early := startWatch(t, feed)
	require.NoError(t, store.Insert(t.Context(), unseen))
	assert.Equal(t, user.Event{Kind: user.Created, User: unseen}, next(t, early))

	watch := startWatch(t, feed)
	ada := newUser("ada@example.com")
	ada.Name = `"Ada" ` + strings.Repeat("\x01", 190) + "é"
	require.NoError(t, store.Insert(t.Context(), ada))
	renamed, err := store.Update(t.Context(), ada.ID, []int{1}, user.Change{Name: new("Ada Lovelace")}, changed)
	require.NoError(t, err)
	require.NoError(t, store.Delete(t.Context(), ada.ID, []int{2}))

	for _, w := range []*user.Watch{early, watch} {
		assert.Equal(t, user.Event{Kind: user.Created, User: ada}, next(t, w))
		assert.Equal(t, user.Event{Kind: user.Updated, User: renamed}, next(t, w))
		assert.Equal(t, user.Event{Kind: user.Deleted, User: renamed}, next(t, w))
	}
}

func TestFeedDoesNotTellOfFailures(t *testing.T) {
	t.Parallel()
	store, feed := usertest.NewFeed(t)
	ada, bob := newUser("ada@example.com"), newUser("bob@example.com")
	require.NoError(t, store.Insert(t.Context(), ada))
	watch := startWatch(t, feed)

	require.ErrorIs(t, store.Insert(t.Context(), newUser("ADA@example.com")), user.ErrEmailTaken)
	_, err := store.Update(t.Context(), ada.ID, []int{2}, user.Change{}, changed)
	require.ErrorIs(t, err, user.ErrVersionConflict)
	require.ErrorIs(t, store.Delete(t.Context(), ada.ID, []int{2}), user.ErrVersionConflict)
	require.ErrorIs(t, store.Delete(t.Context(), bob.ID, nil), user.ErrNotFound)

	require.NoError(t, store.Insert(t.Context(), bob))
	event := next(t, watch)
	for event.User.ID == ada.ID { // PostgreSQL may still tell of what was before the watch
		require.Equal(t, user.Event{Kind: user.Created, User: ada}, event)
		event = next(t, watch)
	}
	assert.Equal(t, user.Event{Kind: user.Created, User: bob}, event)
}

func TestFeedKeepsTheOrderOfChanges(t *testing.T) {
	t.Parallel()
	const writers, changes = 8, 20
	store, feed := usertest.NewFeed(t)
	watch := startWatch(t, feed)
	ada := newUser("ada@example.com")
	require.NoError(t, store.Insert(t.Context(), ada))

	var group sync.WaitGroup
	defer group.Wait()
	for range writers {
		group.Go(func() {
			for range changes {
				_, err := store.Update(t.Context(), ada.ID, nil, user.Change{}, changed)
				assert.NoError(t, err)
			}
		})
	}
	for version := range 1 + writers*changes {
		require.Equal(t, version+1, next(t, watch).User.Version)
	}
}
