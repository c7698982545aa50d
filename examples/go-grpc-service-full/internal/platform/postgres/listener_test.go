package postgres_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/platform/postgres/postgrestest"
)

// heard is what a Listener has told, in its order.
type heard chan string

func (h heard) Subscribed() { h <- "subscribed" }

func (h heard) Notified(payload string) error {
	h <- payload
	if payload == "nonsense" {
		return errors.New("cannot read it")
	}
	return nil
}

func (h heard) Lost(error) { h <- "lost" }

// Write hears a line of a log.
func (h heard) Write(line []byte) (int, error) {
	h <- string(line)
	return len(line), nil
}

func (h heard) next(t *testing.T) string {
	t.Helper()
	select {
	case event := <-h:
		return event
	case <-time.After(time.Minute):
		require.Fail(t, "nothing was heard")
		return ""
	}
}

// listen returns what a Listener hears on the channel "news" of the database, until the test ends.
func listen(t *testing.T, listener *postgres.Listener) {
	t.Helper()
	address, err := listener.Listen(t.Context())
	require.NoError(t, err)
	assert.Empty(t, address)
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve() }()
	t.Cleanup(func() {
		require.NoError(t, listener.Shutdown(context.WithoutCancel(t.Context())))
		require.NoError(t, <-ended)
		require.NoError(t, listener.Close(), "a second time")
	})
}

func execute(t *testing.T, db *postgres.DB, sql string) {
	t.Helper()
	require.NoError(t, db.Do(t.Context(), func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	}))
}

func TestListener(t *testing.T) {
	t.Parallel()
	cfg := postgres.Config{URL: postgrestest.New(t), Application: "listener-test"}
	db, news := open(t, cfg), make(heard, 10)
	listen(t, postgres.NewListener(cfg, `the "news"`, news, slog.New(slog.DiscardHandler)))
	require.Equal(t, "subscribed", news.next(t))

	execute(t, db, `NOTIFY "the ""news""", 'one'; NOTIFY other, 'two'; NOTIFY "the ""news""", 'three'`)
	assert.Equal(t, "one", news.next(t))
	assert.Equal(t, "three", news.next(t))

	const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener-test' AND query LIKE 'LISTEN%'"
	execute(t, db, terminate)
	assert.Equal(t, "lost", news.next(t))
	assert.Equal(t, "subscribed", news.next(t))
	execute(t, db, `NOTIFY "the ""news""", 'nonsense'`)
	assert.Equal(t, "nonsense", news.next(t))
	assert.Equal(t, "lost", news.next(t))
	assert.Equal(t, "subscribed", news.next(t))
	execute(t, db, `NOTIFY "the ""news""", 'four'`)
	assert.Equal(t, "four", news.next(t))
}

// gateway passes connections on to a server, until it is shut: then they stay open, and nothing passes.
type gateway struct {
	server string
	net.Listener

	mu   sync.Mutex
	shut bool
}

func (g *gateway) serve(group *sync.WaitGroup) {
	for {
		client, err := g.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", g.server) //nolint:noctx // it ends with its connections
		if err != nil {
			_ = client.Close()
			continue
		}
		group.Go(func() { g.copy(client, server) })
		group.Go(func() { g.copy(server, client) })
	}
}

// copy closes both connections when one of them ends.
func (g *gateway) copy(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	defer func() { _ = from.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (g *gateway) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
}

// Nothing tells of a connection that is dead on the way, or of a server that hangs: the Listener has to ask.
func TestListenerNoticesASilentServer(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(postgrestest.New(t))
	require.NoError(t, err)
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	way := &gateway{server: server.Host, Listener: listener}
	var group sync.WaitGroup
	group.Go(func() { way.serve(&group) })
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		group.Wait()
	})
	server.Host = listener.Addr().String()

	news := make(heard, 10)
	l := postgres.NewListener(postgres.Config{URL: server.String()}, "news", news, slog.New(slog.DiscardHandler))
	l.CheckEvery(10*time.Millisecond, 200*time.Millisecond)
	listen(t, l)
	require.Equal(t, "subscribed", news.next(t))
	way.set(true)
	assert.Equal(t, "lost", news.next(t))
	way.set(false)
	assert.Equal(t, "subscribed", news.next(t))
}

// An interruption that lasts is logged with its reason at each attempt, and is seen in the metrics.
func TestListenerTellsWhyItIsInterrupted(t *testing.T) {
	t.Parallel()
	target, err := url.Parse(postgrestest.New(t))
	require.NoError(t, err)
	database := strings.Trim(target.Path, "/")
	news, log := make(heard, 10), make(heard, 100)
	listener := postgres.NewListener(postgres.Config{URL: target.String()}, "news", news, slog.New(slog.NewTextHandler(log, nil)))
	connected := func() float64 { return testutil.ToFloat64(listener.Collector()) }
	assert.Zero(t, connected())
	listen(t, listener)
	require.Equal(t, "subscribed", news.next(t))
	assert.InDelta(t, 1, connected(), 0)

	another := open(t, postgres.Config{URL: postgrestest.New(t)})
	execute(t, another, "ALTER DATABASE "+database+" ALLOW_CONNECTIONS false")
	execute(t, another, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+database+"'")
	require.Equal(t, "lost", news.next(t))
	assert.Contains(t, log.next(t), `level=WARN msg="notifications are interrupted"`)
	assert.Zero(t, connected())
	for range 2 {
		line := log.next(t)
		assert.Contains(t, line, `level=WARN msg="notifications are still interrupted"`)
		assert.Contains(t, line, "is not currently accepting connections")
	}

	execute(t, another, "ALTER DATABASE "+database+" ALLOW_CONNECTIONS true")
	require.Equal(t, "subscribed", news.next(t))
	assert.InDelta(t, 1, connected(), 0)
	for line := log.next(t); !strings.Contains(line, "notifications arrive again"); line = log.next(t) {
		assert.Contains(t, line, "notifications are still interrupted")
	}
}

func TestListenerWithoutADatabase(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{"postgres://127.0.0.1:1/database": "connect: ", "postgres://127.0.0.1:port/": "parse database URL"} {
		listener := postgres.NewListener(postgres.Config{URL: url}, "news", make(heard), slog.New(slog.DiscardHandler))
		_, err := listener.Listen(t.Context())
		require.ErrorContains(t, err, want)
		require.NoError(t, listener.Shutdown(t.Context()))
		require.NoError(t, listener.Serve(), "after Shutdown")
	}
}
