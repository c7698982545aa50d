// Package source receives the messages of a broker, and sends them.
package source

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 3 * time.Second

	// maxReason is how many bytes of a reason a dead letter has, so that it is not much larger than its message.
	maxReason = 512
)

// Config says which broker, and how to use it.
type Config struct {
	URL string
	// Name is what everything at the broker is named after.
	Name string
	// Prefetch is how many messages are delivered and not yet settled, at most.
	Prefetch int
	// MaxAttempts is after how many attempts a message is buried.
	MaxAttempts int
	// Hold is the longest time from the delivery of a message to its end.
	Hold time.Duration
	// StartTimeout is how long Open waits for the broker.
	StartTimeout time.Duration
}

// Outgoing is a message to be sent.
type Outgoing struct {
	Key    string
	Body   []byte
	Header map[string]string
}

// await connects until that works, at intervals that grow and differ between replicas.
func await(ctx context.Context, timeout time.Duration, log *slog.Logger, connect func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var reason error
	for longest := firstPause; ; longest = min(2*longest, longestPause) {
		err := connect(ctx)
		if err == nil {
			return nil
		}
		if reason == nil || ctx.Err() == nil { // that the time is over says less than what went wrong before
			reason = err
		}
		pause := rand.N(longest) //nolint:gosec // jitter need not be unpredictable
		log.WarnContext(ctx, "broker does not answer", slog.Any("error", err), slog.Float64("retry_in_seconds", pause.Seconds()))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("wait %s for the broker: %w", timeout, reason)
		}
	}
}

// shortened is the beginning of a reason, as far as a dead letter has it.
func shortened(reason string) string {
	return strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
}
