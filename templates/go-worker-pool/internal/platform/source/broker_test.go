package source

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAwaitTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		var tries []time.Time
		err := await(t.Context(), time.Hour, slog.New(slog.NewTextHandler(&logs, nil)), func(context.Context) error {
			tries = append(tries, time.Now())
			if len(tries) == 200 {
				return nil
			}
			return assert.AnError
		})
		require.NoError(t, err)
		require.Len(t, tries, 200)
		assert.Equal(t, 199, strings.Count(logs.String(), "broker does not answer"))

		longest, bound := time.Duration(0), firstPause
		for i := 1; i < len(tries); i++ {
			pause := tries[i].Sub(tries[i-1])
			assert.Less(t, pause, bound, "pause %d", i)
			longest, bound = max(longest, pause), min(2*bound, longestPause)
		}
		assert.Greater(t, longest, longestPause/2, "of 200 at random, one is longer")
	})
}

func TestAwaitSaysWhyItWaitedInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		tries := 0
		err := await(t.Context(), 10*time.Second, slog.New(slog.DiscardHandler), func(ctx context.Context) error {
			if tries++; tries < 3 {
				return assert.AnError
			}
			<-ctx.Done() // a broker that does not answer any more
			return ctx.Err()
		})
		require.ErrorContains(t, err, "wait 10s for the broker: ")
		require.ErrorIs(t, err, assert.AnError, "not only that the time is over")
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		start := time.Now()
		err := await(ctx, time.Hour, slog.New(slog.DiscardHandler), func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		require.ErrorIs(t, err, reason)
		assert.Equal(t, time.Second, time.Since(start))
	})
}
