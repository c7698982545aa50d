package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"example.com/user-service/internal/pool"
)

// What the broker was told of a message.
const (
	acked    = "acked"
	retried  = "retried"
	buried   = "buried"
	released = "released"
)

// settle tells the broker what became of a job. If that fails, the broker delivers the job again: it was not acknowledged.
func (c *Consumer) settle(result pool.Result[*delivery, struct{}]) {
	d, err := result.Job, result.Err
	c.metrics.waiting.remove(d) // of an abandoned job that no worker has begun
	ctx := d.ctx
	endSpan(ctx, err)
	if panicked, ok := errors.AsType[*pool.PanicError](err); ok {
		c.metrics.panics.Inc()
		c.opts.Logger.LogAttrs(ctx, slog.LevelError, "panic", slog.Any("panic", panicked.Value), slog.String("stack", string(panicked.Stack)))
	}

	settlement, delay := c.verdict(d, err)
	if err != nil {
		c.opts.Logger.LogAttrs(ctx, levelOf(settlement), "job failed", slog.Any("error", err), slog.Int("attempt", d.Attempt),
			slog.String("settlement", settlement), slog.Float64("retry_in_seconds", delay.Seconds()))
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := d.tell(ctx, settlement, delay, err); err != nil {
		c.metrics.unsettled.Add(1)
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "settlement failed", slog.Any("error", err), slog.String("settlement", settlement))
		return
	}
	c.metrics.settled[settlement].Inc()
}

// verdict says what is to become of a message, and after which delay.
func (c *Consumer) verdict(d *delivery, err error) (settlement string, delay time.Duration) {
	switch {
	case err == nil:
		return acked, 0
	case errors.Is(err, pool.ErrAbandoned):
		return released, 0
	case d.Attempt >= c.opts.MaxAttempts, isPermanent(err):
		return buried, 0
	default:
		return retried, c.opts.Backoff.Delay(d.Attempt)
	}
}

func isPermanent(err error) bool {
	_, ok := errors.AsType[permanentError](err)
	return ok
}

func (d *delivery) tell(ctx context.Context, settlement string, delay time.Duration, reason error) (err error) {
	switch settlement {
	case acked:
		err = d.Ack(ctx)
	case released:
		err = d.Release(ctx)
	case buried:
		err = d.Bury(ctx, oneLine(reason.Error()))
	default:
		err = d.Retry(ctx, delay)
	}
	if err != nil {
		return fmt.Errorf("tell the broker: %w", err)
	}
	return nil
}

// oneLine is text with single spaces: what brokers have for a shell reads a header up to the next tab or line end.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

func levelOf(settlement string) slog.Level {
	switch settlement {
	case buried:
		return slog.LevelError
	case retried:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}
