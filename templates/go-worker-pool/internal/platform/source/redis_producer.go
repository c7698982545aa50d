package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// Producer sends messages to the stream.
type Producer struct {
	client *redis.Client
	name   string
	close  func(ctx context.Context) error
}

// OpenProducer connects to Redis. It waits for Redis as long as cfg allows.
func OpenProducer(ctx context.Context, cfg Config, log *slog.Logger) (*Producer, error) {
	client, err := newClient(cfg.URL)
	if err != nil {
		return nil, err
	}
	err = await(ctx, cfg.StartTimeout, log, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return &Producer{client: client, name: cfg.Name, close: onceWithContext(func(context.Context) error { return client.Close() })}, nil
}

// Publish returns when Redis has the message: as safely as appendonly and appendfsync say. If an answer is lost, the message is sent again,
// so that it may come twice, with the same key.
func (p *Producer) Publish(ctx context.Context, message Outgoing) error {
	err := p.client.XAdd(ctx, &redis.XAddArgs{Stream: p.name, Values: fields(message.Key, message.Body, message.Header)}).Err()
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Close closes the connections.
func (p *Producer) Close(ctx context.Context) error {
	return p.close(ctx)
}
