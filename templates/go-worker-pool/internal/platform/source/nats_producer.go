package source

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Producer sends messages.
type Producer struct {
	name string
	conn *nats.Conn
	js   jetstream.JetStream
}

// OpenProducer connects to the broker. It waits for one that does not answer yet.
func OpenProducer(ctx context.Context, cfg Config, log *slog.Logger) (*Producer, error) {
	conn, js, err := connect(ctx, cfg, log, func(ctx context.Context, js jetstream.JetStream) error {
		return declareStreams(ctx, js, cfg.Name)
	})
	if err != nil {
		return nil, err
	}
	return &Producer{name: cfg.Name, conn: conn, js: js}, nil
}

// Publish returns when the stream has the message. Of messages with the same key the broker takes only the first, within two minutes
// or what the stream says: after an error the same message can be sent again.
func (p *Producer) Publish(ctx context.Context, message Outgoing) error {
	msg := &nats.Msg{Subject: p.name, Header: make(nats.Header), Data: message.Body}
	for name, value := range message.Header {
		msg.Header[name] = []string{value}
	}
	if message.Key != "" {
		msg.Header[jetstream.MsgIDHeader] = []string{message.Key}
	}
	if _, err := p.js.PublishMsg(ctx, msg, jetstream.WithExpectStream(p.name)); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Close closes the connection.
func (p *Producer) Close(ctx context.Context) error {
	return disconnect(ctx, p.conn)
}
