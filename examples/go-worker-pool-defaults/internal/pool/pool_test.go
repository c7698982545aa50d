package pool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/pool"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var errOdd = errors.New("odd")

// half fails on odd numbers.
func half(_ context.Context, job int) (int, error) {
	if job%2 != 0 {
		return 0, errOdd
	}
	return job / 2, nil
}

// untilCancelled works until its context ends.
func untilCancelled(ctx context.Context, _ int) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// raise is a defect of a handler.
func raise(value any) (int, error) {
	panic(value) //nolint:forbidigo // what happens then is what is tested
}

// start makes a pool that is shut down when the test ends.
func start[J, R any](t *testing.T, handler pool.Handler[J, R], opts pool.Options[J, R]) *pool.Pool[J, R] {
	t.Helper()
	p, err := pool.New(t.Context(), handler, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Shutdown(t.Context()) }) // which has ended by then
	return p
}

func submit(t *testing.T, p *pool.Pool[int, int], jobs ...int) {
	t.Helper()
	for _, job := range jobs {
		require.NoError(t, p.Submit(t.Context(), job))
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	valid := pool.Options[int, int]{Workers: 1}
	tests := map[string]struct {
		handler pool.Handler[int, int]
		opts    pool.Options[int, int]
		want    string
	}{
		"no handler": {nil, valid, "options of the pool: the handler is nil"},
		"no workers": {half, pool.Options[int, int]{}, "options of the pool: Workers is 0, must be at least 1"},
		"all at once": {nil, pool.Options[int, int]{Workers: -1, Queue: -2, JobTimeout: -time.Second}, "options of the pool: the handler is nil; " +
			"Workers is -1, must be at least 1; Queue is -2, must not be negative; JobTimeout is -1s, must not be negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := pool.New(t.Context(), test.handler, test.opts)
			require.EqualError(t, err, test.want)
			assert.Nil(t, p)
		})
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(ctx context.Context, job string) (int, error) {
			switch job {
			case "error":
				return 0, errOdd
			case "Goexit":
				runtime.Goexit()
			case "time-out":
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return len(job), nil
		}, pool.Options[string, int]{Workers: 1, JobTimeout: time.Second})

		_, err := p.Do(t.Context(), "error")
		assert.Equal(t, errOdd, err)
		_, err = p.Do(t.Context(), "Goexit")
		require.EqualError(t, err, "runtime.Goexit was called")
		_, err = p.Do(t.Context(), "time-out")
		assert.Equal(t, context.DeadlineExceeded, err)
		value, err := p.Do(t.Context(), "value") // by the same worker
		require.NoError(t, err)
		assert.Equal(t, 5, value)
		assert.Equal(t, pool.Stats{Accepted: 4, Completed: 1, Failed: 3}, p.Stats())
	})
}

func TestPanics(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ value, want any }{
		"a text":  {"no such word", "no such word"},
		"nothing": {nil, &runtime.PanicNilError{}},
		"error":   {errOdd, errOdd},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, func(context.Context, int) (int, error) { return raise(test.value) }, pool.Options[int, int]{Workers: 1})
			for range 2 {
				_, err := p.Do(t.Context(), 1)
				require.EqualError(t, err, fmt.Sprintf("panic: %v", test.want))
				var panicked *pool.PanicError
				require.ErrorAs(t, err, &panicked)
				assert.Equal(t, test.want, panicked.Value)
				assert.Contains(t, string(panicked.Stack), "TestPanics")
				require.NotErrorIs(t, err, errOdd) // a panic is not the error that its value says
			}
		})
	}
}

func TestNoHandlerTakesAWorkerAway(t *testing.T) {
	t.Parallel()
	const workers = 3
	var running, most atomic.Int64
	handler := func(_ context.Context, job int) (int, error) {
		defer running.Add(-1)
		most.Store(max(most.Load(), running.Add(1)))
		switch job % 3 {
		case 0:
			return raise(job)
		case 1:
			runtime.Goexit()
		}
		time.Sleep(time.Second) // so that all workers are seen to run at the same time
		return job, nil
	}
	synctest.Test(t, func(t *testing.T) {
		p := start(t, handler, pool.Options[int, int]{Workers: workers, Queue: 30, OnResult: func(pool.Result[int, int]) {}})
		for job := range 30 {
			submit(t, p, job)
		}
		before := time.Now()
		require.NoError(t, p.Shutdown(t.Context()))
		assert.EqualValues(t, workers, most.Load())
		assert.Equal(t, pool.Stats{Accepted: 30, Completed: 10, Failed: 20, Capacity: 30}, p.Stats())
		assert.Equal(t, 4*time.Second, time.Since(before)) // ten jobs of a second by three workers
	})
}

func TestSubmitWaitsForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, untilCancelled, pool.Options[int, int]{Workers: 1, Queue: 2, JobTimeout: time.Minute})
		go func() {
			for range p.Results() {
			}
		}()
		before := time.Now()
		submit(t, p, 1, 2)
		synctest.Wait()
		require.NoError(t, p.TrySubmit(3))
		assert.Zero(t, time.Since(before))
		assert.Equal(t, pool.Stats{Accepted: 3, Queued: 2, Capacity: 2, InFlight: 1}, p.Stats())
		require.ErrorIs(t, p.TrySubmit(4), pool.ErrFull)

		submit(t, p, 4) // when the first job has timed out
		assert.Equal(t, time.Minute, time.Since(before))
		synctest.Wait()
		assert.Equal(t, pool.Stats{Accepted: 4, Failed: 1, Queued: 2, Capacity: 2, InFlight: 1}, p.Stats())
	})
}

func TestSubmitWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, untilCancelled, pool.Options[int, int]{Workers: 1})
		submit(t, p, 1)
		reason := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, reason)
		defer cancel()
		before := time.Now()
		for range 2 { // the second time, ctx has ended before
			require.ErrorIs(t, p.Submit(ctx, 2), reason)
			_, err := p.Do(ctx, 3)
			require.ErrorIs(t, err, reason)
		}
		assert.Equal(t, time.Second, time.Since(before))
		assert.EqualValues(t, 1, p.Stats().Accepted)
	})
}

func TestSubmitRefusesAnEndedContextEvenIfAPlaceIsFree(t *testing.T) {
	t.Parallel()
	p := start(t, half, pool.Options[int, int]{Workers: 1, Queue: 1000})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		require.ErrorIs(t, p.Submit(ctx, 1), context.Canceled)
	}
	assert.Zero(t, p.Stats().Accepted)
}

func TestJobsHaveTheValuesOfThePoolsContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	handler := func(ctx context.Context, _ int) (any, error) {
		_, limited := ctx.Deadline()
		return fmt.Sprintf("%v %t %v", ctx.Value(key{}), limited, ctx.Err()), nil
	}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "of the pool"), time.Hour)
	values := make(chan any)
	p, err := pool.New(ctx, handler, pool.Options[int, any]{Workers: 1, OnResult: func(r pool.Result[int, any]) { values <- r.Value }})
	require.NoError(t, err)
	cancel()
	require.NoError(t, p.Submit(t.Context(), 1))
	assert.Equal(t, "of the pool false <nil>", <-values)

	value, err := p.Do(context.WithValue(t.Context(), key{}, "of the call"), 1)
	require.NoError(t, err)
	assert.Equal(t, "of the call false <nil>", value)
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestDoIsCancelledWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var causes []error
		p := start(t, func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return 0, context.Cause(ctx)
		}, pool.Options[int, int]{Workers: 1, Queue: 1})
		reason := errors.New("the caller hung up")
		ctx, cancel := context.WithCancelCause(t.Context())
		for range 2 { // the second waits in the queue, and is not begun
			go func() {
				_, err := p.Do(ctx, 1)
				assert.ErrorIs(t, err, reason)
			}()
		}
		synctest.Wait()
		cancel(reason)
		synctest.Wait()
		assert.Equal(t, []error{reason}, causes)
		assert.Equal(t, pool.Stats{Accepted: 2, Failed: 2, Capacity: 1}, p.Stats())
	})
}

func TestDoDoesNotWaitForAHandlerThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(context.Context, int) (int, error) {
			time.Sleep(time.Hour)
			return 1, nil
		}, pool.Options[int, int]{Workers: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before := time.Now()
		_, err := p.Do(ctx, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(before))
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, pool.Stats{Accepted: 1, Completed: 1}, p.Stats())
	})
}

func TestOnResultThatPanics(t *testing.T) {
	t.Parallel()
	var delivered []int
	onResult := func(r pool.Result[int, int]) {
		switch r.Job {
		case 2:
			_, _ = raise("no room for results")
		case 5: // the last
			runtime.Goexit()
		}
		delivered = append(delivered, r.Job)
	}
	handler := func(ctx context.Context, job int) (int, error) {
		if job == 1 {
			return raise("no such job")
		}
		return half(ctx, job)
	}
	p := start(t, handler, pool.Options[int, int]{Workers: 1, Queue: 5, OnResult: onResult})
	submit(t, p, 1, 2, 3, 4, 5)
	for range 2 {
		err := p.Shutdown(t.Context())
		require.EqualError(t, err, "shut down the pool: OnResult lost 2 results, the first by panic: no room for results")
		var panicked *pool.PanicError
		require.ErrorAs(t, err, &panicked)
		assert.Contains(t, string(panicked.Stack), "TestOnResultThatPanics")
		require.NotErrorIs(t, err, pool.ErrAbandoned)
	}
	assert.Equal(t, []int{1, 3, 4}, delivered)
	assert.Equal(t, pool.Stats{Accepted: 5, Completed: 2, Failed: 3, Undelivered: 2, Capacity: 5}, p.Stats())
}

func TestAnIdlePoolKeepsNoJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(_ context.Context, job *[64]byte) (int, error) {
			if job[0] == 1 {
				return raise("no such job")
			}
			return 0, nil
		}, pool.Options[*[64]byte, int]{Workers: 1, OnResult: func(pool.Result[*[64]byte, int]) {}})
		for _, first := range []byte{0, 1} {
			job := &[64]byte{first}
			kept := weak.Make(job)
			require.NoError(t, p.Submit(t.Context(), job))
			synctest.Wait()
			runtime.GC()
			assert.Nil(t, kept.Value(), first)
		}
	})
}

func TestSubmitAllocatesNothing(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	p := start(t, half, pool.Options[int, int]{Workers: 4, Queue: 16, OnResult: func(pool.Result[int, int]) {}})
	ctx := t.Context()
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		if p.Submit(ctx, 2) != nil {
			t.Error("not accepted")
		}
	}))
}
