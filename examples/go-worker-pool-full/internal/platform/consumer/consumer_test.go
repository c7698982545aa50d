package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/consumer"
	"example.com/user-service/internal/platform/lifecycle"
	"example.com/user-service/internal/platform/source"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/pool"
)

var errBroken = errors.New("broken")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestAJobIsAcknowledgedAfterItsResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		var got consumer.Job
		b := start(t, func(_ context.Context, job consumer.Job) error {
			got = job
			<-done
			return nil
		}, options())
		b.send("a", []byte("work")...)
		synctest.Wait()
		assert.Equal(t, consumer.Job{Key: "a", Body: []byte("work"), Attempt: 1}, got)
		assert.Empty(t, b.heard(), "the job is not done")
		assert.InDelta(t, 1, b.metric(t, "worker_in_flight"), 0)

		close(done)
		synctest.Wait()
		assert.Equal(t, []settlement{{what: "acked", key: "a", attempt: 1}}, b.heard())
		b.stop(t)
		for name, want := range map[string]float64{
			"worker_jobs_accepted_total": 1, "worker_in_flight": 0, "worker_queue_depth": 0, "worker_queue_capacity": 3,
			"worker_job_wait_seconds": 1, "worker_job_run_seconds": 1, "panics_total": 0, "worker_settlement_failures_total": 0,
		} {
			assert.InDelta(t, want, b.metric(t, name), 0, name)
		}
		assert.InDelta(t, 1, b.metric(t, "worker_jobs_total", "completed"), 0)
		assert.InDelta(t, 1, b.metric(t, "worker_settlements_total", "acked"), 0)
	})
}

func TestAFailedJobIsTriedAgainAfterGrowingDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := options()
		opts.Backoff.Max = 3 * time.Second
		b := start(t, func(_ context.Context, job consumer.Job) error {
			if job.Attempt < 5 {
				return errBroken
			}
			return nil
		}, opts)
		b.send("a")
		time.Sleep(time.Minute)

		told := b.heard()
		require.Len(t, told, 5)
		for i, longest := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
			assert.Equal(t, "retried", told[i].what)
			assert.Equal(t, i+1, told[i].attempt)
			assert.GreaterOrEqual(t, told[i].delay, longest/2)
			assert.LessOrEqual(t, told[i].delay, longest)
		}
		assert.Equal(t, settlement{what: "acked", key: "a", attempt: 5}, told[4])
		b.stop(t)
		assert.InDelta(t, 4, b.metric(t, "worker_jobs_total", "failed"), 0)
		assert.InDelta(t, 4, b.metric(t, "worker_settlements_total", "retried"), 0)
	})
}

func TestAHopelessJobIsBuried(t *testing.T) {
	t.Parallel()
	errInvalid := errors.New("invalid")
	tests := map[string]struct {
		message source.Message
		err     error
		handled bool
		reason  string
	}{
		"after its last attempt": {message: source.Message{Key: "bad", Attempt: 5}, err: errBroken, handled: true, reason: "broken"},
		"after a permanent error": {
			message: source.Message{Key: "bad", Attempt: 1}, err: fmt.Errorf("read:\n\t%w", errInvalid), handled: true, reason: "read: invalid",
		},
		"that is too large": {
			message: source.Message{Key: "bad", Attempt: 1, Body: make([]byte, 101)}, reason: "the body has 101 bytes, of which 100 are allowed",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := options()
				opts.Permanent = func(err error) bool { return errors.Is(err, errInvalid) }
				handled := false
				b := start(t, func(_ context.Context, job consumer.Job) error {
					if job.Key == "good" {
						return nil
					}
					handled = true
					return tt.err
				}, opts)
				b.deliver(tt.message)
				b.send("good", make([]byte, 100)...)
				synctest.Wait()

				b.stop(t)
				assert.Equal(t, tt.handled, handled)
				assert.ElementsMatch(t, []settlement{
					{what: "buried", key: "bad", attempt: tt.message.Attempt, reason: tt.reason}, {what: "acked", key: "good", attempt: 1},
				}, b.heard())
				assert.InDelta(t, 1, b.metric(t, "worker_settlements_total", "buried"), 0)
			})
		})
	}
}

// surprise is what nobody expects.
func surprise(what string) error {
	panic(what) //nolint:forbidigo // what happens then is what is tested
}

// fragile is an error whose text cannot be had of a nil one.
type fragile struct{ text string }

func (f *fragile) Error() string { return f.text }

func TestAJobThatPanicsIsTriedAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handle    func() error
		permanent func(error) bool
		panics    float64
		log       string
	}{
		"in its handler":         {handle: func() error { return surprise("handler") }, panics: 1, log: "handler"},
		"when it is judged":      {handle: func() error { return errBroken }, permanent: func(error) bool { return surprise("judge") == nil }, panics: 1, log: "judge"},
		"when its error is read": {handle: func() error { return (*fragile)(nil) }, panics: 1, log: "nil pointer dereference"},
		"or ends its worker":     {handle: func() error { runtime.Goexit(); return nil }, log: "runtime.Goexit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := options()
				opts.Permanent = tt.permanent
				b := start(t, func(_ context.Context, job consumer.Job) error {
					if job.Attempt == 1 && job.Key == "bad" {
						return tt.handle()
					}
					return nil
				}, opts)
				b.send("bad")
				b.send("good")
				time.Sleep(time.Minute)

				b.stop(t)
				assert.Len(t, b.heard(), 3)
				assert.Equal(t, 1, b.count("retried"))
				assert.Equal(t, 2, b.count("acked"))
				assert.InDelta(t, tt.panics, b.metric(t, "panics_total"), 0)
				lines := b.logs.lines(tt.log)
				require.NotEmpty(t, lines)
				assert.Contains(t, lines[0], `"request_id":"bad"`)
				if tt.panics > 0 {
					assert.Contains(t, lines[0], `"level":"ERROR","msg":"panic"`)
					assert.Contains(t, lines[0], "consumer_test.go", "the stack says where")
				}
			})
		})
	}
}

func TestAJobWhoseErrorPanicsIsBuriedAfterItsLastAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, func(context.Context, consumer.Job) error { return (*fragile)(nil) }, options())
		b.deliver(source.Message{Key: "bad", Attempt: 5})
		synctest.Wait()
		b.stop(t)
		assert.Equal(t, []settlement{{
			what: "buried", key: "bad", attempt: 5, reason: "panic: runtime error: invalid memory address or nil pointer dereference",
		}}, b.heard())
		assert.InDelta(t, 0, b.metric(t, "worker_settlement_failures_total"), 0)
	})
}

// mute is a log that cannot be written.
type mute struct{}

func (mute) Write([]byte) (int, error) { return 0, surprise("log") }

func TestAJobIsSettledThoughItsLogPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, opts := newBroker(), options()
		opts.Registerer = prometheus.NewRegistry()
		opts.Logger = slog.New(slog.NewTextHandler(mute{}, &slog.HandlerOptions{Level: slog.LevelWarn}))
		c, err := consumer.New(t.Context(), b, func(context.Context, consumer.Job) error { return errBroken }, opts)
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- c.Serve() }()
		b.send("a")
		time.Sleep(time.Minute)
		assert.Equal(t, 4, b.count("retried"))
		assert.Equal(t, 1, b.count("buried"))
		require.ErrorContains(t, c.Shutdown(t.Context()), "panic: log")
		require.NoError(t, <-served)
	})
}

func TestAJobHasADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := options()
		opts.JobTimeout = time.Second
		begun := time.Now()
		var took time.Duration
		b := start(t, func(ctx context.Context, job consumer.Job) error {
			if job.Attempt > 1 {
				return nil
			}
			<-ctx.Done()
			took = time.Since(begun)
			return ctx.Err()
		}, opts)
		b.send("slow")
		time.Sleep(time.Minute)
		b.stop(t)
		assert.Equal(t, time.Second, took)
		assert.Equal(t, 1, b.count("retried"))
		assert.Equal(t, 1, b.count("acked"))
	})
}

// stuck is a handler whose jobs end only with their context.
func stuck(ctx context.Context, _ consumer.Job) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestAHardStopReleasesWhatIsNotDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := options()
		opts.JobTimeout = 0
		b := start(t, stuck, opts)
		for i := range 7 {
			b.send(strconv.Itoa(i))
		}
		synctest.Wait()
		assert.InDelta(t, 2, b.metric(t, "worker_in_flight"), 0)
		assert.InDelta(t, 3, b.metric(t, "worker_queue_depth"), 0)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := b.Shutdown(ctx)
		require.ErrorIs(t, err, pool.ErrAbandoned)
		require.ErrorContains(t, err, "5 of 5")
		require.NoError(t, <-b.served)
		assert.Equal(t, 6, b.count("released"), "what was done or waited, and what waited for a place")
		assert.Len(t, b.heard(), 6)
		assert.Len(t, b.messages, 1, "not taken")
		assert.InDelta(t, 5, b.metric(t, "worker_jobs_total", "abandoned"), 0)
		assert.InDelta(t, 0, b.metric(t, "worker_oldest_queued_seconds"), 0)
		require.NoError(t, b.Close(), "that jobs were given up has been said")
		ended := b.logs.lines("jobs ended")
		require.NotEmpty(t, ended)
		assert.Contains(t, ended[0], `"accepted":5,"completed":0,"failed":0,"abandoned":5`)
	})
}

func TestTheSourceWaitsWhileTheQueueIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		b := start(t, func(context.Context, consumer.Job) error {
			<-done
			return nil
		}, options())
		for i := range 500 {
			b.send(strconv.Itoa(i))
		}
		synctest.Wait()
		const unsettled = 2 + 3 + 1 // with the workers, in the queue, and before it
		assert.Equal(t, unsettled, b.taken)

		done <- struct{}{}
		synctest.Wait()
		assert.Equal(t, unsettled+1, b.taken)
		assert.Equal(t, 1, b.count("acked"))

		close(done)
		synctest.Wait()
		assert.Equal(t, 500, b.count("acked"))
		b.stop(t)
	})
}

func TestAFailedSettlementIsCounted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(ctx context.Context) error
		said   string
	}{
		"refused": {answer: func(context.Context) error { return errBroken }},
		"not answered": {answer: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		"ended by a panic": {
			answer: func(context.Context) error { return surprise("library") },
			said:   "library",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := start(t, func(context.Context, consumer.Job) error { return nil }, options())
				b.answer = tt.answer
				b.send("a")
				time.Sleep(time.Minute)
				assert.InDelta(t, 1, b.metric(t, "worker_settlement_failures_total"), 0)
				if err := b.Shutdown(t.Context()); tt.said == "" {
					assert.NoError(t, err)
				} else {
					assert.ErrorContains(t, err, tt.said)
				}
				require.NoError(t, <-b.served)
				assert.InDelta(t, 0, b.metric(t, "worker_settlements_total", "acked"), 0)
			})
		})
	}
}

func TestShutdownSettlesWhatWasTakenAndTakesNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, func(context.Context, consumer.Job) error {
			time.Sleep(time.Second)
			return nil
		}, options())
		for i := range 10 {
			b.send(strconv.Itoa(i))
		}
		synctest.Wait()
		require.NoError(t, b.Shutdown(t.Context()))
		b.close()
		require.NoError(t, <-b.served)

		assert.Equal(t, 5, b.count("acked"), "by the workers and in the queue")
		assert.Equal(t, 1, b.count("released"), "it waited for a place in the queue")
		assert.Len(t, b.messages, 4, "stay where they are")
		assert.InDelta(t, 0, b.metric(t, "worker_settlement_failures_total"), 0, "nothing was settled after the broker was closed")
		require.NoError(t, b.Shutdown(t.Context()), "again")
	})
}

func TestAHandlerThatIgnoresItsContextHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, func(context.Context, consumer.Job) error {
			time.Sleep(time.Hour)
			return nil
		}, options())
		b.send("a")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		require.ErrorIs(t, b.Shutdown(ctx), pool.ErrAbandoned)
		require.NoError(t, b.Close())
		assert.LessOrEqual(t, time.Since(begun), 5*time.Second)
		require.NoError(t, <-b.served)
		b.close()

		time.Sleep(time.Hour)
		assert.Empty(t, b.heard())
		assert.InDelta(t, 1, b.metric(t, "worker_settlement_failures_total"), 0, "its end comes too late for the broker")
	})
}

func TestAConsumerCanBeStoppedBeforeItServes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stuck, options())
		require.NoError(t, b.Shutdown(t.Context()))
		require.NoError(t, b.Serve())
		select {
		case <-b.begun:
			assert.Fail(t, "the source was asked for messages")
		default:
		}
		require.NoError(t, newBench(t, stuck, options()).Close(), "after a Listen that no Serve came after")
	})
}

// unlistenable is a part that cannot start.
type unlistenable struct{ lifecycle.Server }

func (unlistenable) Listen(context.Context) (string, error) { return "", errBroken }

func (unlistenable) Shutdown(context.Context) error { return nil }

func TestAConsumerStopsWhenAnotherPartCannotStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails on goroutines that are left
		opts := lifecycle.Options{Logger: slog.New(slog.DiscardHandler), ShutdownTimeout: time.Second}
		err := lifecycle.Run(t.Context(), opts, func(app *lifecycle.App) error {
			app.Serve("jobs", newBench(t, stuck, options()))
			app.Serve("other", unlistenable{})
			return nil
		})
		require.EqualError(t, err, "start other: broken")
	})
}

func TestTheOldestQueuedJobHasAnAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		b := start(t, func(context.Context, consumer.Job) error {
			<-done
			return nil
		}, options())
		age := func() float64 { return b.metric(t, "worker_oldest_queued_seconds") }
		assert.Zero(t, age())
		for i := range 4 { // the first two find a worker
			b.send(strconv.Itoa(i))
			time.Sleep(time.Second)
		}
		assert.InDelta(t, 2, age(), 0, "of the third")
		done <- struct{}{}
		synctest.Wait()
		assert.InDelta(t, 1, age(), 0, "of the fourth")
		close(done)
		synctest.Wait()
		assert.Zero(t, age())
		b.stop(t)
	})
}

func TestLogLinesCarryTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inside string
		b := start(t, func(ctx context.Context, _ consumer.Job) error {
			inside = telemetry.RequestID(ctx)
			return errBroken
		}, options())
		b.deliver(source.Message{Key: "k-1", Attempt: 5})
		synctest.Wait()
		b.stop(t)
		assert.Equal(t, "k-1", inside)
		lines := b.logs.lines("job failed")
		require.Len(t, lines, 1)
		for _, want := range []string{`"level":"ERROR"`, `"error":"broken"`, `"attempt":5`, `"settlement":"buried"`, `"request_id":"k-1"`} {
			assert.Contains(t, lines[0], want)
		}
	})
}

// dead is a source that cannot bring messages.
type dead struct{}

func (dead) Run(context.Context, func(context.Context, source.Message) error) error { return errBroken }

func TestServeFailsWithItsSource(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Registerer, opts.Logger = prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	c, err := consumer.New(t.Context(), dead{}, stuck, opts)
	require.NoError(t, err)
	require.EqualError(t, c.Serve(), "receive messages: broken")
	require.NoError(t, c.Shutdown(t.Context()))
}

func TestNewRefusesWhatThePoolRefuses(t *testing.T) {
	t.Parallel()
	_, err := consumer.New(t.Context(), dead{}, stuck, consumer.Options{Workers: 0, Queue: -1})
	require.ErrorContains(t, err, "Workers is 0")
	require.ErrorContains(t, err, "Queue is -1")
}
