package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// sessionTimeout is after how long without a sign of life a worker loses its partitions to others.
	sessionTimeout = 10 * time.Second
	// commitInterval is how old an acknowledgement can be that is lost with a worker that is killed: its message comes again.
	commitInterval = 200 * time.Millisecond
	// drainTimeout is how long a partition that goes to another worker waits for its jobs here. Kafka waits for a minute.
	drainTimeout = 30 * time.Second
	// commitTimeout bounds the commit before partitions go to another worker.
	commitTimeout = 5 * time.Second
	readyTimeout  = time.Second
	// fetchWait is how long a broker waits for messages; partitions that come to be fetched meanwhile wait as long.
	fetchWait = 500 * time.Millisecond
	// fetchBytes is how much is fetched ahead from each broker.
	fetchBytes = 8 << 20
)

// Source brings the messages of the topics NAME and NAME-retry, as a member of the consumer group NAME. A message is settled for good
// when its offset is committed, after it and all before it in its partition are settled.
type Source struct {
	cfg    Config
	log    *slog.Logger
	client *kgo.Client
	admin  *kadm.Client
	close  sync.Once

	// places has one for each message that is delivered and not settled.
	places     chan struct{}
	partitions *assignment
	closing    chan struct{}

	mu sync.Mutex
	// wake ends a poll that waits.
	wake context.CancelFunc
	// outside is why this is no member of the group.
	outside error
}

// Open makes the topics that are missing and joins the group. It waits for the broker.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Source, error) {
	if err := declare(ctx, cfg, log); err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg, log: log, places: make(chan struct{}, cfg.Prefetch), closing: make(chan struct{}), wake: func() {}}
	s.partitions = newAssignment(func(offsets map[string]map[int32]kgo.EpochOffset) { s.client.MarkCommitOffsets(offsets) })
	client, err := connect(context.WithoutCancel(ctx), cfg, log,
		kgo.ConsumerGroup(cfg.Name), kgo.ConsumeTopics(cfg.Name, cfg.retryTopic()), kgo.SessionTimeout(sessionTimeout),
		kgo.FetchMaxWait(fetchWait), kgo.FetchMaxBytes(fetchBytes), kgo.AutoCommitMarks(), kgo.AutoCommitInterval(commitInterval),
		kgo.BlockRebalanceOnPoll(), kgo.OnPartitionsAssigned(s.assigned), kgo.OnPartitionsRevoked(s.revoked), kgo.OnPartitionsLost(s.lost),
	)
	if err != nil {
		return nil, err
	}
	s.client, s.admin = client, kadm.NewClient(client)
	return s, nil
}

// Run passes messages to submit until ctx ends. It brings no more while submit waits, nor while as many as allowed are unsettled.
func (s *Source) Run(ctx context.Context, submit func(context.Context, Message) error) error {
	for ctx.Err() == nil {
		if err := s.deliver(ctx, submit); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// deliver waits for a place and a message, and passes it on.
func (s *Source) deliver(ctx context.Context, submit func(context.Context, Message) error) error {
	select {
	case s.places <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for a settlement: %w", context.Cause(ctx))
	}
	d, err := s.next(ctx)
	if err != nil {
		<-s.places
		return err
	}
	if err := submit(ctx, d.message()); err != nil {
		s.again(d, time.Now()) // if nobody runs s any more: its offset is not committed
		return err
	}
	return nil
}

// next waits for a message.
func (s *Source) next(ctx context.Context) (*delivery, error) {
	for {
		if d := s.partitions.take(time.Now()); d != nil {
			return d, nil
		}
		if err := s.poll(ctx); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for a message: %w", context.Cause(ctx))
		}
	}
}

// poll fetches messages, and returns without any when a message becomes due.
func (s *Source) poll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.wake = cancel
	s.mu.Unlock()
	if due, ok := s.partitions.nextDue(); ok {
		defer time.AfterFunc(time.Until(due), cancel).Stop()
	}

	fetches := s.client.PollRecords(ctx, s.batch())
	defer s.client.AllowRebalance()
	if fetches.IsClientClosed() {
		return kgo.ErrClientClosed
	}
	fetches.EachError(func(topic string, partition int32, err error) {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return
		}
		if broken, ok := errors.AsType[*kgo.ErrGroupSession](err); ok {
			s.setOutside(broken)
		}
		s.log.LogAttrs(ctx, slog.LevelWarn, "fetch failed", slog.Any("error", err), slog.String("topic", topic), slog.Int("partition", int(partition)))
	})
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		deliveries := make([]*delivery, len(fetched.Records))
		for i, record := range fetched.Records {
			deliveries[i] = s.receive(record)
		}
		s.partitions.add(fetched.Topic, fetched.Partition, deliveries)
	})
	return nil
}

// batch is how much may be fetched at a time. What waits for its next attempt does so in memory, up to the prefetch; then its topic waits.
func (s *Source) batch() int {
	room := s.cfg.Prefetch - s.partitions.waits()
	if room <= 0 {
		s.client.PauseFetchTopics(s.cfg.retryTopic())
		return s.cfg.Prefetch
	}
	if 2*room >= s.cfg.Prefetch {
		s.client.ResumeFetchTopics(s.cfg.retryTopic())
	}
	return room
}

// again has a message delivered again that somebody had, and ends the poll that does not know of it.
func (s *Source) again(d *delivery, due time.Time) {
	s.partitions.putBack(d, due)
	<-s.places
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake()
}
