package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
	"uuid"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	attemptHeader = "job-attempt"
	reasonHeader  = "job-reason"
)

// delivery is a message that has come in a session, and can be settled in no other.
type delivery struct {
	session  *session
	original amqp.Delivery
	name     string
	key      string
	attempt  int
}

// newMessage reads a delivery. A message of a producer that gave it no id has a key that is kept from its first settlement on.
func newMessage(cfg Config, in *session, original amqp.Delivery) Message {
	d := delivery{session: in, original: original, name: cfg.Name, key: original.MessageId}
	if d.key == "" {
		d.key = uuid.NewV7().String()
	}
	d.attempt = 1
	if _, putBack := original.Headers[reasonHeader]; !putBack { // a dead letter that somebody puts back begins anew
		d.attempt = max(1, count(original.Headers[attemptHeader]))
	}
	if original.Redelivered { // then the broker has counted the deliveries whose end nobody has told
		d.attempt += count(original.Headers["x-delivery-count"])
	}
	header := make(map[string]string)
	for name, value := range original.Headers {
		if text, ok := value.(string); ok && name != reasonHeader && !ofBroker(name) {
			header[name] = text
		}
	}
	return Message{Delivery: d, Key: d.key, Body: original.Body, Header: header, Attempt: d.attempt}
}

// Ack ends the message.
func (d delivery) Ack(context.Context) error {
	if err := d.original.Ack(false); err != nil {
		return fmt.Errorf("acknowledge: %w", lostIfClosed(err))
	}
	return nil
}

// Retry puts the message into a queue that passes it on when the delay is over, and ends this delivery of it.
func (d delivery) Retry(ctx context.Context, delay time.Duration) error {
	delay = min(delay, longestDelay)
	message := d.copy()
	message.Headers[attemptHeader] = int64(d.attempt + 1)
	if delay < time.Millisecond {
		return d.move(ctx, d.name, message)
	}
	message.Expiration = strconv.FormatInt(delay.Milliseconds(), 10)
	queue, err := within(ctx, func() (string, error) { return d.session.declareRetry(d.name, delay) })
	if err != nil {
		return d.giveBack(err)
	}
	return d.move(ctx, queue, message)
}

// Bury moves the message to the dead letters.
func (d delivery) Bury(ctx context.Context, reason string) error {
	message := d.copy()
	message.Headers[attemptHeader] = int64(d.attempt)
	message.Headers[reasonHeader] = shortened(reason)
	return d.move(ctx, deadQueue(d.name), message)
}

// Release gives back the message. Before RabbitMQ 4.3 that counts as an attempt.
func (d delivery) Release(context.Context) error {
	if err := d.original.Nack(false, true); err != nil {
		return fmt.Errorf("release: %w", lostIfClosed(err))
	}
	return nil
}

// move ends this delivery when the broker has the message in another queue.
func (d delivery) move(ctx context.Context, queue string, message amqp.Publishing) error {
	if err := d.session.publish(ctx, queue, message); err != nil {
		return d.giveBack(err)
	}
	return d.Ack(ctx)
}

// giveBack has the message delivered again, because what should have become of it has not.
func (d delivery) giveBack(reason error) error {
	if err := d.original.Nack(false, true); err != nil && !errors.Is(err, amqp.ErrClosed) {
		return errors.Join(reason, err)
	}
	return reason
}

// copy is the message as its producer sent it.
func (d delivery) copy() amqp.Publishing {
	headers := maps.Clone(d.original.Headers)
	if headers == nil {
		headers = amqp.Table{}
	}
	maps.DeleteFunc(headers, func(name string, _ any) bool { return name == reasonHeader || ofBroker(name) })
	return amqp.Publishing{
		Headers: headers, Body: d.original.Body, MessageId: d.key, DeliveryMode: amqp.Persistent,
		ContentType: d.original.ContentType, ContentEncoding: d.original.ContentEncoding, Priority: d.original.Priority,
		CorrelationId: d.original.CorrelationId, ReplyTo: d.original.ReplyTo, Timestamp: d.original.Timestamp,
		Type: d.original.Type, AppId: d.original.AppId,
	}
}

// ofBroker says whether a header is one by which RabbitMQ remembers where a message was.
func ofBroker(header string) bool {
	for _, prefix := range []string{"x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count"} {
		if strings.HasPrefix(header, prefix) {
			return true
		}
	}
	return false
}

// count reads a number of whichever size it was sent in.
func count(value any) int {
	switch n := value.(type) {
	case int64:
		return int(n)
	case int32:
		return int(n)
	default:
		return 0
	}
}
