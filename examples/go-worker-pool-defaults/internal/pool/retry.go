package pool

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait between attempts: First after the first, then twice as long each time, but never longer than Max.
type Backoff struct {
	First, Max time.Duration
}

// Delay returns how long to wait after an attempt, the first of which is 1: between half of the time and all of it, at random, so that
// what failed together is not tried again together.
func (b Backoff) Delay(attempt int) time.Duration {
	delay := min(b.First, b.Max)
	if delay <= 0 {
		return 0
	}
	for ; attempt > 1 && delay < b.Max; attempt-- {
		delay += min(delay, b.Max-delay)
	}
	half := delay / 2
	return half + rand.N(delay-half+1) //nolint:gosec // it spreads load and guards nothing
}

// wait waits for the delay after an attempt, and says whether ctx has not ended.
func (b Backoff) wait(ctx context.Context, attempt int) bool {
	timer := time.NewTimer(b.Delay(attempt))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// RetryPolicy is how often a job is tried, and with which pauses.
type RetryPolicy struct {
	// Attempts is how often the handler is called at most; less than 2 is once.
	Attempts int
	Backoff  Backoff
	// Permanent says of an error that no further attempt can help. Without it, every error is worth another.
	Permanent func(error) bool
}

// Retry returns a handler that calls handler again after an error, within the limits of the policy and until its context ends. The error
// is the last one. The worker is busy also during the pauses: what fails for longer than moments is better put back where it came from.
func Retry[J, R any](handler Handler[J, R], policy RetryPolicy) Handler[J, R] {
	return func(ctx context.Context, job J) (R, error) {
		for attempt := 1; ; attempt++ {
			value, err := handler(ctx, job)
			if err == nil || attempt >= policy.Attempts || policy.permanent(err) {
				return value, err
			}
			if !policy.Backoff.wait(ctx, attempt) {
				return value, fmt.Errorf("%w (attempt %d was the last: %w)", err, attempt, context.Cause(ctx))
			}
		}
	}
}

func (p RetryPolicy) permanent(err error) bool {
	return p.Permanent != nil && p.Permanent(err)
}
