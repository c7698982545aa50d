// Package job is work that faults are done to. It notes what it begins and what it has done.
package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
)

// ErrInvalid is the error of a job that no further attempt can do.
var ErrInvalid = errors.New("invalid job")

var errBroken = errors.New("told to fail")

// Counter does the jobs.
type Counter struct {
	journal *os.File
	gate    string
}

// NewCounter opens the journal, to which several workers may write.
func NewCounter(*slog.Logger) *Counter {
	journal, err := os.OpenFile(os.Getenv("JOURNAL"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return &Counter{journal: journal, gate: os.Getenv("GATE")}
}

// Do does the job that body names in its first word and in the way that the second one says: `fail`, `fail-5` the first five times,
// `refuse`, `wait` for the gate, or take a duration, unless PACE says another.
func (c *Counter) Do(ctx context.Context, _ string, body []byte) error {
	name, way, _ := strings.Cut(strings.TrimSpace(string(body)), " ")
	if err := c.note("begun", name); err != nil {
		return err
	}
	switch way {
	case "":
	case "fail":
		return errBroken
	case "fail-5":
		if begun, err := c.begun(name); err != nil || begun <= 5 {
			return cmp.Or(err, errBroken)
		}
	case "refuse":
		return ErrInvalid
	case "wait":
		for c.shut() {
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
	default:
		duration, err := time.ParseDuration(cmp.Or(os.Getenv("PACE"), way))
		if err != nil {
			return err
		}
		if err := pause(ctx, duration); err != nil {
			return err
		}
	}
	return c.note("done", name)
}

func (c *Counter) note(what, name string) error {
	_, err := fmt.Fprintln(c.journal, what, name)
	return err
}

// begun is how often a job was begun, by whichever worker.
func (c *Counter) begun(name string) (int, error) {
	journal, err := os.ReadFile(c.journal.Name())
	return strings.Count(string(journal), "begun "+name+"\n"), err
}

func (c *Counter) shut() bool {
	_, err := os.Stat(c.gate)
	return err != nil
}

func pause(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(duration):
		return nil
	}
}
