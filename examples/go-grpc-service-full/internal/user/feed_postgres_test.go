package user_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/platform/postgres/postgrestest"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/migrations"
	"example.com/user-service/internal/user/usertest"
)

// newReplica returns the store of a replica of the service, and its feed.
func newReplica(t *testing.T, cfg postgres.Config) (*postgres.DB, *user.Feed) {
	t.Helper()
	db, err := postgres.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db, usertest.StartFeed(t, cfg)
}

func migrated(t *testing.T) postgres.Config {
	t.Helper()
	cfg := postgres.Config{URL: postgrestest.New(t)}
	require.NoError(t, postgres.Migrate(t.Context(), cfg, migrations.FS, slog.New(slog.DiscardHandler)))
	return cfg
}

func TestFeedTellsOfTheChangesOfOtherReplicas(t *testing.T) {
	t.Parallel()
	cfg := migrated(t)
	db, own := newReplica(t, cfg)
	_, other := newReplica(t, cfg)
	watches := []*user.Watch{startWatch(t, own), startWatch(t, other)}

	ada := newUser("ada@example.com")
	require.NoError(t, user.NewStore(db).Insert(t.Context(), ada))
	require.NoError(t, execute(t, db, "UPDATE users SET name = 'Eve'"), "by somebody else")
	for _, watch := range watches {
		assert.Equal(t, user.Event{Kind: user.Created, User: ada}, next(t, watch))
		assert.Equal(t, "Eve", next(t, watch).User.Name)
	}
}

// A change that the watchers cannot be told of must not pass unnoticed.
func TestFeedIsInterrupted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ sql, want string }{
		"by a lost connection": {
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'",
			"wait for notification",
		},
		"by a notification of another kind": {`NOTIFY user_changes, '{"operation": "TRUNCATE", "user": {}}'`, "unknown operation"},
		"by a notification of somebody":     {"NOTIFY user_changes, 'hello'", "decode notification"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, feed := newReplica(t, migrated(t))
			watch := startWatch(t, feed)
			require.NoError(t, execute(t, db, test.sql))
			_, open := <-watch.Events()
			require.False(t, open)
			require.ErrorIs(t, watch.Err(), user.ErrChangesMissed)
			require.ErrorContains(t, watch.Err(), test.want)

			var again *user.Watch
			require.Eventually(t, func() bool {
				var err error
				again, err = feed.Watch()
				return err == nil
			}, time.Minute, 10*time.Millisecond, "the feed connects again")
			defer again.Stop()
			ada := newUser("ada@example.com")
			require.NoError(t, user.NewStore(db).Insert(t.Context(), ada))
			assert.Equal(t, user.Event{Kind: user.Created, User: ada}, next(t, again))
		})
	}
}

func TestFeedWithoutItsListener(t *testing.T) {
	t.Parallel()
	feed := user.NewFeed()
	user.NewListener(postgres.Config{}, feed, slog.New(slog.DiscardHandler))
	_, err := feed.Watch()
	require.ErrorIs(t, err, user.ErrChangesMissed)
	require.ErrorContains(t, err, "not connected to the database yet")
}
