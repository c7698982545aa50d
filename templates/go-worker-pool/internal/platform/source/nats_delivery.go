package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a dead letter says beside the headers of its message.
const (
	keyHeader     = "job-key"
	reasonHeader  = "job-reason"
	attemptHeader = "job-attempt"
)

// reserved is how the headers begin that are the broker's own.
const reserved = "Nats-"

// delivery is a message that the broker has delivered.
type delivery struct {
	source  *Source
	msg     jetstream.Msg
	since   time.Time
	key     string
	attempt int
}

func newDelivery(source *Source, msg jetstream.Msg) *delivery {
	d := &delivery{source: source, msg: msg, since: time.Now(), key: msg.Headers().Get(jetstream.MsgIDHeader), attempt: 1}
	if meta, err := msg.Metadata(); err == nil { // every message of a consumer has them
		d.attempt = int(meta.NumDelivered) //nolint:gosec // it is small
	}
	if d.key == "" {
		d.key = source.cfg.Name + "-" + d.id()
	}
	return d
}

// id is that of the message in its stream, also if the stream is made anew.
func (d *delivery) id() string {
	meta, err := d.msg.Metadata()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d@%d", meta.Sequence.Stream, meta.Timestamp.UnixNano())
}

func (d *delivery) message() Message {
	var header map[string]string
	for name, values := range d.msg.Headers() {
		if strings.HasPrefix(name, reserved) {
			continue
		}
		if header == nil {
			header = make(map[string]string)
		}
		header[name] = values[0]
	}
	return Message{Delivery: d, Key: d.key, Body: d.msg.Data(), Header: header, Attempt: d.attempt}
}

// Ack waits until the broker has removed the message: what is lost on the way would be done twice.
func (d *delivery) Ack(ctx context.Context) error {
	return d.settle("acknowledge", func() error { return d.msg.DoubleAck(ctx) })
}

// Retry has the broker wait: the message is in nobody's way meanwhile.
func (d *delivery) Retry(ctx context.Context, delay time.Duration) error {
	return d.settle("retry", func() error { return d.sent(ctx, d.msg.NakWithDelay(delay)) })
}

// Release has the broker deliver the message again at once. To the broker a delivery is a delivery: it counts as an attempt.
func (d *delivery) Release(ctx context.Context) error {
	return d.settle("release", func() error { return d.sent(ctx, d.msg.Nak()) })
}

// Bury ends the message when its dead letter is stored. If it comes again all the same, there will be one dead letter.
func (d *delivery) Bury(ctx context.Context, reason string) error {
	return d.settle("bury", func() error {
		if err := d.store(ctx, d.deadLetter(reason)); err != nil {
			return err
		}
		return d.sent(ctx, d.msg.TermWithReason("buried"))
	})
}

// store has the broker keep a dead letter, or the body alone if it takes no more: the message would else come again for ever.
func (d *delivery) store(ctx context.Context, letter *nats.Msg) error {
	_, err := d.source.js.PublishMsg(ctx, letter)
	if isTooLarge(err) {
		if _, err = d.source.js.PublishMsg(ctx, &nats.Msg{Subject: letter.Subject, Data: letter.Data}); err == nil {
			reason := slog.String("reason", letter.Header.Get(reasonHeader))
			d.source.log.ErrorContext(ctx, "dead letter without headers", slog.String("key", d.key), reason)
		}
	}
	if err != nil {
		return fmt.Errorf("store the dead letter: %w", err)
	}
	return nil
}

// isTooLarge says whether a message is larger than the server or the stream takes.
func isTooLarge(err error) bool {
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum)
}

func (d *delivery) deadLetter(reason string) *nats.Msg {
	name := d.source.cfg.Name + deadSuffix
	letter := &nats.Msg{Subject: name, Header: make(nats.Header), Data: d.msg.Data()}
	for name, values := range d.msg.Headers() {
		if !strings.HasPrefix(name, reserved) {
			letter.Header[name] = values
		}
	}
	letter.Header.Set(jetstream.ExpectedStreamHeader, name)
	letter.Header.Set(jetstream.MsgIDHeader, d.id())
	letter.Header.Set(keyHeader, d.key)
	letter.Header.Set(reasonHeader, shortened(reason))
	letter.Header.Set(attemptHeader, strconv.Itoa(d.attempt))
	return letter
}

// sent waits until the broker has read what was sent to it without an error.
func (d *delivery) sent(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return flush(ctx, d.source.conn)
}

// settle tells the broker what became of the message, and makes room for another: if it was told in vain, the message comes again.
func (d *delivery) settle(what string, tell func() error) error {
	defer d.source.makeRoom(1)
	d.source.drop(d)
	if err := tell(); err != nil {
		return fmt.Errorf("%s message: %w", what, err)
	}
	return nil
}
