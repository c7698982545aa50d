package pool

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

var errGoexit = errors.New("runtime.Goexit was called")

// PanicError is the error of a job whose handler panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// worker does one job after the other. A handler or OnResult that panics or calls runtime.Goexit ends the goroutine, and the worker goes on
// in another: so a job that does neither costs no deferred call.
type worker[J, R any] struct {
	pool  *Pool[J, R]
	stage stage
	task  task[J, R]
	// unwound is the error of the task if its handler did not return.
	unwound error

	begun, completed, failed, abandoned, undelivered atomic.Uint64

	_ [64]byte // keeps the counters of two workers out of one cache line
}

// stage says what a worker is in the middle of.
type stage int

const (
	idle stage = iota
	handling
	delivering
)

// work does the jobs of the queue until it is closed and empty.
func (w *worker[J, R]) work(ctx context.Context) {
	defer w.unwind(ctx)
	if w.unwound != nil {
		w.finish(ctx, Result[J, R]{Job: w.task.job, Err: w.unwound})
	}
	for t := range w.pool.queue {
		w.begun.Add(1)
		w.stage, w.task = handling, t
		value, err := w.handle(ctx, t)
		w.finish(ctx, Result[J, R]{Job: t.job, Value: value, Err: err})
	}
}

// unwind sees to the job that ended the goroutine, if one did, and goes on.
func (w *worker[J, R]) unwind(ctx context.Context) {
	if w.stage == idle {
		w.pool.leave()
		return
	}
	reason := errGoexit
	if v := recover(); v != nil {
		reason = &PanicError{Value: v, Stack: debug.Stack()}
	}
	if w.stage == handling {
		w.unwound = reason
	} else {
		w.stage = idle
		w.undelivered.Add(1)
		w.pool.undelivered.CompareAndSwap(nil, &reason)
	}
	go w.work(ctx)
}

func (w *worker[J, R]) handle(ctx context.Context, t task[J, R]) (value R, err error) {
	if ctx.Err() != nil { // nothing is begun after a hard stop
		return value, ErrAbandoned
	}
	if t.call != nil {
		called, cancel := t.call.join(ctx)
		defer cancel()
		if called.Err() != nil { // its caller has gone
			return value, fmt.Errorf("job not begun: %w", context.Cause(called))
		}
		ctx = called
	}
	if timeout := w.pool.opts.JobTimeout; timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limited
	}
	return w.pool.handler(ctx, t.job)
}

// finish counts the outcome, then hands the result to whom it is for.
func (w *worker[J, R]) finish(ctx context.Context, r Result[J, R]) {
	c := w.task.call
	w.stage, w.task, w.unwound = delivering, task[J, R]{}, nil
	switch {
	case r.Err == nil:
		w.completed.Add(1)
	case ctx.Err() == nil:
		w.failed.Add(1)
	default:
		w.abandoned.Add(1)
		if !errors.Is(r.Err, ErrAbandoned) {
			r.Err = fmt.Errorf("%w: %w", ErrAbandoned, r.Err)
		}
	}
	switch {
	case c != nil:
		c.answer <- answer[R]{r.Value, r.Err}
	case w.pool.opts.OnResult != nil:
		w.pool.opts.OnResult(r)
	default:
		w.pool.put(r)
	}
	w.stage = idle
}
