package source

import (
	"context"
	"time"
)

// Message is one delivery of what a producer has sent. Exactly one method of its Delivery is called, once its job is done or given up.
type Message struct {
	Delivery

	// Key is the same at every delivery of the message: a handler can tell by it what it has done already.
	Key  string
	Body []byte
	// Header is what the producer sent beside the body, such as the W3C trace context.
	Header map[string]string
	// Attempt is 1 at the first delivery that is worked on.
	Attempt int
}

// Delivery takes what became of a message.
type Delivery interface {
	// Ack ends the message: its job is done.
	Ack(ctx context.Context) error
	// Retry has the message delivered again after a delay, as the next attempt.
	Retry(ctx context.Context, delay time.Duration) error
	// Bury ends the message and keeps it among the dead letters, with the reason.
	Bury(ctx context.Context, reason string) error
	// Release gives back a message that was not worked on to its end: it is delivered again soon.
	Release(ctx context.Context) error
}
