package pool

import (
	"context"
	"fmt"
)

// call is one call of Do.
type call[R any] struct {
	ctx    context.Context //nolint:containedctx // it is the job's, which a worker takes up later
	answer chan answer[R]
}

type answer[R any] struct {
	value R
	err   error
}

// Do has one job done and returns its result, which goes neither to OnResult nor to Results. The job has the context ctx, which a hard stop
// of the pool cancels, too. When ctx ends, Do returns why at once; the job is not begun, or still has to return.
func (p *Pool[J, R]) Do(ctx context.Context, job J) (R, error) {
	c := &call[R]{ctx: ctx, answer: make(chan answer[R], 1)}
	var none R
	if err := p.submit(ctx, task[J, R]{job: job, call: c}); err != nil {
		return none, err
	}
	select {
	case a := <-c.answer:
		return a.value, a.err
	case <-ctx.Done():
		return none, fmt.Errorf("wait for the pool: %w", context.Cause(ctx))
	}
}

// join returns the context of the call, which ends with that of the pool, too.
func (c *call[R]) join(pool context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	stop := context.AfterFunc(pool, func() { cancel(context.Cause(pool)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
