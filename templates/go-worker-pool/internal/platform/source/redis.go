// Package source brings messages from a Redis stream. A message is acknowledged only when its job is done: delivery is at least once.
//
// The stream and its consumer group have the same name. What is acknowledged leaves the stream too, so that it stays as long as there is
// work: a second group on it would miss messages. A message is buried in one transaction on two keys, so that the server cannot be a
// cluster.
package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"uuid"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// For how long a worker may be silent before others take its messages: as long as messages are to be held, within these bounds. Below, a
// moment without processor time would look like an end; above, nothing is gained, since a worker that lives is never silent for long.
const (
	shortestSilence = 5 * time.Second
	longestSilence  = 30 * time.Second
)

// Source brings messages to one process, which is a consumer of the group. It needs Redis 7.0: older ones cannot find pending messages by
// their idle time (before 6.2), or stumble over those that somebody has deleted.
type Source struct {
	cfg      Config
	log      *slog.Logger
	client   *redis.Client
	consumer string

	running atomic.Bool
	// waiting is how many messages are postponed.
	waiting atomic.Int64
	// nextLook is when Run looks for messages that are due again, and heard when Redis has last heard of the consumer from tend.
	nextLook, heard time.Time

	mu        sync.Mutex
	unsettled map[string]struct{}
	// settled has an element when a message was settled lately.
	settled chan struct{}

	onBury func(err error)

	close func(ctx context.Context) error
}

// CheckURL says whether text is the URL of a Redis server.
func CheckURL(text string) error {
	_, err := parse(text)
	return err
}

// Open connects to Redis and declares the stream and its group. It waits for Redis as long as cfg allows.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Source, error) {
	client, err := newClient(cfg.URL)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	s := &Source{
		cfg: cfg, log: log, client: client, consumer: host + "-" + uuid.NewV7().String(), heard: time.Now(),
		unsettled: make(map[string]struct{}), settled: make(chan struct{}, 1),
	}
	if err := await(ctx, cfg.StartTimeout, log, s.declare); err != nil {
		return nil, errors.Join(err, client.Close())
	}

	tending, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.tend(tending)
	}()
	s.close = onceWithContext(func(ctx context.Context) error {
		stop()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		return errors.Join(s.leave(ctx), client.Close())
	})
	return s, nil
}

// Ready says whether Redis answers.
func (s *Source) Ready(ctx context.Context) error {
	if err := s.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// Lag returns how many messages wait for their first delivery: the stream holds these and the pending ones. The lag that Redis itself
// counts is from version 7.0 on, and unknown at times.
func (s *Source) Lag(ctx context.Context) (int64, error) {
	var length *redis.IntCmd
	var pending *redis.XPendingCmd
	_, err := s.client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		length, pending = tx.XLen(ctx, s.cfg.Name), tx.XPending(ctx, s.cfg.Name, s.cfg.Name)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	return max(0, length.Val()-pending.Val().Count), nil
}

// Close closes the connections. What is unsettled comes again, to other workers once this one has been silent for a while.
func (s *Source) Close(ctx context.Context) error {
	return s.close(ctx)
}

// declare makes the stream and the group if they are missing.
func (s *Source) declare(ctx context.Context) error {
	err := s.client.XGroupCreateMkStream(ctx, s.cfg.Name, s.cfg.Name, "0").Err()
	if err != nil && !redis.HasErrorPrefix(err, "BUSYGROUP") {
		return fmt.Errorf("declare the consumer group: %w", err)
	}
	return nil
}

func newClient(text string) (*redis.Client, error) {
	opts, err := parse(text)
	if err != nil {
		return nil, err
	}
	logging.Disable() // what it has to say comes as errors too
	opts.ContextTimeoutEnabled = true
	opts.DialerRetries = 1 // each call is tried again as a whole
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(opts), nil
}

// parse reads a URL. Its error does not contain the password.
func parse(text string) (*redis.Options, error) {
	opts, err := redis.ParseURL(text)
	if invalid, ok := errors.AsType[*url.Error](err); ok {
		err = invalid.Err
	}
	if err != nil {
		return nil, fmt.Errorf("parse the URL: %w", err)
	}
	return opts, nil
}

// onceWithContext returns a function that calls f the first time and does nothing later.
func onceWithContext(f func(ctx context.Context) error) func(ctx context.Context) error {
	var once sync.Once
	return func(ctx context.Context) (err error) {
		once.Do(func() { err = f(ctx) })
		return err
	}
}
