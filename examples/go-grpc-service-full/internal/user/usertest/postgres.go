// Package usertest gives tests a store of users.
package usertest

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/platform/postgres/postgrestest"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/migrations"
)

// NewStore returns an empty store, in a database of its own.
func NewStore(tb testing.TB) *user.Store {
	tb.Helper()
	return user.NewStore(NewDB(tb))
}

// NewDB returns a database of its own, in which the migrations have run.
func NewDB(tb testing.TB) *postgres.DB {
	tb.Helper()
	cfg := postgres.Config{URL: postgrestest.New(tb)}
	log := slog.New(slog.DiscardHandler)
	require.NoError(tb, postgres.Migrate(tb.Context(), cfg, migrations.FS, log))
	db, err := postgres.Open(tb.Context(), cfg, log)
	require.NoError(tb, err)
	tb.Cleanup(db.Close)
	return db
}
