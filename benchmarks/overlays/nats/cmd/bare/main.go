// Command bare does the jobs of a JetStream stream by nats.go alone: of each it waits until the server has its acknowledgement.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.com/user-service/internal/job"
)

const (
	workers  = 8
	prefetch = 72
)

func main() {
	ctx := context.Background()
	name := os.Getenv("JOBS")
	conn, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		log.Fatal(err)
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, name, jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1,
	})
	if err != nil {
		log.Fatal(err)
	}

	words := job.NewCounter(slog.Default())
	messages := make(chan jetstream.Msg)
	_, err = consumer.Consume(func(message jetstream.Msg) { messages <- message }, jetstream.PullMaxMessages(prefetch))
	if err != nil {
		log.Fatal(err)
	}
	for range workers {
		go func() {
			for message := range messages {
				if err := words.Do(ctx, message.Headers().Get(jetstream.MsgIDHeader), message.Data()); err != nil {
					log.Fatal(err)
				}
				if err := message.DoubleAck(ctx); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	select {}
}
