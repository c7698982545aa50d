// Command bare does the jobs of a Redis stream by go-redis alone: each is acknowledged and deleted once it is done.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"

	"example.com/user-service/internal/job"
)

const (
	workers  = 8
	prefetch = 72
)

func main() {
	ctx := context.Background()
	name := os.Getenv("JOBS")
	opts, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	client := redis.NewClient(opts)
	if err := client.XGroupCreateMkStream(ctx, name, name, "0").Err(); err != nil {
		log.Fatal(err)
	}

	words := job.NewCounter(slog.Default())
	entries := make(chan redis.XMessage, prefetch-workers)
	for range workers {
		go func() {
			for entry := range entries {
				key, _ := entry.Values["key"].(string)
				body, _ := entry.Values["body"].(string)
				if err := words.Do(ctx, key, []byte(body)); err != nil {
					log.Fatal(err)
				}
				_, err := client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
					tx.XAck(ctx, name, name, entry.ID)
					tx.XDel(ctx, name, entry.ID)
					return nil
				})
				if err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	for {
		streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: name, Consumer: "bare", Streams: []string{name, ">"}, Count: prefetch,
		}).Result()
		if err != nil {
			log.Fatal(err)
		}
		for _, entry := range streams[0].Messages {
			entries <- entry
		}
	}
}
