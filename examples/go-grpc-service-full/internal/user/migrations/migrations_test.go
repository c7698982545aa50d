package migrations_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres/postgrestest"
	"example.com/user-service/internal/user/migrations"
)

// Each migration can be undone, leaves nothing behind, and can be applied again.
func TestUpAndDown(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("pgx", postgrestest.New(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	require.NoError(t, err)

	applied, err := provider.Up(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, applied)
	undone, err := provider.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, undone, len(applied))

	var left int
	const countLeft = `SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relname NOT LIKE 'goose_%'`
	require.NoError(t, db.QueryRowContext(t.Context(), countLeft).Scan(&left))
	assert.Zero(t, left)

	again, err := provider.Up(t.Context())
	require.NoError(t, err)
	assert.Len(t, again, len(applied))
}
