package source

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// buryTimeout bounds how long the broker may take to bury a message.
const buryTimeout = 5 * time.Second

// OnBury has a function called for each message that Run buries by itself, with the error if that failed. It comes before Run.
func (s *Source) OnBury(call func(err error)) {
	s.onBury = call
}

// buryEndless buries a message of which nobody has told the end of its last attempts: it may be what ends the process.
func (s *Source) buryEndless(ctx context.Context, message Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), buryTimeout)
	defer cancel()
	reason := fmt.Sprintf("delivered %d times without an end", message.Attempt-1)
	err := message.Bury(ctx, reason)
	if s.onBury != nil {
		s.onBury(err)
	}
	if err != nil {
		s.log.WarnContext(ctx, "settlement failed", slog.Any("error", err), slog.String("settlement", "buried"), slog.String("key", message.Key))
		return fmt.Errorf("bury message: %w", err)
	}
	s.log.ErrorContext(ctx, "message buried", slog.String("key", message.Key), slog.String("reason", reason))
	return nil
}
