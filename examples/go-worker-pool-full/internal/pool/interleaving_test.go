package pool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/pool"
)

// deed is what a handler does with a job.
type deed uint8

const (
	succeeds deed = iota
	fails
	panics
	exits
	waits   // until its context ends
	ignores // that its context has ended, until it is released
	deeds
)

// job is a job of which it is known what it does.
type job struct {
	id   int
	deed deed
}

func do(released <-chan struct{}) pool.Handler[job, int] {
	return func(ctx context.Context, j job) (int, error) {
		switch j.deed {
		case fails:
			return 0, errOdd
		case panics:
			return raise(j.id)
		case exits:
			runtime.Goexit()
		case waits:
			<-ctx.Done()
			return 0, context.Cause(ctx)
		case ignores:
			<-released
		case succeeds, deeds:
		}
		return j.id, nil
	}
}

// account counts jobs and results, and checks that each job has one that fits what it does.
type account struct {
	mu                           sync.Mutex
	accepted, called             int
	results                      map[int]pool.Result[job, int]
	completed, failed, abandoned uint64
	undelivered                  uint64
}

func (a *account) accept(calls int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accepted++
	a.called += calls
}

func (a *account) settle(t *testing.T, r pool.Result[job, int]) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.results == nil {
		a.results = map[int]pool.Result[job, int]{}
	}
	assert.NotContains(t, a.results, r.Job.id, "job has two results")
	a.results[r.Job.id] = r
	a.count(t, r)
}

func (a *account) count(t *testing.T, r pool.Result[job, int]) {
	t.Helper()
	if errors.Is(r.Err, pool.ErrAbandoned) {
		a.abandoned++
		return
	}
	if r.Err == nil {
		a.completed++
		assert.Contains(t, []deed{succeeds, ignores}, r.Job.deed)
		assert.Equal(t, r.Job.id, r.Value)
		return
	}
	a.failed++
	var panicked *pool.PanicError
	assert.Equal(t, r.Job.deed == panics, errors.As(r.Err, &panicked))
	assert.Equal(t, r.Job.deed == fails, errors.Is(r.Err, errOdd))
}

// onResult settles a result, and panics on some.
func (a *account) onResult(t *testing.T) func(pool.Result[job, int]) {
	t.Helper()
	return func(r pool.Result[job, int]) {
		a.settle(t, r)
		if r.Job.id%7 == 0 {
			a.mu.Lock()
			a.undelivered++
			a.mu.Unlock()
			_, _ = raise("no room for results")
		}
	}
}

// balance checks that every accepted job has its result, and that the pool counts what was seen.
func (a *account) balance(t *testing.T, s pool.Stats) {
	t.Helper()
	assert.Len(t, a.results, a.accepted)
	assert.Equal(t, pool.Stats{
		Accepted: uint64(a.accepted), Completed: a.completed, Failed: a.failed, Abandoned: a.abandoned,
		Undelivered: a.undelivered, Capacity: s.Capacity,
	}, s)
}

// Whatever submitters, handlers, readers and two calls of Shutdown do at the same time: every accepted job has exactly one result.
func TestEveryAcceptedJobHasOneResult(t *testing.T) {
	t.Parallel()
	for range 300 {
		seed := rand.Uint64()
		t.Run("", func(t *testing.T) {
			t.Logf("seed %#x", seed)
			synctest.Test(t, func(t *testing.T) { interleave(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func interleave(t *testing.T, random *rand.Rand) {
	t.Helper()
	const submitters, each = 8, 40
	a := &account{}
	opts := pool.Options[job, int]{Workers: 1 + random.IntN(submitters/2), Queue: random.IntN(6)}
	if random.IntN(2) == 0 {
		opts.OnResult = a.onResult(t)
	}
	hard := random.IntN(2) == 0
	var waiting atomic.Int64 // jobs that only a hard stop ends, which may keep all workers but one, and as many submitters
	if hard {
		waiting.Store(int64(opts.Workers - 1))
	}
	var p *pool.Pool[job, int]
	p, err := pool.New(t.Context(), func(ctx context.Context, j job) (int, error) {
		s := p.Stats() // at any moment
		assert.GreaterOrEqual(t, s.Accepted, s.Completed+s.Failed+s.Abandoned+uint64(s.InFlight))
		return do(nil)(ctx, j)
	}, opts)
	require.NoError(t, err)

	var submitting, reading sync.WaitGroup
	stop := make(chan struct{})
	stopAfter := random.IntN(submitters * each / 2)
	var submitted atomic.Int64
	for s := range submitters {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		submitting.Go(func() {
			for i := range each {
				if submitted.Add(1) == int64(stopAfter)+1 {
					close(stop)
				}
				j := job{id: s*each + i, deed: deed(own.IntN(int(ignores)))}
				if j.deed == waits && waiting.Add(-1) < 0 {
					j.deed = succeeds
				}
				offer(t, p, a, own, j)
			}
		})
	}
	if opts.OnResult == nil {
		for range 1 + random.IntN(2) {
			reading.Go(func() {
				for r := range p.Results() {
					a.settle(t, r)
				}
			})
		}
	}
	<-stop
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if hard {
		cancel()
	}
	for range 2 {
		reading.Go(func() {
			err := p.Shutdown(ctx)
			assert.Equal(t, p.Stats().Abandoned > 0, errors.Is(err, pool.ErrAbandoned))
		})
	}
	submitting.Wait()
	reading.Wait()
	a.balance(t, p.Stats())
}

// offer hands over a job in one of the ways that there are.
func offer(t *testing.T, p *pool.Pool[job, int], a *account, random *rand.Rand, j job) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	switch random.IntN(4) {
	case 0:
		if p.TrySubmit(j) == nil {
			a.accept(0)
		}
	case 1:
		value, err := p.Do(ctx, j)
		if !errors.Is(err, pool.ErrClosed) {
			a.accept(1)
			a.settle(t, pool.Result[job, int]{Job: j, Value: value, Err: err})
		}
	case 2:
		pause := random.IntN(20)
		go func() {
			for range pause {
				runtime.Gosched()
			}
			cancel()
		}()
		fallthrough
	default:
		if p.Submit(ctx, j) == nil {
			a.accept(0)
		}
	}
}

// A script is a sequence of steps; after each, everything has come to rest.
func FuzzInterleavings(f *testing.F) {
	f.Add([]byte{2, 1, 0x00, 0x01, 0x02, 0x03, 0x04, 0x80})
	f.Add([]byte{0, 0, 0x04, 0x14, 0x24, 0x40, 0xc1, 0x00})
	f.Add([]byte{3, 7, 0x05, 0x15, 0x25, 0x00, 0x00, 0x60, 0x81, 0x10})
	f.Add([]byte{1, 3, 0x25, 0x25, 0x20, 0x05, 0xc0, 0xa0, 0x60})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 2 || len(script) > 100 {
			t.Skip("not a script")
		}
		synctest.Test(t, func(t *testing.T) { play(t, script) })
	})
}

func play(t *testing.T, script []byte) {
	t.Helper()
	a := &account{}
	opts := pool.Options[job, int]{Workers: 1 + int(script[0]%4), Queue: int(script[1] >> 1 % 4)}
	if script[1]%2 == 0 {
		opts.OnResult = a.onResult(t)
	}
	released := make(chan struct{})
	p, err := pool.New(t.Context(), do(released), opts)
	require.NoError(t, err)

	leave, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var before pool.Stats
	for id, step := range script[2:] {
		j := job{id: id, deed: deed(step&0xf) % deeds}
		switch step >> 5 {
		case 0, 1:
			running.Go(func() {
				if p.Submit(leave, j) == nil {
					a.accept(0)
				}
			})
		case 2:
			if p.TrySubmit(j) == nil {
				a.accept(0)
			}
		case 3: // a call of Do that waits on: how it ends is known
			running.Go(func() {
				value, err := p.Do(t.Context(), j)
				if !errors.Is(err, pool.ErrClosed) {
					a.accept(1)
					a.settle(t, pool.Result[job, int]{Job: j, Value: value, Err: err})
				}
			})
		case 4:
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(step&0x1f)*time.Second)
			running.Go(func() {
				defer cancel()
				_ = p.Shutdown(ctx) // what it returns is checked at the end
			})
		case 5:
			time.Sleep(time.Duration(step&0x1f) * time.Second)
		case 6:
			running.Go(func() {
				for r := range p.Results() {
					a.settle(t, r)
					if step&1 == 0 {
						break
					}
				}
			})
		case 7:
			cancel()
		}
		synctest.Wait()
		before = consistent(t, before, p.Stats())
	}
	cancel()
	close(released)
	synctest.Wait()
	ended, now := context.WithCancel(t.Context())
	now()
	assert.Equal(t, p.Shutdown(ended) == nil, p.Stats().Abandoned+p.Stats().Undelivered == 0)
	for r := range p.Results() {
		a.settle(t, r)
	}
	running.Wait()
	a.balance(t, p.Stats())
}

// consistent checks the counts of a pool that is at rest.
func consistent(t *testing.T, before, s pool.Stats) pool.Stats {
	t.Helper()
	assert.Equal(t, s.Accepted, s.Completed+s.Failed+s.Abandoned+uint64(s.Queued+s.InFlight))
	assert.LessOrEqual(t, s.Queued, s.Capacity)
	for _, pair := range [][2]uint64{
		{before.Accepted, s.Accepted}, {before.Completed, s.Completed}, {before.Failed, s.Failed}, {before.Abandoned, s.Abandoned},
	} {
		assert.True(t, slices.IsSorted(pair[:]), "a total fell: %+v, then %+v", before, s)
	}
	return s
}
