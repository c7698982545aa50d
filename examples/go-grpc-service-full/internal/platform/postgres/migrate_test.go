package postgres_test

import (
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/platform/postgres/postgrestest"
)

func files(contents map[string]string) fs.FS {
	files := fstest.MapFS{}
	for name, content := range contents {
		files[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + content)}
	}
	return files
}

func TestMigrateOnceForAll(t *testing.T) {
	t.Parallel()
	cfg := postgres.Config{URL: postgrestest.New(t)}
	first := files(map[string]string{"00001_a.sql": "CREATE TABLE a (id int);"})
	require.NoError(t, postgres.Migrate(t.Context(), cfg, first, slog.New(slog.DiscardHandler)))
	migrations := files(map[string]string{
		"00001_a.sql": "CREATE TABLE a (id int);",
		"00002_b.sql": "SELECT pg_sleep(0.5); INSERT INTO a VALUES (1);",
	})
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			assert.NoError(t, postgres.Migrate(t.Context(), cfg, migrations, slog.New(slog.DiscardHandler)))
		})
	}
	replicas.Wait()

	rows, err := query(t.Context(), open(t, cfg), "SELECT count(*)::text FROM a")
	require.NoError(t, err)
	assert.Equal(t, "1", rows)
}

func TestMigrateFails(t *testing.T) {
	t.Parallel()
	url := postgrestest.New(t)
	tests := map[string]struct {
		url   string
		wait  time.Duration
		files fs.FS
		want  string
	}{
		"no server":     {"postgres://" + closedPort(t) + "/database", 100 * time.Millisecond, files(map[string]string{"00001_a.sql": "SELECT 1;"}), "wait 100ms"},
		"no migrations": {url, time.Minute, files(nil), "read migrations"},
		"broken SQL":    {url, time.Minute, files(map[string]string{"00001_a.sql": "CREATE TABEL a;"}), "apply migrations"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := postgres.Config{URL: tt.url, StartTimeout: tt.wait}
			err := postgres.Migrate(t.Context(), cfg, tt.files, slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	cfg := postgres.Config{URL: postgrestest.New(t)}
	db := open(t, cfg)
	first := files(map[string]string{"00001_a.sql": "CREATE TABLE a (id int);"})
	both := files(map[string]string{"00001_a.sql": "CREATE TABLE a (id int);", "00002_b.sql": "CREATE TABLE b (id int);"})
	discard := slog.New(slog.DiscardHandler)

	require.EqualError(t, db.Ready(both)(t.Context()), "migrations pending: 2; run the migrate command")
	untouched, err := query(t.Context(), db, "SELECT (to_regclass('goose_db_version') IS NULL)::text")
	require.NoError(t, err)
	assert.Equal(t, "true", untouched, "a probe changes nothing")

	require.NoError(t, postgres.Migrate(t.Context(), cfg, first, discard))
	require.EqualError(t, db.Ready(both)(t.Context()), "migrations pending: 1; run the migrate command")

	ready := db.Ready(first)
	require.NoError(t, ready(t.Context()))
	db.Close()
	require.NoError(t, ready(t.Context()), "an answer counts for a second")
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.ErrorContains(c, ready(t.Context()), "ping: closed pool")
	}, 5*time.Second, 100*time.Millisecond)
	require.ErrorContains(t, db.Ready(first)(t.Context()), "read applied migrations: closed pool")
	require.ErrorContains(t, db.Ready(files(map[string]string{"users.sql": ""}))(t.Context()), "read version of users.sql")
}

func TestReadyWhileThePoolIsExhausted(t *testing.T) {
	t.Parallel()
	cfg := postgres.Config{URL: postgrestest.New(t), MaxConns: 1}
	none := files(map[string]string{"00001_a.sql": "SELECT 1;"})
	require.NoError(t, postgres.Migrate(t.Context(), cfg, none, slog.New(slog.DiscardHandler)))
	db := open(t, cfg)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(db.Collector())
	ready := db.Ready(none)
	require.NoError(t, ready(t.Context()))

	release := hold(t, db)
	defer release()
	const gaveUp = `
# HELP pgxpool_canceled_acquires_total Calls that gave up waiting for a connection.
# TYPE pgxpool_canceled_acquires_total counter
pgxpool_canceled_acquires_total 1
`
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.NoError(c, ready(t.Context()))
		assert.NoError(c, testutil.GatherAndCompare(registry, strings.NewReader(gaveUp), "pgxpool_canceled_acquires_total"))
	}, 30*time.Second, 100*time.Millisecond)
}
