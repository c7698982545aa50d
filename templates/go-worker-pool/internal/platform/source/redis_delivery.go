package source

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// postponed is the consumer that holds the messages which are to be delivered again. It never reads.
	postponed = "postponed"
	// due is how long a message has been idle when it is to be delivered again. Redis does not know a time in the future, so a message that
	// is postponed gets an idle time that reaches this one in time.
	due = 30 * 24 * time.Hour
)

// The fields of an entry, and those that only a dead letter has. Every other is a header.
const (
	fieldKey     = "key"
	fieldBody    = "body"
	fieldReason  = "job-reason"
	fieldAttempt = "job-attempt"
)

// delivery settles one message.
type delivery struct {
	source  *Source
	id      string
	message Message
}

// Ack ends the message.
func (d *delivery) Ack(ctx context.Context) error {
	defer d.source.settle(d.id)
	_, err := d.source.client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		d.end(ctx, tx)
		return nil
	})
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// Retry has the message claimed after a delay, of at most a month.
func (d *delivery) Retry(ctx context.Context, delay time.Duration) error {
	return d.postpone(ctx, delay, d.message.Attempt)
}

// Release has the message claimed at once, as the same attempt.
func (d *delivery) Release(ctx context.Context) error {
	return d.postpone(ctx, 0, d.message.Attempt-1)
}

// Bury moves the message to the stream of dead letters. If the answer to that is lost, it may be there twice.
func (d *delivery) Bury(ctx context.Context, reason string) error {
	defer d.source.settle(d.id)
	_, err := d.source.client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		values := append(fields(d.message.Key, d.message.Body, d.message.Header), fieldReason, shortened(reason), fieldAttempt, d.message.Attempt)
		tx.XAdd(ctx, &redis.XAddArgs{Stream: d.source.cfg.Name + "-dead", Values: values})
		d.end(ctx, tx)
		return nil
	})
	if err != nil {
		return fmt.Errorf("bury: %w", err)
	}
	return nil
}

func (d *delivery) end(ctx context.Context, tx redis.Pipeliner) {
	name := d.source.cfg.Name
	tx.XAck(ctx, name, name, d.id)
	tx.XDel(ctx, name, d.id)
}

// postpone gives the message to the consumer that holds it until the delay is over. It has then been delivered so many times.
func (d *delivery) postpone(ctx context.Context, delay time.Duration, deliveries int) error {
	defer d.source.settle(d.id)
	idle := max(0, due-delay)
	name := d.source.cfg.Name
	err := d.source.client.Do(ctx, "XCLAIM", name, name, postponed, 0, d.id,
		"IDLE", idle.Milliseconds(), "RETRYCOUNT", deliveries, "JUSTID").Err()
	if err != nil {
		return fmt.Errorf("postpone: %w", err)
	}
	return nil
}

// settle makes room for another message. One whose settlement has failed is pending still, and tend has it delivered again.
func (s *Source) settle(id string) {
	s.mu.Lock()
	delete(s.unsettled, id)
	s.mu.Unlock()
	select {
	case s.settled <- struct{}{}:
	default:
	}
}

// fields are those of an entry.
func fields(key string, body []byte, header map[string]string) []any {
	values := make([]any, 0, 2*len(header)+6)
	for name, value := range header {
		values = append(values, name, value)
	}
	return append(values, fieldKey, key, fieldBody, body) // the last, which count if a header has such a name
}
