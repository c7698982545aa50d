// Command load sends each line that it reads as a job, many at the same time.
package main

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"sync"
	"time"
	"uuid"

	"MODULE/internal/platform/source"
)

const (
	senders = 64
	// pause is how long a broker that did not take a job is left alone; whoever started this bounds the time.
	pause = 100 * time.Millisecond
)

func main() {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	producer, err := source.OpenProducer(ctx, source.Config{
		URL: os.Args[1], Name: os.Args[2], Prefetch: 1, MaxAttempts: 1, Hold: time.Second, StartTimeout: time.Minute,
	}, log)
	if err != nil {
		panic(err)
	}
	lines := make(chan string)
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for line := range lines {
				job := source.Outgoing{Key: uuid.NewV7().String(), Body: []byte(line)}
				for err := producer.Publish(ctx, job); err != nil; err = producer.Publish(ctx, job) {
					log.Warn("job not sent", slog.Any("error", err))
					time.Sleep(pause)
				}
			}
		})
	}
	for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
		lines <- scanner.Text()
	}
	close(lines)
	sending.Wait()
	if err := producer.Close(ctx); err != nil {
		panic(err)
	}
}
