package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrClosed is what a pool answers that takes no more jobs.
	ErrClosed = errors.New("pool is shut down")
	// ErrFull is what TrySubmit answers when no place in the queue is free.
	ErrFull = errors.New("queue of the pool is full")
	// ErrAbandoned is in the error of a job that the pool gave up when it was shut down.
	ErrAbandoned = errors.New("job abandoned at shutdown")
)

// Handler does one job. It has to return soon after its context ends.
type Handler[J, R any] func(ctx context.Context, job J) (R, error)

// Options are the settings of a pool.
type Options[J, R any] struct {
	// Workers is how many jobs are done at the same time, at least 1.
	Workers int
	// Queue is how many jobs wait at most. With 0, a job is taken when a worker is free.
	Queue int
	// JobTimeout is how long a handler has for one job; 0 sets no limit.
	JobTimeout time.Duration
	// OnResult is called with the result of each job that Submit or TrySubmit accepted, by the worker that did it: several run at the same
	// time, and a worker takes its next job when it returns. One that panics costs its result, which Stats and Shutdown tell of.
	// Without OnResult, the results have to be read from Results.
	OnResult func(Result[J, R])
}

func (o Options[J, R]) check(handler Handler[J, R]) error {
	var mistakes []string
	if handler == nil {
		mistakes = append(mistakes, "the handler is nil")
	}
	if o.Workers < 1 {
		mistakes = append(mistakes, fmt.Sprintf("Workers is %d, must be at least 1", o.Workers))
	}
	if o.Queue < 0 {
		mistakes = append(mistakes, fmt.Sprintf("Queue is %d, must not be negative", o.Queue))
	}
	if o.JobTimeout < 0 {
		mistakes = append(mistakes, fmt.Sprintf("JobTimeout is %s, must not be negative", o.JobTimeout))
	}
	if mistakes == nil {
		return nil
	}
	return errors.New("options of the pool: " + strings.Join(mistakes, "; "))
}

// Pool does jobs. Any number of goroutines may call its methods.
type Pool[J, R any] struct {
	handler Handler[J, R]
	opts    Options[J, R]

	queue chan task[J, R]
	// workers are as many as Options say, and one more that empties the queue after a hard stop, when all others may be stuck.
	workers []*worker[J, R]
	// busy counts the workers that have not left. When it is down to one, drained is closed.
	busy    atomic.Int64
	drained chan struct{}
	// abandon ends the context of all jobs.
	abandon context.CancelCauseFunc

	// intake is held for reading to send to the queue, and for writing to close it.
	intake   sync.RWMutex
	closed   atomic.Bool
	accepted atomic.Uint64
	// closing ends the calls of Submit that wait for a place in the queue.
	closing chan struct{}
	close   func()
	// over is closed when the last worker has left or was given up.
	over chan struct{}
	end  func()

	results chan Result[J, R]
	late    late[J, R]
	// undelivered is why the first result was lost that OnResult did not take.
	undelivered atomic.Pointer[error]
}

// task is a job in the queue; call is nil unless Do waits for the result.
type task[J, R any] struct {
	job  J
	call *call[R]
}

// New starts a pool. Its jobs have the values of ctx but outlive it: only Shutdown ends the pool, and it must be called.
func New[J, R any](ctx context.Context, handler Handler[J, R], opts Options[J, R]) (*Pool[J, R], error) {
	if err := opts.check(handler); err != nil {
		return nil, err
	}
	ctx, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	p := &Pool[J, R]{
		handler: handler,
		opts:    opts,
		queue:   make(chan task[J, R], opts.Queue),
		workers: make([]*worker[J, R], opts.Workers+1),
		drained: make(chan struct{}),
		abandon: abandon,
		closing: make(chan struct{}),
		over:    make(chan struct{}),
	}
	p.close = sync.OnceFunc(func() { p.closeIntake(ctx) })
	p.end = sync.OnceFunc(func() { close(p.over) })
	if opts.OnResult == nil {
		p.results = make(chan Result[J, R], opts.Queue)
	}
	for i := range p.workers {
		p.workers[i] = &worker[J, R]{pool: p}
	}
	p.busy.Store(int64(len(p.workers)))
	for _, w := range p.workers[:opts.Workers] {
		go w.work(ctx)
	}
	return p, nil
}

// Submit hands a job to the pool, and waits for a place in the queue if need be. After nil, the job is accepted and will have a result.
// The error is ErrClosed, or why ctx ended.
func (p *Pool[J, R]) Submit(ctx context.Context, job J) error {
	return p.submit(ctx, task[J, R]{job: job})
}

// TrySubmit is Submit for those who cannot wait. The error is ErrFull or ErrClosed.
func (p *Pool[J, R]) TrySubmit(job J) error {
	p.intake.RLock()
	defer p.intake.RUnlock()
	if p.closed.Load() {
		return ErrClosed
	}
	select {
	case p.queue <- task[J, R]{job: job}:
		p.accepted.Add(1)
		return nil
	default:
		return ErrFull
	}
}

func (p *Pool[J, R]) submit(ctx context.Context, t task[J, R]) error {
	if ctx.Err() != nil {
		return fmt.Errorf("submit to the pool: %w", context.Cause(ctx))
	}
	p.intake.RLock()
	defer p.intake.RUnlock()
	if p.closed.Load() {
		return ErrClosed
	}
	select {
	case p.queue <- t:
	default: // waiting for three things costs more
		select {
		case p.queue <- t:
		case <-p.closing:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("submit to the pool: %w", context.Cause(ctx))
		}
	}
	p.accepted.Add(1)
	return nil
}
