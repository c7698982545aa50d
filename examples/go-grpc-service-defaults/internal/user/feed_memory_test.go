package user

import (
	"testing"
	"time"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No other change may come between a change and its event, or the events would have another order than the changes.
func TestPublishingStoreIsLockedUntilItHasPublished(t *testing.T) {
	t.Parallel()
	store := NewPublishingStore(NewFeed())
	var published []EventKind
	store.publish = func(event Event) {
		published = append(published, event.Kind)
		if !assert.False(t, store.mu.TryLock(), event.Kind) {
			store.mu.Unlock()
		}
	}
	ada := User{ID: uuid.NewV7(), Name: "Ada Lovelace", Email: "ada@example.com", Version: 1}
	require.NoError(t, store.Insert(t.Context(), ada))
	_, err := store.Update(t.Context(), ada.ID, nil, Change{}, time.Now())
	require.NoError(t, err)
	require.NoError(t, store.Delete(t.Context(), ada.ID, nil))
	assert.Equal(t, []EventKind{Created, Updated, Deleted}, published)
}
