// Package postgrestest gives each test a database of its own.
package postgrestest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// New creates an empty database on the server of TEST_DATABASE_URL, drops it after the test, and returns its URL. Without the
// variable the test is skipped; in CI, where nobody would see that, it fails.
func New(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		if os.Getenv("CI") != "" {
			tb.Fatal("TEST_DATABASE_URL is not set")
		}
		tb.Skip("TEST_DATABASE_URL is not set")
	}
	database, err := url.Parse(server)
	require.NoError(tb, err, "TEST_DATABASE_URL must be a URL")
	name := "test_" + strings.ToLower(rand.Text())
	database.Path = "/" + name

	execute(tb.Context(), tb, server, "CREATE DATABASE "+name)
	tb.Cleanup(func() {
		execute(context.WithoutCancel(tb.Context()), tb, server, "DROP DATABASE "+name+" WITH (FORCE)")
	})
	return database.String()
}

func execute(ctx context.Context, tb testing.TB, server, statement string) {
	tb.Helper()
	conn, err := pgx.Connect(ctx, server)
	require.NoError(tb, err)
	_, err = conn.Exec(ctx, statement)
	require.NoError(tb, err)
	require.NoError(tb, conn.Close(ctx))
}
