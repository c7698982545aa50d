package source

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Producer sends messages to the topic NAME.
type Producer struct {
	topic  string
	client *kgo.Client
}

// OpenProducer makes the topics that are missing. It waits for the broker.
func OpenProducer(ctx context.Context, cfg Config, log *slog.Logger) (*Producer, error) {
	if err := declare(ctx, cfg, log); err != nil {
		return nil, err
	}
	client, err := connect(context.WithoutCancel(ctx), cfg, log)
	if err != nil {
		return nil, err
	}
	return &Producer{topic: cfg.Name, client: client}, nil
}

// Publish sends a message and returns when all replicas in sync have it.
func (p *Producer) Publish(ctx context.Context, message Outgoing) error {
	record := &kgo.Record{Topic: p.topic, Value: bytes.Clone(message.Body)} // it may still be under way when ctx ends
	if message.Key != "" {
		record.Key = []byte(message.Key)
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: headerKey, Value: record.Key})
	}
	for name, value := range message.Header {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return send(ctx, p.client, record, func(err error) error { return err })
}

// Close closes the connections. What Publish gave up may be lost.
func (p *Producer) Close(context.Context) error {
	p.client.Close()
	return nil
}

// send waits until the broker has a record, or ctx ends. It calls done with what came of the record, which may be later.
func send(ctx context.Context, client *kgo.Client, record *kgo.Record, done func(error) error) error {
	outcome := make(chan error, 1)
	client.Produce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) { outcome <- done(problem("send to "+record.Topic, err)) })
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return fmt.Errorf("send to %s: not known whether the broker has it: %w", record.Topic, context.Cause(ctx))
	}
}
