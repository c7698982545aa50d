// Command fill sends a number of jobs, many at the same time.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"
	"uuid"

	"example.com/user-service/internal/platform/source"
)

const senders = 128

func main() {
	count, err := strconv.Atoi(os.Getenv("COUNT"))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	producer, err := source.OpenProducer(ctx, source.Config{
		URL: os.Getenv("URL"), Name: os.Getenv("JOBS"), Prefetch: 1, MaxAttempts: 1, Hold: time.Minute, StartTimeout: time.Minute,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	jobs := make(chan struct{})
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for range jobs {
				message := source.Outgoing{Key: uuid.NewV7().String(), Body: []byte(`{"text": "hello world"}`)}
				if err := producer.Publish(ctx, message); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	for range count {
		jobs <- struct{}{}
	}
	close(jobs)
	sending.Wait()
	if err := producer.Close(ctx); err != nil {
		log.Fatal(err)
	}
}
