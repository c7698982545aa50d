package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// A connection on which nothing arrives may be dead: after checkInterval it has to answer within checkTimeout.
const (
	checkInterval = 30 * time.Second
	checkTimeout  = 5 * time.Second
)

// Subscriber is told what a Listener hears, one call at a time. Its methods must not wait for anything.
type Subscriber interface {
	// Subscribed says that from now on every notification arrives.
	Subscribed()
	// Notified passes on a notification. An error makes the Listener connect anew.
	Notified(payload string) error
	// Lost says that until Subscribed notifications may be missed.
	Lost(err error)
}

// Listener hears the notifications of one channel, on a connection besides those of the pool. It connects again until it is
// stopped. The URL must lead to the server itself: a pooler that gives each transaction another connection passes none on.
type Listener struct {
	cfg        Config
	channel    string
	subscriber Subscriber
	log        *slog.Logger

	checkInterval, checkTimeout time.Duration

	stopping context.Context //nolint:containedctx // ends when the stop begins
	stop     context.CancelFunc

	// serving is held by Serve, and by what has to wait for its end.
	serving sync.Mutex
	conn    *pgx.Conn // nil while not connected

	listening atomic.Bool
}

// NewListener returns a Listener that tells subscriber.
func NewListener(cfg Config, channel string, subscriber Subscriber, log *slog.Logger) *Listener {
	stopping, stop := context.WithCancel(context.Background())
	return &Listener{
		cfg: cfg, channel: channel, subscriber: subscriber, log: log,
		checkInterval: checkInterval, checkTimeout: checkTimeout,
		stopping: stopping, stop: stop,
	}
}

// Collector returns a metric that says whether notifications arrive.
func (l *Listener) Collector() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "postgres_listener_connected",
		Help:        "1 if notifications of the database arrive, else 0.",
		ConstLabels: prometheus.Labels{"channel": l.channel},
	}, func() float64 {
		if l.listening.Load() {
			return 1
		}
		return 0
	})
}

// Listen connects for the first time. There is no address to return.
func (l *Listener) Listen(ctx context.Context) (string, error) {
	return "", l.connect(ctx)
}

// Serve hears notifications until Shutdown or Close. A connection that is lost is no error.
func (l *Listener) Serve() error {
	l.serving.Lock()
	defer l.serving.Unlock()
	ctx := l.stopping
	for l.conn != nil {
		err := l.receive(ctx)
		l.listening.Store(false)
		l.subscriber.Lost(err)
		l.disconnect(ctx)
		if ctx.Err() != nil {
			break
		}
		l.log.WarnContext(ctx, "notifications are interrupted", slog.Any("error", err))
		l.reconnect(ctx)
	}
	return nil
}

// Shutdown disconnects.
func (l *Listener) Shutdown(ctx context.Context) error {
	l.stop()
	l.serving.Lock() // which Serve gives back at once
	defer l.serving.Unlock()
	l.disconnect(ctx)
	return nil
}

// Close disconnects.
func (l *Listener) Close() error {
	return l.Shutdown(context.Background())
}

func (l *Listener) connect(ctx context.Context) error {
	pool, err := l.cfg.pool()
	if err != nil {
		return err
	}
	pool.ConnConfig.Tracer = nil // no request ever waits for this connection

	ctx, cancel := context.WithTimeout(ctx, 2*connectTimeout) // also for what follows the connection itself
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, pool.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	l.conn = conn
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel}.Sanitize()); err != nil {
		l.disconnect(ctx)
		return fmt.Errorf("listen: %w", err)
	}
	l.listening.Store(true)
	l.subscriber.Subscribed()
	return nil
}

// reconnect tries to connect, at intervals that grow and differ between replicas, until it has or ctx ends.
func (l *Listener) reconnect(ctx context.Context) {
	for longest := firstPause; ; longest = min(2*longest, longestPause) {
		select {
		case <-time.After(rand.N(longest)): //nolint:gosec // jitter need not be unpredictable
		case <-ctx.Done():
			return
		}
		err := l.connect(ctx)
		switch {
		case err == nil:
			l.log.InfoContext(ctx, "notifications arrive again")
			return
		case ctx.Err() == nil: // otherwise it is the stop that fails it
			l.log.WarnContext(ctx, "notifications are still interrupted", slog.Any("error", err))
		}
	}
}

// receive passes notifications on until there is an error.
func (l *Listener) receive(ctx context.Context) error {
	for {
		payload, silent, err := l.next(ctx)
		switch {
		case err != nil:
			return err
		case silent:
			err = l.check(ctx)
		default:
			err = l.subscriber.Notified(payload)
		}
		if err != nil {
			return fmt.Errorf("listen on %s: %w", l.channel, err)
		}
	}
}

// next waits for a notification, or says that the connection was silent.
func (l *Listener) next(ctx context.Context) (payload string, silent bool, err error) {
	waitCtx, cancel := context.WithTimeout(ctx, l.checkInterval)
	defer cancel()
	notification, err := l.conn.WaitForNotification(waitCtx)
	switch {
	case err == nil:
		return notification.Payload, false, nil
	case waitCtx.Err() != nil && ctx.Err() == nil && !l.conn.IsClosed():
		return "", true, nil
	default:
		return "", false, fmt.Errorf("wait for notification: %w", err)
	}
}

func (l *Listener) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.checkTimeout)
	defer cancel()
	if err := l.conn.Ping(ctx); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// disconnect closes the connection, if there is one. How that goes makes no difference to anybody.
func (l *Listener) disconnect(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	if err := l.conn.Close(ctx); err != nil {
		l.log.DebugContext(ctx, "close connection", slog.Any("error", err))
	}
	l.conn = nil
}
