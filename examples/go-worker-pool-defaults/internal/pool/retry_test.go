package pool_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/pool"
)

func TestBackoffDelay(t *testing.T) {
	t.Parallel()
	backoff := pool.Backoff{First: time.Second, Max: 10 * time.Second}
	tests := map[string]struct {
		backoff pool.Backoff
		attempt int
		longest time.Duration
	}{
		"after the first":        {backoff, 1, time.Second},
		"twice as long":          {backoff, 2, 2 * time.Second},
		"and again":              {backoff, 4, 8 * time.Second},
		"never longer than Max":  {backoff, 5, 10 * time.Second},
		"after very many":        {backoff, math.MaxInt, 10 * time.Second},
		"no such attempt":        {backoff, 0, time.Second},
		"longest of all":         {pool.Backoff{First: 3, Max: math.MaxInt64}, 100, math.MaxInt64},
		"First greater than Max": {pool.Backoff{First: time.Minute, Max: time.Second}, 1, time.Second},
		"always the same":        {pool.Backoff{First: time.Second, Max: time.Second}, 7, time.Second},
		"one nanosecond":         {pool.Backoff{First: 1, Max: 1}, 1, 1},
		"none":                   {pool.Backoff{Max: time.Second}, math.MaxInt, 0},
		"negative":               {pool.Backoff{First: -time.Second, Max: time.Second}, 1, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shortest, longest := time.Duration(math.MaxInt64), time.Duration(0)
			for range 1000 {
				delay := test.backoff.Delay(test.attempt)
				shortest, longest = min(shortest, delay), max(longest, delay)
			}
			assert.LessOrEqual(t, longest, test.longest)
			assert.GreaterOrEqual(t, shortest, test.longest/2)
			if test.longest > 1 { // a thousand draws that miss a quarter of the range are not seen
				assert.Greater(t, longest, test.longest/8*7)
				assert.Less(t, shortest, test.longest/8*5)
			}
		})
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	errBusy, errGone := errors.New("busy"), errors.New("gone")
	backoff := pool.Backoff{First: 2 * time.Second, Max: time.Minute}
	tests := map[string]struct {
		errs   []error
		policy pool.RetryPolicy
		tries  int
		want   error
	}{
		"no error":          {nil, pool.RetryPolicy{Attempts: 3}, 1, nil},
		"one":               {[]error{errBusy}, pool.RetryPolicy{Attempts: 3, Backoff: backoff}, 2, nil},
		"more than allowed": {[]error{errBusy, errBusy, errGone, errBusy}, pool.RetryPolicy{Attempts: 3, Backoff: backoff}, 3, errGone},
		"no attempts":       {[]error{errBusy}, pool.RetryPolicy{}, 1, errBusy},
		"permanent": {
			[]error{errBusy, errGone, errBusy},
			pool.RetryPolicy{Attempts: 9, Permanent: func(err error) bool { return errors.Is(err, errGone) }},
			2, errGone,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				begun := time.Now()
				value, err := pool.Retry(func(_ context.Context, job int) (int, error) {
					tries++
					if tries <= len(test.errs) {
						return 0, test.errs[tries-1]
					}
					return job + 1, nil
				}, test.policy)(t.Context(), 6)
				assert.Equal(t, test.tries, tries)
				assert.Equal(t, test.want, err)
				if err == nil {
					assert.Equal(t, 7, value)
				}
				var shortest, longest time.Duration // of the pauses
				for range test.tries - 1 {
					longest = 2*longest + test.policy.Backoff.First
				}
				shortest = longest / 2
				assert.GreaterOrEqual(t, time.Since(begun), shortest)
				assert.LessOrEqual(t, time.Since(begun), longest)
			})
		})
	}
}

func TestRetryEndsWithTheContext(t *testing.T) {
	t.Parallel()
	errBusy, reason := errors.New("busy"), errors.New("enough")
	policy := pool.RetryPolicy{Attempts: 100, Backoff: pool.Backoff{First: time.Hour, Max: time.Hour}}
	tests := map[string]struct {
		policy pool.RetryPolicy
		work   time.Duration
		after  time.Duration
	}{
		"in a pause":                     {policy, 0, time.Minute},
		"in the handler":                 {policy, 2 * time.Minute, 2 * time.Minute},
		"in the handler, without pauses": {pool.RetryPolicy{Attempts: 100}, 2 * time.Minute, 2 * time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, reason)
				defer cancel()
				before := time.Now()
				_, err := pool.Retry(func(context.Context, int) (int, error) {
					time.Sleep(test.work)
					return 0, errBusy
				}, test.policy)(ctx, 1)
				assert.Equal(t, test.after, time.Since(before))
				require.ErrorIs(t, err, errBusy)
				require.ErrorIs(t, err, reason)
				require.EqualError(t, err, "busy (attempt 1 was the last: enough)")
			})
		})
	}
}

// Both the pause, of no length, and the context are over then, and a select takes either.
func TestRetryWithoutPausesBeginsNoAttemptAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			tries := 0
			_, err := pool.Retry(func(context.Context, int) (int, error) {
				tries++
				cancel()
				return 0, errOdd
			}, pool.RetryPolicy{Attempts: 2})(ctx, 1)
			require.Equal(t, 1, tries)
			require.ErrorIs(t, err, errOdd)
			require.ErrorIs(t, err, context.Canceled)
		}
	})
}

func TestRetryInAPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := pool.Retry(func(context.Context, int) (int, error) { return 0, errOdd },
			pool.RetryPolicy{Attempts: 2, Backoff: pool.Backoff{First: time.Hour, Max: time.Hour}})
		results := &ledger{}
		p := start(t, handler, pool.Options[int, int]{Workers: 1, OnResult: results.note})
		submit(t, p, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		require.ErrorIs(t, p.Shutdown(ctx), pool.ErrAbandoned) // which ends the pause
		assert.Equal(t, time.Second, time.Since(begun))
		require.ErrorIs(t, results.of(t, 1), errOdd)
		require.ErrorIs(t, results.of(t, 1), pool.ErrAbandoned)
	})
}
