package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Ready says why no messages can come, if so: the broker does not answer, or this is no member of the group.
func (s *Source) Ready(ctx context.Context) error {
	s.mu.Lock()
	outside := s.outside
	s.mu.Unlock()
	if outside != nil {
		return outside
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, s.client.Ping(ctx) })
	return problem("ask the broker", err)
}

// Lag counts the messages that were not delivered yet, those for a later attempt among them. Of what other members of the group have,
// it knows what they have settled.
func (s *Source) Lag(ctx context.Context) (int64, error) {
	return within(ctx, func() (int64, error) { return s.lag(ctx) })
}

func (s *Source) lag(ctx context.Context) (int64, error) {
	topics := []string{s.cfg.Name, s.cfg.retryTopic()}
	committed, err := s.admin.FetchOffsets(ctx, s.cfg.Name)
	if err != nil {
		return 0, fmt.Errorf("read the offsets of the group: %w", err)
	}
	starts, err := s.admin.ListStartOffsets(ctx, topics...)
	if err = errors.Join(err, starts.Error()); err != nil {
		return 0, fmt.Errorf("read where the topics begin: %w", err)
	}
	ends, err := s.admin.ListEndOffsets(ctx, topics...)
	if err = errors.Join(err, ends.Error()); err != nil {
		return 0, fmt.Errorf("read where the topics end: %w", err)
	}
	var lag int64
	for topic, partitions := range ends {
		for id, end := range partitions {
			start, _ := starts.Lookup(topic, id)
			offset, _ := committed.Lookup(topic, id) // none is 0
			lag += s.partitions.behind(topic, id, max(offset.At, start.Offset), end.Offset)
		}
	}
	return lag, nil
}

// Close commits what is settled and leaves the group. What is not settled goes to other members.
func (s *Source) Close(ctx context.Context) error {
	var err error
	s.close.Do(func() {
		close(s.closing)
		err = errors.Join(
			problem("send what is to be tried again", s.client.Flush(ctx)),
			s.commit(ctx),
			problem("leave the group", s.client.LeaveGroupContext(ctx)),
		)
		_, late := within(ctx, func() (struct{}, error) { s.client.Close(); return struct{}{}, nil })
		err = errors.Join(err, problem("close the connections", late))
	})
	return err
}

// commit commits what is settled. The client does not hear of the end of ctx while it waits for a commit that is under way.
func (s *Source) commit(ctx context.Context) error {
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, s.client.CommitMarkedOffsets(ctx) })
	return problem("commit", err)
}

// within calls ask, and waits no longer than ctx lasts: the client does not hear of its end while it makes a connection.
func within[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := ask()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

func problem(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// assigned, revoked and lost are called by the client, one at a time and not while messages are received.
func (s *Source) assigned(_ context.Context, _ *kgo.Client, added map[string][]int32) {
	s.setOutside(nil)
	s.partitions.assign(added)
}

// revoked lets the jobs of partitions end that go to another member, so that it need not do them again.
func (s *Source) revoked(ctx context.Context, _ *kgo.Client, leaving map[string][]int32) {
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	for _, idle := range s.partitions.drain(leaving) {
		select {
		case <-idle:
		case <-timeout.C:
			timeout.Reset(0)
		case <-s.closing:
		case <-ctx.Done():
		}
	}
	s.partitions.forget(leaving)
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := s.commit(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "commit failed", slog.Any("error", err))
	}
}

func (s *Source) lost(_ context.Context, _ *kgo.Client, left map[string][]int32) {
	s.partitions.forget(left)
}

func (s *Source) setOutside(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outside = reason
}
