package user

import (
	"errors"
	"testing"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func numbered(version int) Event {
	return Event{Kind: Updated, User: User{ID: uuid.Max(), Version: version}}
}

func TestFeedEndsAWatchThatFallsBehind(t *testing.T) {
	t.Parallel()
	feed := NewFeed()
	slow, err := feed.Watch()
	require.NoError(t, err)
	quick, err := feed.Watch()
	require.NoError(t, err)

	for version := range watchBuffer + 1 {
		feed.publish(numbered(version))
		assert.Equal(t, numbered(version), <-quick.Events())
	}
	for version := range watchBuffer {
		assert.Equal(t, numbered(version), <-slow.Events(), "what came before the gap")
	}
	_, open := <-slow.Events()
	assert.False(t, open)
	require.ErrorIs(t, slow.Err(), ErrChangesMissed)
	require.ErrorContains(t, slow.Err(), "more than 256 behind")
	slow.Stop()

	feed.publish(numbered(-1))
	assert.Equal(t, numbered(-1), <-quick.Events())
}

func TestFeedInterrupted(t *testing.T) {
	t.Parallel()
	feed := NewFeed()
	watch, err := feed.Watch()
	require.NoError(t, err)
	cause := errors.New("connection lost")

	feed.publish(numbered(1))
	feed.interrupt(cause)
	feed.publish(numbered(2))
	assert.Equal(t, numbered(1), <-watch.Events())
	_, open := <-watch.Events()
	assert.False(t, open)
	require.ErrorIs(t, watch.Err(), ErrChangesMissed)
	require.ErrorIs(t, watch.Err(), cause)
	_, err = feed.Watch()
	require.ErrorIs(t, err, ErrChangesMissed)
	require.ErrorIs(t, err, cause)

	feed.resume()
	again, err := feed.Watch()
	require.NoError(t, err)
	feed.publish(numbered(3))
	assert.Equal(t, numbered(3), <-again.Events())
}

func TestFeedForgetsAWatchThatWasStopped(t *testing.T) {
	t.Parallel()
	feed := NewFeed()
	watch, err := feed.Watch()
	require.NoError(t, err)
	watch.Stop()
	watch.Stop()
	feed.publish(numbered(1))
	feed.interrupt(errors.New("connection lost"))
	assert.Empty(t, watch.Events())
	assert.Empty(t, feed.watches)
	require.NoError(t, watch.Err())
}
