package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	connectTimeout = 10 * time.Second
	// maxUnconfirmed is how many messages are published and not yet confirmed, at most.
	maxUnconfirmed = 256
	// consumerTag names the only consumer of a channel.
	consumerTag = "jobs"
	// serverTimeout is how long RabbitMQ waits for a settlement by default before it closes the channel.
	serverTimeout = 30 * time.Minute
)

// errLost is in the error of everything that a session cannot do any more. What was delivered in it and not settled comes again.
var errLost = errors.New("connection lost")

var errRefused = errors.New("refused by the broker")

// session is a connection: a channel for deliveries, one for what is published, and one more for every question.
type session struct {
	conn *amqp.Connection
	lost <-chan *amqp.Error
	jobs *amqp.Channel
	out  *amqp.Channel

	// unconfirmed has a place for each message that is on its way, and returned one for each that no queue takes.
	unconfirmed chan struct{}
	returned    chan amqp.Return

	returning  sync.Mutex
	unroutable map[address]int

	declaring sync.Mutex
	declared  map[string]bool
}

// address is where a message was to go, and its key.
type address struct{ queue, key string }

// connect opens a session and declares the queues that are not there.
func connect(ctx context.Context, cfg Config) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var transport net.Conn
	var dialer net.Dialer
	interrupt := func() {
		if transport != nil {
			_ = transport.Close()
		}
	}
	uninterrupted := func() bool { return true }
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(cfg.Name)
	conn, err := amqp.DialConfig(cfg.URL, amqp.Config{
		Properties: properties,
		Dial: func(network, address string) (_ net.Conn, err error) {
			if transport, err = dialer.DialContext(ctx, network, address); err != nil {
				return nil, err //nolint:wrapcheck // it is passed on by DialConfig
			}
			uninterrupted = context.AfterFunc(ctx, interrupt)
			return transport, nil
		},
	})
	var s *session
	if err == nil {
		s, err = newSession(conn, cfg)
	}
	if !uninterrupted() {
		err = context.Cause(ctx)
	}
	if err != nil {
		interrupt()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return s, nil
}

func newSession(conn *amqp.Connection, cfg Config) (_ *session, err error) {
	s := &session{
		conn:        conn,
		lost:        conn.NotifyClose(make(chan *amqp.Error, 1)),
		unconfirmed: make(chan struct{}, maxUnconfirmed),
		unroutable:  make(map[address]int),
		declared:    make(map[string]bool),
	}
	for _, queue := range []struct {
		name string
		args amqp.Table
	}{
		{deadQueue(cfg.Name), endlessQueue()},
		{cfg.Name, queueBefore(deadQueue(cfg.Name))},
	} {
		if err := s.declare(queue.name, queue.args); err != nil {
			return nil, err
		}
	}
	if s.jobs, err = conn.Channel(); err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	if err := s.jobs.Qos(min(cfg.Prefetch, math.MaxUint16), 0, false); err != nil {
		return nil, fmt.Errorf("limit unsettled messages: %w", err)
	}
	if s.out, err = conn.Channel(); err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	s.returned = s.out.NotifyReturn(make(chan amqp.Return, maxUnconfirmed))
	if err := s.out.Confirm(false); err != nil {
		return nil, fmt.Errorf("ask for confirms: %w", err)
	}
	return s, nil
}

// consume begins the deliveries.
func (s *session) consume(cfg Config) (<-chan amqp.Delivery, error) {
	args := amqp.Table{}
	if cfg.Hold > serverTimeout/2 {
		args["x-consumer-timeout"] = 2 * cfg.Hold.Milliseconds() // from RabbitMQ 3.12 on; before that only the server's setting helps
	}
	deliveries, err := s.jobs.Consume(cfg.Name, consumerTag, false, false, false, false, args)
	if err != nil {
		return nil, fmt.Errorf("%w: consume: %w", errLost, err)
	}
	return deliveries, nil
}

// stopConsuming ends the deliveries and gives back those that nobody has taken: not before the end, or they would come at once again.
func (s *session) stopConsuming(ctx context.Context, deliveries <-chan amqp.Delivery, untaken ...amqp.Delivery) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_, _ = within(ctx, func() (struct{}, error) { return struct{}{}, s.jobs.Cancel(consumerTag, false) })
	for {
		select {
		case delivery, ok := <-deliveries:
			if ok {
				untaken = append(untaken, delivery)
				continue
			}
		case <-ctx.Done(): // a broker that does not answer: what is left comes again when the connection ends
		}
		break
	}
	for _, delivery := range untaken {
		_ = delivery.Nack(false, true)
	}
}

// whyLost is what ended the deliveries.
func (s *session) whyLost() error {
	select {
	case reason := <-s.lost:
		if reason != nil {
			return fmt.Errorf("%w: %w", errLost, reason)
		}
	default:
	}
	return fmt.Errorf("%w: the broker ended the deliveries", errLost)
}

// publish returns when the broker has a message for good. What is refused is sent again until ctx ends: a queue that has no leader yet
// refuses everything, as one does that is full.
func (s *session) publish(ctx context.Context, queue string, message amqp.Publishing) error {
	for longest := firstPause; ; longest = min(2*longest, longestPause) {
		err := s.publishOnce(ctx, queue, message)
		if !errors.Is(err, errRefused) {
			return err
		}
		select {
		case <-time.After(rand.N(longest)): //nolint:gosec // jitter need not be unpredictable
		case <-ctx.Done():
			return err
		}
	}
}

func (s *session) publishOnce(ctx context.Context, queue string, message amqp.Publishing) error {
	select {
	case s.unconfirmed <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("publish to %s: %w", queue, context.Cause(ctx))
	}
	confirm, err := s.out.PublishWithDeferredConfirm("", queue, true, false, message)
	if err != nil {
		<-s.unconfirmed
		return fmt.Errorf("publish to %s: %w", queue, lostIfClosed(err))
	}
	select {
	case <-confirm.Done():
		defer func() { <-s.unconfirmed }()
	case <-ctx.Done():
		go func() {
			<-confirm.Done()
			<-s.unconfirmed
		}()
		return fmt.Errorf("publish to %s: not confirmed: %w", queue, context.Cause(ctx))
	}
	switch {
	case s.wasReturned(address{queue, message.MessageId}):
		s.forget(queue)
		return fmt.Errorf("publish to %s: the queue does not exist", queue)
	case confirm.Acked():
		return nil
	case s.out.IsClosed():
		return fmt.Errorf("publish to %s: %w", queue, errLost)
	default:
		return fmt.Errorf("publish to %s: %w", queue, errRefused)
	}
}

// wasReturned says whether a message that is confirmed is in no queue. The broker returns it before it confirms it.
func (s *session) wasReturned(to address) bool {
	s.returning.Lock()
	defer s.returning.Unlock()
	for range len(s.returned) {
		if message, ok := <-s.returned; ok {
			s.unroutable[address{message.RoutingKey, message.MessageId}]++
		}
	}
	if s.unroutable[to] == 0 {
		return false
	}
	if s.unroutable[to]--; s.unroutable[to] == 0 {
		delete(s.unroutable, to)
	}
	return true
}

// waiting is how many messages of a queue are not delivered.
func (s *session) waiting(ctx context.Context, queue string) (int, error) {
	return within(ctx, func() (count int, err error) {
		err = s.ask(func(channel *amqp.Channel) error {
			found, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
			count = found.Messages
			return err //nolint:wrapcheck // it is wrapped by Lag
		})
		return count, err
	})
}

// ask does something in a channel of its own: an answer that is an error closes the channel.
func (s *session) ask(question func(*amqp.Channel) error) error {
	channel, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", lostIfClosed(err))
	}
	if err := question(channel); err != nil {
		return lostIfClosed(err)
	}
	if err := channel.Close(); err != nil {
		return fmt.Errorf("close channel: %w", lostIfClosed(err))
	}
	return nil
}

// close returns when the broker has all that was sent, and gives back what was not settled.
func (s *session) close(ctx context.Context) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(patience)
	}
	if err := s.conn.CloseDeadline(deadline); err != nil && !errors.Is(err, amqp.ErrClosed) {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

// abandon ends a session of which nothing more is expected.
func (s *session) abandon() {
	_ = s.conn.CloseDeadline(time.Now().Add(patience))
}

// within does something that knows no context. What is left behind when ctx ends, ends with the connection.
func within[T any](ctx context.Context, do func() (T, error)) (value T, err error) {
	if ctx.Err() != nil {
		return value, fmt.Errorf("not begun: %w", context.Cause(ctx))
	}
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := do()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		return value, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

func lostIfClosed(err error) error {
	if errors.Is(err, amqp.ErrClosed) {
		return errLost
	}
	return err
}
