// Package postgres connects the service to its PostgreSQL database.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"
)

const (
	connectTimeout = 5 * time.Second
	firstPause     = 100 * time.Millisecond
	longestPause   = 3 * time.Second
)

const queryCanceled = "57014" // SQLSTATE

// Config says which database, and how to use it. Only the URL is required.
type Config struct {
	// URL is a connection string of libpq. Run-time parameters in it go before those set here.
	URL string
	// Application is the name under which the server lists the connections.
	Application string
	// MaxConns is the size of the pool: 10 unless set.
	MaxConns int32
	// AcquireTimeout is how long a call waits for a free connection: 1 s unless set.
	AcquireTimeout time.Duration
	// StatementTimeout is how long the server works on one statement: no limit unless set.
	StatementTimeout time.Duration
	// StartTimeout is how long Open waits for the server: 30 s unless set.
	StartTimeout time.Duration
	// TracerProvider takes a span per statement; nil while tracing is off.
	TracerProvider trace.TracerProvider
}

// DB is a pool of connections to one database.
type DB struct {
	pool           *pgxpool.Pool
	acquireTimeout time.Duration
}

// Open connects to the database and returns when it has answered.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	poolConfig, err := cfg.pool()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, fmt.Errorf("make connection pool: %w", err)
	}
	db := &DB{pool: pool, acquireTimeout: cfg.AcquireTimeout}
	if db.acquireTimeout == 0 {
		db.acquireTimeout = time.Second
	}
	startTimeout := cfg.StartTimeout
	if startTimeout == 0 {
		startTimeout = 30 * time.Second
	}
	// The pool has not connected yet: it does so when it is used.
	if err := db.awaitAnswer(ctx, startTimeout, log); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

func (cfg Config) pool() (*pgxpool.Config, error) {
	pool, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", err)
	}
	pool.MaxConns = cfg.MaxConns
	if pool.MaxConns == 0 {
		pool.MaxConns = 10
	}
	pool.MinIdleConns = 1
	pool.MaxConnLifetime = 30 * time.Minute
	pool.MaxConnLifetimeJitter = 5 * time.Minute
	pool.MaxConnIdleTime = 5 * time.Minute
	pool.HealthCheckPeriod = 30 * time.Second

	conn := pool.ConnConfig
	conn.ConnectTimeout = connectTimeout
	if _, set := conn.RuntimeParams["application_name"]; !set && cfg.Application != "" {
		conn.RuntimeParams["application_name"] = cfg.Application
	}
	if _, set := conn.RuntimeParams["statement_timeout"]; !set && cfg.StatementTimeout > 0 {
		conn.RuntimeParams["statement_timeout"] = strconv.FormatInt(cfg.StatementTimeout.Milliseconds(), 10)
	}
	if cfg.TracerProvider != nil {
		conn.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(cfg.TracerProvider))
	}
	return pool, nil
}

// awaitAnswer asks until the database answers, at intervals that grow and differ between replicas.
func (db *DB) awaitAnswer(ctx context.Context, timeout time.Duration, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var reason error
	for longest := firstPause; ; longest = min(2*longest, longestPause) {
		err := db.pool.Ping(ctx)
		if err == nil {
			return nil
		}
		if reason == nil || ctx.Err() == nil { // that the time is over says less than what went wrong before
			reason = err
		}
		pause := rand.N(longest) //nolint:gosec // jitter need not be unpredictable
		log.WarnContext(ctx, "database does not answer", slog.Any("error", err), slog.Float64("retry_in_seconds", pause.Seconds()))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("wait %s for the database: %w", timeout, reason)
		}
	}
}

// Do runs fn on a connection of the pool. If none becomes free in time, the error says when to try again. A statement that the
// server ends at the statement timeout is context.DeadlineExceeded: the context of the same length may end a moment later.
func (db *DB) Do(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	conn, err := db.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = fn(conn.Conn())
	if canceled, ok := errors.AsType[*pgconn.PgError](err); ok && canceled.Code == queryCanceled {
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

func (db *DB) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	acquireCtx, cancel := context.WithTimeout(ctx, db.acquireTimeout)
	defer cancel()
	conn, err := db.pool.Acquire(acquireCtx)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("acquire connection: %w", ctx.Err())
	default:
		return nil, &UnavailableError{cause: err}
	}
}

// busy reports whether every connection is in use. That is no reason to get no requests at all: if all replicas are busy, nobody
// would be left to refuse some of them and to say when to try again.
func (db *DB) busy() bool {
	stat := db.pool.Stat()
	return stat.AcquiredConns() == stat.MaxConns()
}

// Close closes the pool when every connection is back.
func (db *DB) Close() {
	db.pool.Close()
}

// Shutdown is Close, but waits no longer than ctx lasts.
func (db *DB) Shutdown(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		db.pool.Close()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return errors.New("connections are still in use")
	}
}

// UnavailableError is the failure to get a connection: the pool is exhausted, or the server cannot be reached.
type UnavailableError struct {
	cause error
}

func (e *UnavailableError) Error() string { return "acquire connection: " + e.cause.Error() }

func (e *UnavailableError) Unwrap() error { return e.cause }

// RetryAfter is when to try again.
func (e *UnavailableError) RetryAfter() time.Duration { return time.Second }
