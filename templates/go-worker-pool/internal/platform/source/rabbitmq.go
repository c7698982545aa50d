// Package source brings the messages of a RabbitMQ queue to the workers, and tells RabbitMQ what became of them.
package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// roundOfTries is how long a lost connection is tried before that begins anew.
	roundOfTries = time.Hour
	// patience is how long the broker has for what nobody else sets a limit to.
	patience = 5 * time.Second
)

var errClosed = errors.New("already closed")

// Source is a queue of jobs. Delivery is at least once: a message comes again unless the broker has heard of its end.
type Source struct {
	cfg     Config
	log     *slog.Logger
	session atomic.Pointer[session]
	onBury  func(err error)
}

// CheckURL says what is wrong with the URL of a broker, without repeating it: there may be a password in it.
func CheckURL(text string) error {
	uri, err := amqp.ParseURI(text)
	if err != nil {
		return errors.New("not a URL such as amqp://user:password@localhost:5672/")
	}
	if parsed, err := url.Parse(text); err != nil || parsed.Hostname() == "" {
		return errors.New("no host in the URL")
	}
	if uri.Port < 1 || uri.Port > math.MaxUint16 {
		return errors.New("no port of the URL can be " + strconv.Itoa(uri.Port))
	}
	return nil
}

// Open connects to the broker, for which it waits, and declares the queues that are not there.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Source, error) {
	s := &Source{cfg: cfg, log: log}
	if err := await(ctx, cfg.StartTimeout, log, s.connect); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Source) connect(ctx context.Context) error {
	opened, err := connect(ctx, s.cfg)
	if err != nil {
		return err
	}
	s.session.Store(opened)
	return nil
}

// Run passes messages to submit until ctx ends, and connects again whenever the connection is lost.
func (s *Source) Run(ctx context.Context, submit func(context.Context, Message) error) error {
	for {
		current := s.session.Load()
		if current == nil {
			return errClosed
		}
		err := s.consume(ctx, current, submit)
		if !errors.Is(err, errLost) {
			return err
		}
		s.log.WarnContext(ctx, "connection to the broker lost", slog.Any("error", err))
		current.abandon()
		if !s.reconnect(ctx) {
			return nil
		}
		s.log.InfoContext(ctx, "connected to the broker again")
	}
}

// reconnect tries until that works or ctx ends, and says which.
func (s *Source) reconnect(ctx context.Context) bool {
	for ctx.Err() == nil {
		if await(ctx, roundOfTries, s.log, s.connect) == nil {
			return true
		}
	}
	return false
}

// consume passes on what is delivered within one session. Its error is errLost, or that of submit.
func (s *Source) consume(ctx context.Context, current *session, submit func(context.Context, Message) error) error {
	deliveries, err := current.consume(s.cfg)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			current.stopConsuming(ctx, deliveries)
			return nil
		case original, ok := <-deliveries:
			if !ok {
				return current.whyLost()
			}
			message := newMessage(s.cfg, current, original)
			if message.Attempt > s.cfg.MaxAttempts {
				if err := s.buryEndless(ctx, message); err != nil {
					return fmt.Errorf("%w: %w", errLost, err)
				}
				continue
			}
			if err := submit(ctx, message); err != nil {
				current.stopConsuming(ctx, deliveries, original)
				if ctx.Err() == nil {
					return err
				}
				return nil
			}
		}
	}
}

// Ready says whether the broker answers and has the queue.
func (s *Source) Ready(ctx context.Context) error {
	_, err := s.Lag(ctx)
	return err
}

// Lag is how many messages wait for their first delivery, or for the next one after a delay that is over.
func (s *Source) Lag(ctx context.Context) (int64, error) {
	current := s.session.Load()
	if current == nil {
		return 0, errClosed
	}
	waiting, err := current.waiting(ctx, s.cfg.Name)
	if err != nil {
		return 0, fmt.Errorf("look at queue %s: %w", s.cfg.Name, err)
	}
	return int64(waiting), nil
}

// Close returns when the broker has every settlement, and gives back what was not settled.
func (s *Source) Close(ctx context.Context) error {
	current := s.session.Swap(nil)
	if current == nil {
		return nil
	}
	return current.close(ctx)
}
