package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// SignalError is the cause of a context that Signals has ended.
type SignalError struct {
	Signal os.Signal
}

func (e *SignalError) Error() string { return "received signal: " + e.Signal.String() }

// Signals returns a context that the first SIGINT or SIGTERM ends. From then on signals act as if nobody handled them: the second
// one ends the process at once.
func Signals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(&SignalError{Signal: s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// interrupted says whether somebody at a terminal ended ctx, who does not want to wait for load balancers.
func interrupted(ctx context.Context) bool {
	s, ok := errors.AsType[*SignalError](context.Cause(ctx))
	return ok && s.Signal == os.Interrupt
}

func causeOf(ctx context.Context) slog.Attr {
	return slog.String("cause", context.Cause(ctx).Error())
}
