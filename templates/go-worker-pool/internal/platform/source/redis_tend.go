package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// beatsInSilence is how often a worker that lives is heard in the time after which it would count as ended.
	beatsInSilence = 4
	// tendTimeout bounds how long a server that does not answer is waited for.
	tendTimeout = 5 * time.Second
	// forgetAfter is how long a consumer without messages has been silent when its name is removed. One that is removed while it reads
	// would lose what it gets, so that it is certain to have ended.
	forgetAfter = time.Hour
	// takeAtOnce is how many messages of a consumer are taken at a time.
	takeAtOnce = 1000
)

// silence is for how long a worker may be silent before others take its messages.
func (s *Source) silence() time.Duration {
	return min(max(s.cfg.Hold, shortestSilence), longestSilence)
}

// tend tells Redis at intervals that this process lives, however long its jobs take, and has the messages of processes that have ended
// delivered again.
func (s *Source) tend(ctx context.Context) {
	tick := time.NewTicker(s.silence() / beatsInSilence)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.tendOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "messages not looked after", slog.Any("error", err))
		}
	}
}

// tendOnce does what has to be done at intervals.
func (s *Source) tendOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tendTimeout)
	defer cancel()
	if err := s.beat(ctx); err != nil {
		return err
	}
	silent := time.Since(s.heard)
	s.heard = time.Now()
	if silent > s.silence()-s.silence()/beatsInSilence {
		return nil // Redis was away, for others too: they get the time to be heard
	}
	s.mu.Lock()
	unsettled := maps.Clone(s.unsettled)
	s.mu.Unlock()
	consumers, err := s.client.XInfoConsumers(ctx, s.cfg.Name, s.cfg.Name).Result()
	if err != nil {
		return fmt.Errorf("list consumers: %w", err)
	}
	var errs []error
	for _, consumer := range consumers {
		errs = append(errs, s.lookAfter(ctx, consumer, unsettled))
	}
	return errors.Join(errs...)
}

// lookAfter has the messages delivered again that a consumer does not settle any more.
func (s *Source) lookAfter(ctx context.Context, consumer redis.XInfoConsumer, unsettled map[string]struct{}) error {
	switch {
	case consumer.Name == postponed:
		s.waiting.Store(consumer.Pending)
		return nil
	case consumer.Name == s.consumer: // their delivery or their settlement did not arrive
		return s.takeFrom(ctx, consumer.Name, unsettled)
	case consumer.Idle <= s.silence():
		return nil
	case consumer.Pending > 0:
		return s.takeFrom(ctx, consumer.Name, nil)
	case consumer.Idle > forgetAfter:
		return s.forget(ctx, consumer.Name)
	default:
		return nil
	}
}

// beat has Redis note that the consumer lives. It reads what is pending behind the last possible entry: nothing.
func (s *Source) beat(ctx context.Context) error {
	err := s.client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: s.cfg.Name, Consumer: s.consumer, Streams: []string{s.cfg.Name, "18446744073709551615-0"}, Count: 1, Block: -1,
	}).Err()
	if err != nil {
		return fmt.Errorf("tell that the consumer lives: %w", err)
	}
	return nil
}

// takeFrom makes the messages of a consumer due, but for those that are being worked on: many at a time, and the next time more.
func (s *Source) takeFrom(ctx context.Context, consumer string, except map[string]struct{}) error {
	found, err := s.pending(ctx, consumer, s.silence(), len(except)+takeAtOnce)
	if err != nil {
		return err
	}
	args := []any{"XCLAIM", s.cfg.Name, s.cfg.Name, postponed, s.silence().Milliseconds()}
	fixed := len(args)
	for _, one := range found {
		if _, ok := except[one.ID]; !ok {
			args = append(args, one.ID)
		}
	}
	if len(args) == fixed {
		return nil
	}
	taken, err := s.client.Do(ctx, append(args, "IDLE", due.Milliseconds(), "JUSTID")...).StringSlice()
	if err != nil {
		return fmt.Errorf("take the messages of %s: %w", consumer, err)
	}
	s.log.WarnContext(ctx, "messages are delivered again", slog.String("consumer", consumer), slog.Int("messages", len(taken)))
	return nil
}

// pending lists the first messages that a consumer has had for as long.
func (s *Source) pending(ctx context.Context, consumer string, idle time.Duration, count int) ([]redis.XPendingExt, error) {
	found, err := s.client.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: s.cfg.Name, Group: s.cfg.Name, Consumer: consumer, Idle: idle, Start: "-", End: "+", Count: int64(count),
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("list pending messages: %w", err)
	}
	return found, nil
}

// leave removes the name of the consumer, if it has ended and settled everything.
func (s *Source) leave(ctx context.Context) error {
	if s.running.Load() {
		return nil
	}
	held, err := s.pending(ctx, s.consumer, 0, 1)
	if len(held) > 0 || redis.HasErrorPrefix(err, "NOGROUP") {
		return nil
	}
	if err != nil {
		return err
	}
	return s.forget(ctx, s.consumer)
}

func (s *Source) forget(ctx context.Context, consumer string) error {
	if err := s.client.XGroupDelConsumer(ctx, s.cfg.Name, s.cfg.Name, consumer).Err(); err != nil {
		return fmt.Errorf("remove consumer %s: %w", consumer, err)
	}
	return nil
}
