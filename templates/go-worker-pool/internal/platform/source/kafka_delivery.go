package source

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Headers of a record beside those of its producer. All but the key are read in the topic of retries only.
const (
	headerPrefix    = "job-"
	headerKey       = headerPrefix + "key"
	headerAttempt   = headerPrefix + "attempt"
	headerNotBefore = headerPrefix + "not-before"
	headerReason    = headerPrefix + "reason"
)

// delivery is a record on its way to the workers.
type delivery struct {
	source  *Source
	record  *kgo.Record
	key     string
	header  map[string]string
	attempt int
	// due is when it may be delivered; zero is at once, in the order of the records.
	due time.Time

	partition *partition
	settled   bool
}

// receive reads the headers of a record.
func (s *Source) receive(record *kgo.Record) *delivery {
	d := &delivery{source: s, record: record, attempt: 1}
	isRetry := record.Topic == s.cfg.retryTopic()
	for _, h := range record.Headers {
		value := string(h.Value)
		switch {
		case !isOurs(h):
			if d.header == nil {
				d.header = make(map[string]string, len(record.Headers))
			}
			d.header[h.Key] = value
		case h.Key == headerKey:
			d.key = value
		case h.Key == headerAttempt && isRetry:
			if attempt, err := strconv.Atoi(value); err == nil {
				d.attempt = attempt
			}
		case h.Key == headerNotBefore && isRetry:
			if due, err := time.Parse(time.RFC3339Nano, value); err == nil {
				d.due = due
			}
		}
	}
	if d.key == "" { // the key of a record need not be that of one message
		d.key = fmt.Sprintf("%s/%d/%d", record.Topic, record.Partition, record.Offset)
	}
	return d
}

func isOurs(h kgo.RecordHeader) bool { return strings.HasPrefix(h.Key, headerPrefix) }

func (d *delivery) message() Message {
	return Message{Delivery: d, Key: d.key, Body: d.record.Value, Header: d.header, Attempt: d.attempt}
}

// Ack marks the offset for the next commit.
func (d *delivery) Ack(context.Context) error {
	return d.settle()
}

// Retry sends the message to the topic of retries, as the next attempt.
func (d *delivery) Retry(ctx context.Context, delay time.Duration) error {
	return d.move(ctx, d.source.cfg.retryTopic(), d.attempt+1, headerNotBefore, timestamp(time.Now().Add(delay)))
}

// Release sends the message to the topic of retries, as the same attempt. Were its offset left uncommitted instead, the messages after
// it would come again, too.
func (d *delivery) Release(ctx context.Context) error {
	return d.move(ctx, d.source.cfg.retryTopic(), d.attempt, headerNotBefore, timestamp(time.Now()))
}

// Bury sends the message to the topic of dead letters.
func (d *delivery) Bury(ctx context.Context, reason string) error {
	return d.move(ctx, d.source.cfg.deadTopic(), d.attempt, headerReason, shortened(reason))
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// move settles the message when another topic has it for good. It does not wait longer than ctx for that; if it fails, the message
// is delivered again.
func (d *delivery) move(ctx context.Context, topic string, attempt int, header, value string) error {
	s := d.source
	if s.partitions.isGone(d) { // somebody else has it
		return d.settle()
	}
	headers := slices.DeleteFunc(slices.Clone(d.record.Headers), isOurs)
	headers = append(headers,
		kgo.RecordHeader{Key: headerKey, Value: []byte(d.key)},
		kgo.RecordHeader{Key: headerAttempt, Value: []byte(strconv.Itoa(attempt))},
		kgo.RecordHeader{Key: header, Value: []byte(value)},
	)
	record := &kgo.Record{Topic: topic, Key: d.record.Key, Value: d.record.Value, Headers: headers}
	return send(ctx, s.client, record, func(err error) error {
		if err == nil {
			return d.settle()
		}
		s.again(d, time.Now().Add(longestPause))
		s.log.LogAttrs(ctx, slog.LevelWarn, "message not moved", slog.Any("error", err), slog.String("topic", topic), slog.String("key", d.key))
		return err
	})
}

func (d *delivery) settle() error {
	defer func() { <-d.source.places }()
	return d.source.partitions.settle(d)
}
