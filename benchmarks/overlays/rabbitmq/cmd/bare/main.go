// Command bare does the jobs of a RabbitMQ queue by amqp091-go alone: each is acknowledged once it is done.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	amqp "github.com/rabbitmq/amqp091-go"

	"example.com/user-service/internal/job"
)

const (
	workers  = 8
	prefetch = 72
)

func main() {
	ctx := context.Background()
	conn, err := amqp.Dial(os.Getenv("RABBITMQ_URL"))
	if err != nil {
		log.Fatal(err)
	}
	channel, err := conn.Channel()
	if err != nil {
		log.Fatal(err)
	}
	if err := channel.Qos(prefetch, 0, false); err != nil {
		log.Fatal(err)
	}
	deliveries, err := channel.Consume(os.Getenv("JOBS"), "", false, false, false, false, nil)
	if err != nil {
		log.Fatal(err)
	}

	words := job.NewCounter(slog.Default())
	for range workers {
		go func() {
			for delivery := range deliveries {
				if err := words.Do(ctx, delivery.MessageId, delivery.Body); err != nil {
					log.Fatal(err)
				}
				if err := delivery.Ack(false); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	select {}
}
