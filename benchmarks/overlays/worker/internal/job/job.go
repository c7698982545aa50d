// Package job does nothing, or counts, and says how often it can be done.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// ErrInvalid is the error of no job.
var ErrInvalid = errors.New("invalid job")

// Counter counts the jobs up to a number.
type Counter struct {
	total int64
	turns int
	done  atomic.Int64
	begun func() time.Time
}

// NewCounter returns a counter up to COUNT, each of whose jobs counts to TURNS.
func NewCounter(*slog.Logger) *Counter {
	total, err := strconv.ParseInt(os.Getenv("COUNT"), 10, 64)
	if err != nil {
		panic(err)
	}
	turns, err := strconv.Atoi(os.Getenv("TURNS"))
	if err != nil {
		panic(err)
	}
	return &Counter{total: total, turns: turns, begun: sync.OnceValue(time.Now)}
}

// Do prints the jobs per second when it is called for the last of them, and ends the process.
func (c *Counter) Do(context.Context, string, []byte) error {
	begun := c.begun()
	for range c.turns {
		runtime.KeepAlive(c)
	}
	if c.done.Add(1) == c.total {
		fmt.Println(float64(c.total) / time.Since(begun).Seconds())
		os.Exit(0)
	}
	return nil
}
