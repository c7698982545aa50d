package source

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Producer sends messages to the queue of a Source.
type Producer struct {
	cfg Config
	log *slog.Logger

	mu      sync.Mutex
	session *session // nil after Close
}

// OpenProducer connects to the broker, for which it waits, and declares the queues that are not there.
func OpenProducer(ctx context.Context, cfg Config, log *slog.Logger) (*Producer, error) {
	p := &Producer{cfg: cfg, log: log}
	if err := p.connect(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Producer) connect(ctx context.Context) error {
	return await(ctx, p.cfg.StartTimeout, p.log, func(ctx context.Context) (err error) {
		p.session, err = connect(ctx, p.cfg)
		return err
	})
}

// Publish returns when the broker has the message for good, for which it waits as long as for its start. After an error the broker may
// have the message or not.
func (p *Producer) Publish(ctx context.Context, message Outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.StartTimeout)
	defer cancel()
	headers := make(amqp.Table, len(message.Header))
	for name, value := range message.Header {
		headers[name] = value
	}
	for {
		current, err := p.live(ctx)
		if err != nil {
			return err
		}
		confirming, stop := context.WithTimeout(ctx, connectTimeout)
		err = current.publish(confirming, p.cfg.Name, amqp.Publishing{
			MessageId: message.Key, Headers: headers, Body: message.Body, DeliveryMode: amqp.Persistent,
		})
		stop()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errLost) {
			return err
		}
		current.abandon() // a broker that has just started may forget what it was sent: another channel helps
	}
}

// live is the session, a new one if the last was lost.
func (p *Producer) live(ctx context.Context) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return nil, errClosed
	}
	if p.session.conn.IsClosed() {
		if err := p.connect(ctx); err != nil {
			return nil, err
		}
	}
	return p.session, nil
}

// Close ends the connection.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return nil
	}
	defer func() { p.session = nil }()
	return p.session.close(ctx)
}
