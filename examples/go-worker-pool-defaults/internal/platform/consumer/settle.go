package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
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

// verdict says what is to become of a message.
type verdict struct {
	settlement string
	// delay is that of what is retried, and reason that of what is buried.
	delay  time.Duration
	reason string
}

// settle tells the broker what became of a job, whatever panics before that.
func (c *Consumer) settle(result pool.Result[*delivery, struct{}]) {
	d := result.Job
	c.metrics.waiting.remove(d) // of an abandoned job that no worker has begun
	v, err := c.judge(d, result.Err)
	defer c.tell(d, v)
	c.report(d, v, err)
}

// judge says what is to become of a message, and why. An error whose methods panic is that of a job that panicked.
func (c *Consumer) judge(d *delivery, err error) (v verdict, reason error) {
	defer func() {
		if value := recover(); value != nil {
			reason = &pool.PanicError{Value: value, Stack: debug.Stack()}
			v = c.verdict(d, reason)
		}
	}()
	return c.verdict(d, err), err
}

// report says what became of a job, in the log and in its span.
func (c *Consumer) report(d *delivery, v verdict, err error) {
	ctx := d.ctx
	defer func() {
		if value := recover(); value != nil {
			c.logPanic(ctx, value, debug.Stack())
		}
	}()
	if panicked, ok := errors.AsType[*pool.PanicError](err); ok {
		c.logPanic(ctx, panicked.Value, panicked.Stack)
	}
	if err != nil {
		c.opts.Logger.LogAttrs(ctx, levelOf(v.settlement), "job failed", slog.Any("error", err), slog.Int("attempt", d.Attempt),
			slog.String("settlement", v.settlement), slog.Float64("retry_in_seconds", v.delay.Seconds()))
	}
	endSpan(ctx, err)
}

func (c *Consumer) logPanic(ctx context.Context, value any, stack []byte) {
	c.metrics.panics.Inc()
	c.opts.Logger.LogAttrs(ctx, slog.LevelError, "panic", slog.Any("panic", value), slog.String("stack", string(stack)))
}

// tell has the broker settle a message. If that fails, the broker delivers it again: it was not acknowledged.
func (c *Consumer) tell(d *delivery, v verdict) {
	ctx, cancel := context.WithTimeout(d.ctx, settleTimeout)
	defer cancel()
	if err := d.settle(ctx, v); err != nil {
		c.metrics.unsettled.Add(1)
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "settlement failed", slog.Any("error", err), slog.String("settlement", v.settlement))
		return
	}
	c.metrics.settled[v.settlement].Inc()
}

func (c *Consumer) verdict(d *delivery, err error) verdict {
	if err == nil {
		return verdict{settlement: acked}
	}
	if errors.Is(err, pool.ErrAbandoned) {
		return verdict{settlement: released}
	}
	reason := err.Error()
	if d.Attempt >= c.opts.MaxAttempts || isPermanent(err) {
		return verdict{settlement: buried, reason: oneLine(reason)}
	}
	return verdict{settlement: retried, delay: c.opts.Backoff.Delay(d.Attempt)}
}

func isPermanent(err error) bool {
	_, ok := errors.AsType[permanentError](err)
	return ok
}

func (d *delivery) settle(ctx context.Context, v verdict) (err error) {
	switch v.settlement {
	case acked:
		err = d.Ack(ctx)
	case released:
		err = d.Release(ctx)
	case buried:
		err = d.Bury(ctx, v.reason)
	default:
		err = d.Retry(ctx, v.delay)
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
