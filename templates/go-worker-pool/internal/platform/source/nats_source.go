package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullTime is how long a request for messages stands. Run takes as long to end: what the broker delivers meanwhile is given back.
	pullTime = 500 * time.Millisecond

	// pullMost bounds one request, for which the library makes room, and pullLinger the wait until there is room for a large one.
	pullMost   = 500
	pullLinger = 5 * time.Millisecond

	// pullPause is how long nothing is requested of a broker that refuses.
	pullPause = time.Second

	// The broker delivers a message again when it has heard nothing of it for as long as the messages are to be held, within these bounds.
	shortestAckWait = 5 * time.Second
	longestAckWait  = 30 * time.Second
)

// Source is a durable consumer of a JetStream stream, which all replicas share. Each requests as many messages as it has room for.
type Source struct {
	cfg      Config
	log      *slog.Logger
	conn     *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer

	// room holds a token for each message that may be requested.
	room chan struct{}

	mu   sync.Mutex
	held map[*delivery]struct{}

	onBury func(err error)

	close func() // ends extending
}

// Open connects to the broker and makes what is missing there. It waits for a broker that does not answer yet.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Source, error) {
	s := &Source{cfg: cfg, log: log, room: make(chan struct{}, cfg.Prefetch), held: make(map[*delivery]struct{})}
	var err error
	if s.conn, s.js, err = connect(ctx, cfg, log, s.declare); err != nil {
		return nil, err
	}
	s.makeRoom(cfg.Prefetch)

	extending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { s.extend(extending) })
	s.close = func() {
		stop()
		wg.Wait()
	}
	return s, nil
}

// declare makes the streams and the consumer. The consumer has no limit of deliveries, after which the broker would keep a message and
// deliver it no more, and none of unsettled messages: those that wait for their retry would count, and so would those of other replicas.
func (s *Source) declare(ctx context.Context, js jetstream.JetStream) error {
	if err := declareStreams(ctx, js, s.cfg.Name); err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, s.cfg.Name, jetstream.ConsumerConfig{
		Durable: s.cfg.Name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: s.ackWait(), MaxDeliver: -1, MaxAckPending: -1,
	})
	if err != nil {
		return fmt.Errorf("declare consumer %s: %w", s.cfg.Name, err)
	}
	if s.consumer == nil { // else it is the same: it has the name
		s.consumer = consumer
	}
	return nil
}

func (s *Source) ackWait() time.Duration {
	return min(max(s.cfg.Hold, shortestAckWait), longestAckWait)
}

// Run passes messages to submit until ctx ends. What submit does not take is released.
func (s *Source) Run(ctx context.Context, submit func(context.Context, Message) error) error {
	for count := s.takeRoom(ctx); count > 0; count = s.takeRoom(ctx) {
		if err := s.pull(ctx, count, submit); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// takeRoom returns how many messages can be requested, once there are any; 0 when ctx has ended. While it is little, it waits a moment for
// more: many small requests cost more than the messages.
func (s *Source) takeRoom(ctx context.Context) int {
	select {
	case <-ctx.Done():
		return 0
	case <-s.room:
	}
	count, little := 1, min(s.cfg.Prefetch/4, pullMost)
	moment, cancel := context.WithTimeout(ctx, pullLinger)
	defer cancel()
	for count < little && moment.Err() == nil {
		select {
		case <-s.room:
			count++
		case <-moment.Done():
		}
	}
	for count < pullMost && len(s.room) > 0 { // nobody else takes
		<-s.room
		count++
	}
	if ctx.Err() != nil {
		s.makeRoom(count)
		return 0
	}
	return count
}

func (s *Source) makeRoom(count int) {
	for range count {
		s.room <- struct{}{}
	}
}

// pull requests messages and passes them to submit, whose error it returns.
func (s *Source) pull(ctx context.Context, count int, submit func(context.Context, Message) error) error {
	batch, err := s.consumer.Fetch(count, jetstream.FetchMaxWait(pullTime))
	if err != nil {
		s.makeRoom(count)
		return s.mend(ctx, err)
	}
	deliveries := make(chan *delivery, count)
	go func() {
		defer close(deliveries)
		for msg := range batch.Messages() {
			deliveries <- s.hold(msg)
		}
	}()
	var unwanted []*delivery
	for d := range deliveries {
		count--
		if err == nil && ctx.Err() == nil {
			if err = s.pass(ctx, d, submit); err == nil {
				continue
			}
		}
		unwanted = append(unwanted, d)
	}
	s.makeRoom(count)
	for _, d := range unwanted { // not before: the same request would bring them again
		s.settled(ctx, d.Release(context.WithoutCancel(ctx)))
	}
	if err == nil && batch.Error() != nil {
		return s.mend(ctx, batch.Error())
	}
	return err
}

// pass has a message submitted, or buried if its worker ended again and again before it said what became of it.
func (s *Source) pass(ctx context.Context, d *delivery, submit func(context.Context, Message) error) error {
	if d.attempt <= s.cfg.MaxAttempts {
		return submit(ctx, d.message())
	}
	_ = s.buryEndless(ctx, d.message()) // it comes again if that fails
	return nil
}

// settled says when the broker could not be told what became of a message.
func (s *Source) settled(ctx context.Context, err error) {
	if err != nil {
		s.log.WarnContext(ctx, "settlement failed", slog.Any("error", err))
	}
}

// mend waits a little and makes again what may be missing at a broker that does not deliver. It fails when the connection is closed.
func (s *Source) mend(ctx context.Context, reason error) error {
	if s.conn.IsClosed() {
		return nats.ErrConnectionClosed
	}
	s.log.WarnContext(ctx, "broker does not deliver", slog.Any("error", reason))
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(pullPause):
	}
	if err := s.declare(ctx, s.js); err != nil {
		s.log.WarnContext(ctx, "broker does not deliver", slog.Any("error", err))
	}
	return nil
}

// hold begins to keep a message from being delivered again.
func (s *Source) hold(msg jetstream.Msg) *delivery {
	d := newDelivery(s, msg)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[d] = struct{}{}
	return d
}

// drop says that a message is about to be settled: the broker must hear of it no more.
func (s *Source) drop(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, d)
}

// extend tells the broker again and again of the messages that are held, so that it need not wait long when this process ends suddenly.
func (s *Source) extend(ctx context.Context) {
	tick := time.NewTicker(s.ackWait() / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if err := s.tellHeld(now); err != nil {
				s.log.WarnContext(ctx, "messages are not held", slog.Any("error", err))
			}
		}
	}
}

func (s *Source) tellHeld(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for d := range s.held {
		if now.Sub(d.since) < s.cfg.Hold { // what takes longer has to come again
			errs = append(errs, d.msg.InProgress())
		}
	}
	return errors.Join(errs...)
}

// Ready says whether the broker can deliver.
func (s *Source) Ready(ctx context.Context) error {
	_, err := s.consumerInfo(ctx)
	return err
}

// Lag is the number of messages that were not delivered yet.
func (s *Source) Lag(ctx context.Context) (int64, error) {
	info, err := s.consumerInfo(ctx)
	if err != nil {
		return 0, err
	}
	return int64(info.NumPending), nil //nolint:gosec // there are fewer
}

func (s *Source) consumerInfo(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	if !s.conn.IsConnected() {
		return nil, nats.ErrDisconnected
	}
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the broker for its consumer: %w", err)
	}
	return info, nil
}

// Close sends what the broker has not heard of yet, and closes the connection.
func (s *Source) Close(ctx context.Context) error {
	s.close()
	return disconnect(ctx, s.conn)
}
