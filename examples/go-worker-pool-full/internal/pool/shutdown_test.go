package pool_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/pool"
)

// ledger notes the results of jobs.
type ledger struct {
	mu   sync.Mutex
	errs map[int][]error
}

func (l *ledger) note(r pool.Result[int, int]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.errs == nil {
		l.errs = map[int][]error{}
	}
	l.errs[r.Job] = append(l.errs[r.Job], r.Err)
}

// of returns the error of a job that had one result.
func (l *ledger) of(t *testing.T, job int) error {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Len(t, l.errs[job], 1, "results of job %d", job)
	return l.errs[job][0]
}

func TestShutdownDrainsTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		results := &ledger{}
		p, err := pool.New(ctx, func(ctx context.Context, _ int) (int, error) {
			time.Sleep(time.Second)
			return 0, ctx.Err()
		}, pool.Options[int, int]{Workers: 2, Queue: 98, OnResult: results.note})
		require.NoError(t, err)
		for job := range 100 {
			submit(t, p, job)
		}
		cancel() // as a signal does: nothing queued is dropped, nothing that runs is cut short
		before := time.Now()
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, 50*time.Second, time.Since(before))
		for job := range 100 {
			require.NoError(t, results.of(t, job))
		}
		assert.Equal(t, pool.Stats{Accepted: 100, Completed: 100, Capacity: 98}, p.Stats())
		require.ErrorIs(t, p.Submit(t.Context(), 100), pool.ErrClosed)
		require.ErrorIs(t, p.TrySubmit(100), pool.ErrClosed)
		_, err = p.Do(t.Context(), 100)
		require.ErrorIs(t, err, pool.ErrClosed)
	})
}

func TestHardStop(t *testing.T) {
	t.Parallel()
	const fast, slow, tidy, queued, called = 1, 2, 3, 4, 5
	errHalf := errors.New("half written")
	handler := func(ctx context.Context, job int) (int, error) {
		switch job {
		case fast:
			return 0, errOdd
		case slow: // looks at its context too late to be stopped
			time.Sleep(25500 * time.Millisecond)
			return 1, nil
		}
		<-ctx.Done()
		return 0, errors.Join(errHalf, context.Cause(ctx))
	}
	synctest.Test(t, func(t *testing.T) {
		results := &ledger{}
		p := start(t, handler, pool.Options[int, int]{Workers: 2, Queue: 10, OnResult: results.note})
		submit(t, p, fast, slow, tidy, queued)
		answer := make(chan error, 1)
		go func() {
			_, err := p.Do(t.Context(), called)
			answer <- err
		}()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		before := time.Now()
		err := p.Shutdown(ctx)
		assert.Equal(t, 25500*time.Millisecond, time.Since(before))
		require.ErrorIs(t, err, pool.ErrAbandoned)
		require.EqualError(t, err, "shut down the pool: job abandoned at shutdown: 3 of 5, and 0 workers have not returned")

		assert.Equal(t, errOdd, results.of(t, fast))
		require.NoError(t, results.of(t, slow))
		require.ErrorIs(t, results.of(t, tidy), errHalf)
		require.ErrorIs(t, results.of(t, tidy), pool.ErrAbandoned)
		assert.Equal(t, pool.ErrAbandoned, results.of(t, queued))
		assert.Equal(t, pool.ErrAbandoned, <-answer)
		assert.Equal(t, pool.Stats{Accepted: 5, Completed: 1, Failed: 1, Abandoned: 3, Capacity: 10}, p.Stats())
	})
}

func TestHardStopCancelsWithTheCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, ctx := range map[string]context.Context{"submitted": nil, "called": t.Context()} {
			results := &ledger{}
			p := start(t, untilCancelled, pool.Options[int, int]{Workers: 1, JobTimeout: time.Hour, OnResult: results.note})
			err := make(chan error, 1)
			if ctx == nil {
				submit(t, p, 1)
			} else {
				go func() { _, e := p.Do(ctx, 1); err <- e }()
			}
			synctest.Wait()
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			require.ErrorIs(t, p.Shutdown(ended), pool.ErrAbandoned)
			if ctx == nil {
				err <- results.of(t, 1)
			}
			assert.Equal(t, pool.ErrAbandoned, <-err, name)
		}
	})
}

func TestPanicAfterTheHardStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		results := &ledger{}
		p := start(t, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			return raise(context.Cause(ctx))
		}, pool.Options[int, int]{Workers: 1, OnResult: results.note})
		submit(t, p, 1)
		synctest.Wait() // until it has begun
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Shutdown(ctx), pool.ErrAbandoned)
		var panicked *pool.PanicError
		require.ErrorAs(t, results.of(t, 1), &panicked)
		require.ErrorIs(t, results.of(t, 1), pool.ErrAbandoned)
		assert.Equal(t, pool.Stats{Accepted: 1, Abandoned: 1}, p.Stats())
	})
}

func TestHandlerThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		results := &ledger{}
		p := start(t, func(context.Context, int) (int, error) {
			<-release
			return 0, nil
		}, pool.Options[int, int]{Workers: 1, Queue: 2, OnResult: results.note})
		submit(t, p, 1, 2, 3)

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		before := time.Now()
		for range 2 { // the second time, nothing is waited for
			err := p.Shutdown(ctx)
			require.EqualError(t, err, "shut down the pool: job abandoned at shutdown: 2 of 3, and 1 workers have not returned")
			assert.Equal(t, 11*time.Second, time.Since(before))
		}
		assert.Equal(t, pool.Stats{Accepted: 3, Abandoned: 2, Capacity: 2, InFlight: 1}, p.Stats())
		assert.Equal(t, pool.ErrAbandoned, results.of(t, 2)) // though no worker was free to see to it
		assert.Equal(t, pool.ErrAbandoned, results.of(t, 3))

		close(release)
		synctest.Wait()
		require.NoError(t, results.of(t, 1))
		assert.Equal(t, pool.Stats{Accepted: 3, Completed: 1, Abandoned: 2, Capacity: 2}, p.Stats())
	})
}

func TestOnResultThatBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := start(t, half, pool.Options[int, int]{Workers: 1, Queue: 1, OnResult: func(pool.Result[int, int]) { <-release }})
		submit(t, p, 2, 2)
		synctest.Wait()
		assert.Equal(t, pool.Stats{Accepted: 2, Completed: 1, Queued: 1, Capacity: 1}, p.Stats())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Shutdown(ctx)
		require.EqualError(t, err, "shut down the pool: job abandoned at shutdown: 1 of 2, and 2 workers have not returned")
		close(release)
		synctest.Wait()
		require.EqualError(t, p.Shutdown(ctx), "shut down the pool: job abandoned at shutdown: 1 of 2, and 0 workers have not returned")
	})
}

func TestShutdownTellsOfWorkersUntilTheyReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := start(t, half, pool.Options[int, int]{Workers: 1, OnResult: func(pool.Result[int, int]) { <-release }})
		submit(t, p, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.EqualError(t, p.Shutdown(ctx), "shut down the pool: job abandoned at shutdown: 0 of 1, and 1 workers have not returned")
		close(release)
		synctest.Wait()
		require.NoError(t, p.Shutdown(ctx)) // nothing was lost
	})
}

func TestShutdownOfAPoolThatDidNothing(t *testing.T) {
	t.Parallel()
	p := start(t, half, pool.Options[int, int]{Workers: 4})
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() { assert.NoError(t, p.Shutdown(t.Context())) })
	}
	calls.Wait()
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestShutdownTwiceAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, untilCancelled, pool.Options[int, int]{Workers: 1, OnResult: func(pool.Result[int, int]) {}})
		submit(t, p, 1)
		var calls sync.WaitGroup
		before := time.Now()
		calls.Go(func() { // its own context does not end
			err := p.Shutdown(t.Context())
			assert.Equal(t, 3*time.Second, time.Since(before))
			assert.ErrorIs(t, err, pool.ErrAbandoned)
		})
		for _, timeout := range []time.Duration{3 * time.Second, 5 * time.Second} {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				err := p.Shutdown(ctx)
				assert.Equal(t, 3*time.Second, time.Since(before))
				assert.ErrorIs(t, err, pool.ErrAbandoned)
			})
		}
		calls.Wait()
	})
}

// A pool that closes the channel its submitters send on panics in nearly every one of these rounds.
func TestSubmittersDuringShutdown(t *testing.T) {
	t.Parallel()
	for range 200 {
		var done atomic.Int64
		p := start(t, half, pool.Options[int, int]{Workers: 2, Queue: 1, OnResult: func(pool.Result[int, int]) { done.Add(1) }})
		begun := make(chan struct{}, 8)
		var accepted atomic.Int64
		var submitters sync.WaitGroup
		for range cap(begun) {
			submitters.Go(func() {
				begun <- struct{}{}
				for p.Submit(t.Context(), 1) == nil {
					accepted.Add(1)
				}
				assert.ErrorIs(t, p.Submit(t.Context(), 1), pool.ErrClosed)
			})
		}
		<-begun
		require.NoError(t, p.Shutdown(t.Context()))
		submitters.Wait()
		assert.Equal(t, accepted.Load(), done.Load())
	}
}

func TestHandlerThatSubmitsDuringShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p *pool.Pool[int, int]
		results := &ledger{}
		shut := make(chan struct{})
		handler := func(ctx context.Context, _ int) (int, error) {
			<-shut
			return 0, p.Submit(ctx, 3) // for which the queue has no place
		}
		p = start(t, handler, pool.Options[int, int]{Workers: 1, Queue: 1, OnResult: results.note})
		submit(t, p, 1, 2)
		ended := make(chan error)
		close(shut)
		synctest.Wait() // the handler waits for a place that only it could make
		go func() { ended <- p.Shutdown(t.Context()) }()
		require.NoError(t, <-ended)
		assert.Equal(t, pool.ErrClosed, results.of(t, 1))
		assert.Equal(t, pool.ErrClosed, results.of(t, 2))
	})
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		contexts := make(chan context.Context, 1)
		p := start(t, func(ctx context.Context, _ int) (int, error) {
			contexts <- ctx
			return 0, nil
		}, pool.Options[int, int]{Workers: 1, OnResult: func(pool.Result[int, int]) {}})
		submit(t, p, 1)
		ctx := <-contexts
		require.NoError(t, ctx.Err())
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, pool.ErrClosed, context.Cause(ctx)) // what the handler left running hears of the end
	})
}
