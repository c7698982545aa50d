// Package consumer does the jobs that a source brings: each by a worker of a pool, within its time, and settled by what became of it.
package consumer

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"example.com/user-service/internal/platform/source"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/pool"
)

// settleTimeout bounds how long a worker waits for the broker to take what became of a job.
const settleTimeout = 5 * time.Second

// Job is a message as its handler gets it. Delivery is at least once: the same job can come again.
type Job struct {
	// Key is the same each time that the job comes.
	Key  string
	Body []byte
	// Attempt is 1 the first time.
	Attempt int
}

// Handler does one job. After an error the job is tried again, later; see Options.
type Handler func(ctx context.Context, job Job) error

// Source brings messages.
type Source interface {
	// Run passes messages to submit until ctx ends. While submit waits, it brings no more.
	Run(ctx context.Context, submit func(context.Context, source.Message) error) error
}

// Options say how jobs are done.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer

	// TracerProvider takes a span per job; nil while tracing is off.
	TracerProvider trace.TracerProvider

	// Workers is how many jobs are done at a time, and Queue how many more wait for a worker.
	Workers, Queue int
	// JobTimeout is the deadline of one attempt; zero is none.
	JobTimeout time.Duration
	// MaxAttempts is after how many attempts a job goes to the dead letters.
	MaxAttempts int
	// Backoff is how long a failed job waits for its next attempt.
	Backoff pool.Backoff
	// MaxBodyBytes is the largest body that a handler gets; zero is no limit.
	MaxBodyBytes int64
	// Permanent says of a handler's error whether no further attempt can help.
	Permanent func(error) bool
}

// Consumer is a source, its workers, and what they say about themselves: a lifecycle.Server.
type Consumer struct {
	opts    Options
	source  Source
	handle  Handler
	metrics *metrics
	workers *pool.Pool[*delivery, struct{}]

	// intake ends when no more messages are wanted, and drained closes when none can come. endless has its values and does not end.
	intake  context.Context //nolint:containedctx // it is the part's own life, which Shutdown ends
	endless context.Context //nolint:containedctx // made once for all messages
	stop    context.CancelFunc
	drained chan struct{}
	// begun is set by Serve, or by a Shutdown that came before it.
	begun atomic.Bool
}

// delivery is a message on its way through the queue.
type delivery struct {
	source.Message

	since time.Time
	// place is that among the waiting, until a worker begins the job.
	place *list.Element
	// ctx has what is logged with the message, and does not end.
	ctx context.Context //nolint:containedctx // it goes with the message from the source to its settlement
}

// permanentError is the error of a job that no further attempt can help.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// New returns a consumer that has not begun. Values of ctx reach the handler; its end does not.
func New(ctx context.Context, from Source, handle Handler, opts Options) (*Consumer, error) {
	c := &Consumer{opts: opts, source: from, handle: handle, drained: make(chan struct{})}
	c.endless = context.WithoutCancel(ctx)
	c.intake, c.stop = context.WithCancel(c.endless)
	workers, err := pool.New(ctx, c.do, pool.Options[*delivery, struct{}]{
		Workers: opts.Workers, Queue: opts.Queue, JobTimeout: opts.JobTimeout, OnResult: c.settle,
	})
	if err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	c.workers = workers
	c.metrics = newMetrics(opts.Registerer, workers.Stats)
	return c, nil
}

// Listen does nothing: a consumer has no address.
func (c *Consumer) Listen(context.Context) (string, error) { return "", nil }

// Serve brings jobs to the workers until Shutdown or Close.
func (c *Consumer) Serve() error {
	if !c.begun.CompareAndSwap(false, true) {
		return nil
	}
	defer close(c.drained)
	if err := c.source.Run(c.intake, c.submit); err != nil {
		return fmt.Errorf("receive messages: %w", err)
	}
	return nil
}

// Shutdown takes no more messages, and returns when the jobs that were taken are settled. What is left when ctx ends is released.
func (c *Consumer) Shutdown(ctx context.Context) error {
	c.stop()
	if c.begun.CompareAndSwap(false, true) {
		close(c.drained)
	}
	select {
	case <-c.drained:
	case <-ctx.Done():
	}
	err := c.workers.Shutdown(ctx)
	stats := c.workers.Stats()
	c.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "jobs ended", slog.Uint64("accepted", stats.Accepted),
		slog.Uint64("completed", stats.Completed), slog.Uint64("failed", stats.Failed), slog.Uint64("abandoned", stats.Abandoned))
	if err != nil {
		return fmt.Errorf("finish the jobs: %w", err)
	}
	return nil
}

// Close releases the jobs that were taken. Shutdown, which comes before it unless there are none, says how many.
func (c *Consumer) Close() error {
	ctx, cancel := context.WithCancel(c.endless)
	cancel()
	_ = c.Shutdown(ctx)
	return nil
}

// submit waits for a place in the queue.
func (c *Consumer) submit(ctx context.Context, message source.Message) error {
	d := &delivery{Message: message, since: time.Now(), ctx: telemetry.WithRequestID(c.endless, message.Key)}
	c.metrics.waiting.add(d)
	if err := c.workers.Submit(ctx, d); err != nil {
		c.metrics.waiting.remove(d)
		return fmt.Errorf("submit job: %w", err)
	}
	return nil
}

// do has the handler do a job.
func (c *Consumer) do(ctx context.Context, d *delivery) (struct{}, error) {
	c.metrics.waiting.remove(d)
	started := time.Now()
	c.metrics.wait.Observe(started.Sub(d.since).Seconds())
	defer func() { c.metrics.run.Observe(time.Since(started).Seconds()) }()

	ctx = telemetry.WithRequestID(ctx, d.Key)
	ctx = c.startSpan(ctx, d)
	if limit := c.opts.MaxBodyBytes; limit > 0 && int64(len(d.Body)) > limit {
		return struct{}{}, permanentError{fmt.Errorf("the body has %d bytes, of which %d are allowed", len(d.Body), limit)}
	}
	err := c.handle(ctx, Job{Key: d.Key, Body: d.Body, Attempt: d.Attempt})
	if err != nil && c.opts.Permanent != nil && c.opts.Permanent(err) {
		err = permanentError{err}
	}
	return struct{}{}, err
}
