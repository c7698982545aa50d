package postgrestest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres/postgrestest"
)

func TestNewGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	first, second := postgrestest.New(t), postgrestest.New(t)
	assert.NotEqual(t, first, second)
}

func TestNewWithoutAServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  []string
		want string
		pass bool
	}{
		"is skipped":  {nil, "SKIP: TestNewGivesEachTestItsOwnDatabase", true},
		"fails in CI": {[]string{"CI=true"}, "FAIL: TestNewGivesEachTestItsOwnDatabase", false},
		"needs a URL": {[]string{"TEST_DATABASE_URL=host=/ dbname=%"}, "TEST_DATABASE_URL must be a URL", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestNewGivesEachTestItsOwnDatabase$")
			cmd.Env = append([]string{}, tt.env...)
			output, err := cmd.CombinedOutput()
			assert.Equal(t, tt.pass, err == nil)
			assert.Contains(t, string(output), tt.want)
		})
	}
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
