package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// lookEvery is how often a worker looks for messages that are due again, and how long it waits for a new one in between. A look takes
	// Redis about a microsecond for each message that waits for its retry, so that the next look is put off by lookPause for each of them.
	lookEvery = 200 * time.Millisecond
	lookPause = 20 * time.Microsecond
	// receiveTimeout bounds how long a server that does not answer holds up the end of Run.
	receiveTimeout = 3 * time.Second
)

// Run passes messages to submit until ctx ends. While as many as allowed are unsettled, it brings no more.
func (s *Source) Run(ctx context.Context, submit func(context.Context, Message) error) error {
	s.running.Store(true)
	defer s.running.Store(false)
	for pause := firstPause; s.room(ctx); {
		messages, err := s.receive(ctx)
		if err != nil {
			s.log.WarnContext(ctx, "broker does not answer", slog.Any("error", err), slog.Float64("retry_in_seconds", pause.Seconds()))
			sleep(ctx, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		pause = firstPause
		for i, message := range messages {
			if err := submit(ctx, message); err != nil {
				s.release(ctx, messages[i:])
				if ctx.Err() == nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// room waits until another message may be delivered, and says whether ctx has not ended.
func (s *Source) room(ctx context.Context) bool {
	for s.free() == 0 {
		select {
		case <-s.settled:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// free is how many more messages may be delivered.
func (s *Source) free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.cfg.Prefetch-len(s.unsettled))
}

// receive returns messages that are due again, or else new ones. The end of ctx does not interrupt it: what Redis had delivered by then
// would be lost until others take it.
func (s *Source) receive(ctx context.Context) ([]Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveTimeout)
	defer cancel()
	var messages []Message
	var err error
	if !time.Now().Before(s.nextLook) {
		messages, err = s.claim(ctx)
	}
	if err == nil && len(messages) == 0 {
		messages, err = s.read(ctx)
	}
	if redis.HasErrorPrefix(err, "NOGROUP") { // Redis has lost everything, or somebody has deleted the stream
		err = errors.Join(err, s.declare(ctx))
	}
	return messages, err
}

func (s *Source) read(ctx context.Context) ([]Message, error) {
	streams, err := s.client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: s.cfg.Name, Consumer: s.consumer, Streams: []string{s.cfg.Name, ">"}, Count: int64(s.free()),
		Block: min(lookEvery, max(time.Millisecond, time.Until(s.nextLook))),
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	var messages []Message
	for _, stream := range streams {
		for _, entry := range stream.Messages {
			messages = append(messages, s.message(entry, 1))
		}
	}
	return messages, nil
}

// claim takes messages that are due again.
func (s *Source) claim(ctx context.Context) ([]Message, error) {
	free := s.free()
	ready, err := s.pending(ctx, postponed, due, free)
	if err != nil {
		return nil, err
	}
	if len(ready) < free {
		s.nextLook = time.Now().Add(lookEvery + time.Duration(s.waiting.Load())*lookPause)
	}
	if len(ready) == 0 {
		return nil, nil
	}
	ids, attempts := make([]string, len(ready)), make(map[string]int, len(ready))
	for i, one := range ready {
		ids[i], attempts[one.ID] = one.ID, int(one.RetryCount)+1
	}
	entries, err := s.client.XClaim(ctx, &redis.XClaimArgs{
		Stream: s.cfg.Name, Group: s.cfg.Name, Consumer: s.consumer, MinIdle: due, Messages: ids,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	var messages []Message
	for _, entry := range entries {
		message := s.message(entry, attempts[entry.ID])
		if message.Attempt > s.cfg.MaxAttempts {
			_ = s.buryEndless(ctx, message) // it comes again if that fails
			continue
		}
		messages = append(messages, message)
	}
	return messages, nil
}

// message is an entry as it was delivered to this process.
func (s *Source) message(entry redis.XMessage, attempt int) Message {
	s.mu.Lock()
	s.unsettled[entry.ID] = struct{}{}
	s.mu.Unlock()
	message := Message{Key: entry.ID, Header: make(map[string]string), Attempt: attempt}
	for field, value := range entry.Values {
		switch text, _ := value.(string); field {
		case fieldKey:
			message.Key = text
		case fieldBody:
			message.Body = []byte(text)
		case fieldReason, fieldAttempt: // a dead letter that somebody puts back begins anew
		default:
			message.Header[field] = text
		}
	}
	message.Delivery = &delivery{source: s, id: entry.ID, message: message}
	return message
}

// release gives back messages that nobody took.
func (s *Source) release(ctx context.Context, messages []Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveTimeout)
	defer cancel()
	for _, message := range messages {
		if err := message.Release(ctx); err != nil {
			s.log.WarnContext(ctx, "settlement failed", slog.Any("error", err))
		}
	}
}

func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}
