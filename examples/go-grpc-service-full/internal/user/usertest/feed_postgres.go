package usertest

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/platform/postgres/postgrestest"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/migrations"
)

// NewFeed returns an empty store, in a database of its own, and the feed of its changes.
func NewFeed(tb testing.TB) (user.Storage, *user.Feed) {
	tb.Helper()
	cfg := postgres.Config{URL: postgrestest.New(tb)}
	log := slog.New(slog.DiscardHandler)
	require.NoError(tb, postgres.Migrate(tb.Context(), cfg, migrations.FS, log))
	db, err := postgres.Open(tb.Context(), cfg, log)
	require.NoError(tb, err)
	tb.Cleanup(db.Close)
	return user.NewStore(db), StartFeed(tb, cfg)
}

// StartFeed returns a feed of the changes in the database of cfg, as a replica of the service has it.
func StartFeed(tb testing.TB, cfg postgres.Config) *user.Feed {
	tb.Helper()
	feed := user.NewFeed()
	listener := user.NewListener(cfg, feed, slog.New(slog.DiscardHandler))
	_, err := listener.Listen(tb.Context())
	require.NoError(tb, err)
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve() }()
	tb.Cleanup(func() {
		assert.NoError(tb, listener.Close())
		assert.NoError(tb, <-ended)
	})
	return feed
}
