package pool

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// grace is how long the jobs have to return that Shutdown cancelled.
const grace = time.Second

// Shutdown closes the intake and waits until every accepted job has ended and OnResult has returned. When ctx ends before that comes the
// hard stop: the jobs that run are cancelled with the cause ErrAbandoned, those in the queue are not begun, and what has not ended a
// second later is given up. Where jobs were abandoned or given up, the error is an ErrAbandoned and says how many.
//
// It may be called more than once, and at the same time. A handler or OnResult must not call it: it would wait for itself.
func (p *Pool[J, R]) Shutdown(ctx context.Context) error {
	p.close()
	select {
	case <-p.over:
	case <-ctx.Done():
		p.abandon(ErrAbandoned)
		select {
		case <-p.over:
		case <-time.After(grace):
			p.end()
		}
	}
	return errors.Join(p.lostJobs(), p.lostResults())
}

func (p *Pool[J, R]) lostJobs() error {
	busy, s := p.busy.Load(), p.Stats()
	if busy == 0 && s.Abandoned == 0 {
		return nil
	}
	return fmt.Errorf("shut down the pool: %w: %d of %d, and %d workers have not returned", ErrAbandoned, s.Abandoned, s.Accepted, busy)
}

func (p *Pool[J, R]) lostResults() error {
	first := p.undelivered.Load()
	if first == nil {
		return nil
	}
	return fmt.Errorf("shut down the pool: OnResult lost %d results, the first by %w", p.Stats().Undelivered, *first)
}

// closeIntake lets the workers leave once the queue is empty, and after a hard stop also empties it.
func (p *Pool[J, R]) closeIntake(ctx context.Context) {
	p.closed.Store(true)
	close(p.closing)
	p.intake.Lock() // no Submit is left that could send
	close(p.queue)
	p.intake.Unlock()
	go func() {
		select {
		case <-p.drained:
		case <-ctx.Done():
		}
		p.workers[p.opts.Workers].work(ctx)
	}()
}

// leave is called by each worker when the queue is closed and empty.
func (p *Pool[J, R]) leave() {
	switch p.busy.Add(-1) {
	case 1:
		close(p.drained)
	case 0:
		p.abandon(ErrClosed)
		p.end()
	}
}
