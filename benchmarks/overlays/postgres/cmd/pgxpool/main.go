// Command pgxpool asks the database for one user, as often as it can, and prints the queries per second.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5/pgxpool"

	"example.com/user-service/internal/user"
)

func main() {
	id := flag.String("id", "", "the user's id")
	callers := flag.Int("callers", 1, "how many ask at a time")
	duration := flag.Duration("duration", time.Second, "how long they ask")
	flag.Parse()

	ctx := context.Background()
	// As for any program of pgx, the size of the pool is a part of the URL.
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	var done atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range *callers {
		all.Go(func() {
			for time.Since(start) < *duration {
				if _, err := user.SelectRaw(ctx, pool, uuid.MustParse(*id)); err != nil {
					log.Fatal(err)
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	fmt.Println(float64(done.Load()) / time.Since(start).Seconds())
}
