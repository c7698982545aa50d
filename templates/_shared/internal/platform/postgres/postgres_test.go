package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	//% if tracing
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	//% endif
	"go.uber.org/goleak"

	"[[ module ]]/internal/platform/postgres"
	"[[ module ]]/internal/platform/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, cfg postgres.Config) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// query returns the one text that a statement has as its answer.
func query(ctx context.Context, db *postgres.DB, statement string) (string, error) {
	var answer string
	err := db.Do(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, statement).Scan(&answer)
	})
	return answer, err
}

// hold takes the only connection of db until release is called.
func hold(t *testing.T, db *postgres.DB) (release func()) {
	t.Helper()
	taken, give, given := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		given <- db.Do(t.Context(), func(*pgx.Conn) error {
			close(taken)
			<-give
			return nil
		})
	}()
	<-taken
	return func() {
		close(give)
		require.NoError(t, <-given)
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	cfg := postgres.Config{URL: postgrestest.New(t), Application: "[[ name ]]", StatementTimeout: 2 * time.Second}
	//% if tracing
	spans := tracetest.NewSpanRecorder()
	cfg.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	//% endif
	db := open(t, cfg)

	ctx := t.Context()
	//% if tracing
	ctx, span := cfg.TracerProvider.Tracer("test").Start(ctx, "request")
	defer span.End()
	//% endif
	name, err := query(ctx, db, "SHOW application_name")
	require.NoError(t, err)
	assert.Equal(t, "[[ name ]]", name)

	limit, err := query(t.Context(), db, "SHOW statement_timeout")
	require.NoError(t, err)
	assert.Equal(t, "2s", limit)

	_, err = query(t.Context(), db, "SELECT 'broken")
	broken, ok := errors.AsType[*pgconn.PgError](err)
	require.True(t, ok, "the server's own error: %v", err)
	assert.Equal(t, "42601", broken.Code)
	//% if tracing
	ended := spans.Ended()
	require.NotEmpty(t, ended)
	assert.Equal(t, "SHOW", ended[len(ended)-1].Name())
	assert.Equal(t, span.SpanContext().TraceID(), ended[0].SpanContext().TraceID())
	//% endif
}

func TestURLGoesBeforeTheDefaults(t *testing.T) {
	t.Parallel()
	dsn, err := url.Parse(postgrestest.New(t))
	require.NoError(t, err)
	values := dsn.Query()
	values.Set("application_name", "mine")
	values.Set("statement_timeout", "3000")
	dsn.RawQuery = values.Encode()
	db := open(t, postgres.Config{URL: dsn.String(), Application: "[[ name ]]", StatementTimeout: time.Second})

	for setting, want := range map[string]string{"application_name": "mine", "statement_timeout": "3s"} {
		got, err := query(t.Context(), db, "SHOW "+setting)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestStatementTimeoutIsADeadline(t *testing.T) {
	t.Parallel()
	db := open(t, postgres.Config{URL: postgrestest.New(t), StatementTimeout: time.Millisecond})

	_, err := query(t.Context(), db, "SELECT pg_sleep(60)::text")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "statement timeout")
}

func TestDoGivesUpWhenThePoolIsExhausted(t *testing.T) {
	t.Parallel()
	db := open(t, postgres.Config{URL: postgrestest.New(t), MaxConns: 1, AcquireTimeout: 200 * time.Millisecond})
	release := hold(t, db)

	_, err := query(t.Context(), db, "SELECT 'x'")
	unavailable, ok := errors.AsType[*postgres.UnavailableError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, time.Second, unavailable.RetryAfter())
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = query(ended, db, "SELECT 'x'")
	require.ErrorIs(t, err, context.Canceled)
	_, ok = errors.AsType[*postgres.UnavailableError](err)
	assert.False(t, ok, "a caller that left is no reason to try again")

	release()
	_, err = query(t.Context(), db, "SELECT 'x'")
	require.NoError(t, err)
}

func TestDoGivesTheConnectionBackAfterAPanic(t *testing.T) {
	t.Parallel()
	db := open(t, postgres.Config{URL: postgrestest.New(t), MaxConns: 1})
	assert.Panics(t, func() {
		_ = db.Do(t.Context(), func(conn *pgx.Conn) error {
			_, err := conn.Exec(t.Context(), "BEGIN; CREATE TABLE left_open ()")
			uuid.MustParse("at the disco")
			return err
		})
	})
	outside, err := query(t.Context(), db, "SELECT (to_regclass('left_open') IS NULL)::text")
	require.NoError(t, err)
	assert.Equal(t, "true", outside, "the next call does not get the open transaction")
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestOpenWaitsForTheServer(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	cfg := postgres.Config{URL: "postgres://user:hunter2@" + closedPort(t) + "/database", StartTimeout: time.Second}
	start := time.Now()
	_, err := postgres.Open(t.Context(), cfg, slog.New(slog.NewTextHandler(&logs, nil)))

	require.ErrorContains(t, err, "wait 1s for the database")
	require.ErrorContains(t, err, "connection refused")
	assert.GreaterOrEqual(t, time.Since(start), cfg.StartTimeout)
	assert.Greater(t, strings.Count(logs.String(), "database does not answer"), 1, "it has asked again")
	assert.NotContains(t, err.Error()+logs.String(), "hunter2")
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := postgres.Open(ctx, postgres.Config{URL: "postgres://" + closedPort(t) + "/database"}, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, context.Canceled)
}

func TestOpenRefusesAWrongURL(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://user:hunter2@localhost:port"}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "parse database URL")
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	db := open(t, postgres.Config{URL: postgrestest.New(t), MaxConns: 1})
	release := hold(t, db)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, db.Shutdown(ended), "still in use")
	release()
	require.NoError(t, db.Shutdown(t.Context()))
	_, err := query(t.Context(), db, "SELECT 'x'")
	require.ErrorContains(t, err, "closed pool")
}

func TestCollector(t *testing.T) {
	t.Parallel()
	db := open(t, postgres.Config{URL: postgrestest.New(t), MaxConns: 1})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(db.Collector())
	release := hold(t, db)
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP pgxpool_acquired_conns Connections in use.
# TYPE pgxpool_acquired_conns gauge
pgxpool_acquired_conns 1
# HELP pgxpool_idle_conns Connections that wait for use.
# TYPE pgxpool_idle_conns gauge
pgxpool_idle_conns 0
# HELP pgxpool_max_conns Size of the pool.
# TYPE pgxpool_max_conns gauge
pgxpool_max_conns 1
`), "pgxpool_acquired_conns", "pgxpool_idle_conns", "pgxpool_max_conns"))
	release()
	count, err := testutil.GatherAndCount(registry)
	require.NoError(t, err)
	assert.Equal(t, 8, count)
}
