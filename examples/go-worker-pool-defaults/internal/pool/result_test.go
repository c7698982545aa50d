package pool_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/pool"
)

func jobsOf(results []pool.Result[int, int]) []int {
	jobs := make([]int, 0, len(results))
	for _, r := range results {
		jobs = append(jobs, r.Job)
	}
	slices.Sort(jobs)
	return jobs
}

func TestResultsEndWithThePool(t *testing.T) {
	t.Parallel()
	p := start(t, half, pool.Options[int, int]{Workers: 3, Queue: 2})
	go func() {
		for job := range 100 {
			assert.NoError(t, p.Submit(t.Context(), job))
		}
		assert.NoError(t, p.Shutdown(t.Context()))
	}()
	results := slices.Collect(p.Results())
	require.Len(t, results, 100)
	slices.SortFunc(results, func(a, b pool.Result[int, int]) int { return a.Job - b.Job })
	for job, result := range results {
		value, err := half(t.Context(), job)
		assert.Equal(t, pool.Result[int, int]{Job: job, Value: value, Err: err}, result)
	}
}

func TestResultsAreSharedByLoops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, half, pool.Options[int, int]{Workers: 1, Queue: 10})
		submit(t, p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
		var first []int
		for r := range p.Results() {
			first = append(first, r.Job)
			if r.Job == 3 {
				break
			}
		}
		assert.Equal(t, []int{0, 1, 2, 3}, first)

		var rest [2][]pool.Result[int, int]
		var loops sync.WaitGroup
		for i := range rest {
			loops.Go(func() { rest[i] = slices.Collect(p.Results()) })
		}
		require.NoError(t, p.Shutdown(t.Context()))
		loops.Wait()
		assert.Equal(t, []int{4, 5, 6, 7, 8, 9}, jobsOf(slices.Concat(rest[:]...)))
	})
}

func TestResultsThatNobodyReadsHoldTheJobsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, half, pool.Options[int, int]{Workers: 2, Queue: 3})
		submit(t, p, 0, 2, 4, 6, 8, 10, 12, 14) // 3 results, 2 workers with one each, 3 jobs
		synctest.Wait()
		assert.Equal(t, pool.Stats{Accepted: 8, Completed: 5, Queued: 3, Capacity: 3}, p.Stats())
		require.ErrorIs(t, p.TrySubmit(16), pool.ErrFull)
		for range p.Results() {
			break
		}
		synctest.Wait()
		assert.Equal(t, pool.Stats{Accepted: 8, Completed: 6, Queued: 2, Capacity: 3}, p.Stats())
	})
}

func TestShutdownDoesNotWaitForAReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, half, pool.Options[int, int]{Workers: 2, Queue: 3})
		submit(t, p, 0, 2, 4, 6, 8, 10, 12, 14)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, pool.Stats{Accepted: 8, Completed: 8, Capacity: 3}, p.Stats())
		assert.Equal(t, []int{0, 2, 4, 6, 8, 10, 12, 14}, jobsOf(slices.Collect(p.Results()))) // nothing is lost
		assert.Empty(t, slices.Collect(p.Results()))
	})
}

func TestResultsAfterAHardStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, untilCancelled, pool.Options[int, int]{Workers: 1, Queue: 3})
		submit(t, p, 1, 2, 3, 4)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, p.Shutdown(ctx), pool.ErrAbandoned)
		results := slices.Collect(p.Results())
		assert.Equal(t, []int{1, 2, 3, 4}, jobsOf(results))
		for _, r := range results {
			assert.Equal(t, pool.ErrAbandoned, r.Err)
		}
	})
}

func TestResultsDoNotWaitForAHandlerThatWasGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := start(t, func(context.Context, int) (int, error) {
			<-release
			return 0, nil
		}, pool.Options[int, int]{Workers: 1, Queue: 1})
		submit(t, p, 1, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { assert.ErrorIs(t, p.Shutdown(ctx), pool.ErrAbandoned) }()
		assert.Equal(t, []int{2}, jobsOf(slices.Collect(p.Results())))
		close(release)
		synctest.Wait()
		assert.Equal(t, []int{1}, jobsOf(slices.Collect(p.Results())))
	})
}

func TestResultsAreNoneWithOnResultOrDo(t *testing.T) {
	t.Parallel()
	p := start(t, half, pool.Options[int, int]{Workers: 1, OnResult: func(pool.Result[int, int]) {}})
	submit(t, p, 1)
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Empty(t, slices.Collect(p.Results()))

	p = start(t, half, pool.Options[int, int]{Workers: 1})
	for range 10 { // more than could wait to be read
		value, err := p.Do(t.Context(), 4)
		require.NoError(t, err)
		assert.Equal(t, 2, value)
	}
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Empty(t, slices.Collect(p.Results()))
}
