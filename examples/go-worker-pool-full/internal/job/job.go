// Package job is the work of the service. The example counts the words of a text.
package job

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// ErrInvalid is the error of a job that no further attempt can do.
var ErrInvalid = errors.New("invalid job")

// Job is what a message asks for.
type Job struct {
	Text string `json:"text"`
}

// Counter counts words.
type Counter struct {
	log *slog.Logger
}

// NewCounter returns a counter that logs what it has counted.
func NewCounter(log *slog.Logger) *Counter {
	return &Counter{log: log}
}

// Do does one job. It may get the same job again, under the same key, which is the string: what must not happen twice is to be remembered
// by the key, together with its effect.
func (c *Counter) Do(ctx context.Context, _ string, body []byte) error {
	var job Job
	if err := json.Unmarshal(body, &job, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	words := len(strings.Fields(job.Text))
	if words == 0 {
		return fmt.Errorf("%w: the text has no words", ErrInvalid)
	}
	c.log.InfoContext(ctx, "counted", slog.Int("words", words))
	return nil
}
