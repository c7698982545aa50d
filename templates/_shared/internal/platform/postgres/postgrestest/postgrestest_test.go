package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"[[ module ]]/internal/platform/postgres/postgrestest"
)

func TestNewGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	assert.NotEqual(t, postgrestest.New(t), postgrestest.New(t))
}

func TestNewDropsTheDatabaseAfterTheTest(t *testing.T) {
	t.Parallel()
	var url string
	require.True(t, t.Run("in use", func(t *testing.T) {
		url = postgrestest.New(t)
		_, err := pgx.Connect(t.Context(), url) // left open
		require.NoError(t, err)
	}))
	if url == "" {
		t.Skip("without a server there is nothing to drop")
	}
	_, err := pgx.Connect(t.Context(), url)
	require.ErrorContains(t, err, "does not exist")
}
