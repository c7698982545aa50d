package user_test

import (
	"context"
	"strings"
	"testing"
	"uuid"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/postgres"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

func execute(t *testing.T, db *postgres.DB, sql string, args ...any) error {
	t.Helper()
	return db.Do(t.Context(), func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), sql, args...)
		return err
	})
}

// Only the index on the e-mail address tells that an address is taken.
func TestStoreKnowsItsConstraint(t *testing.T) {
	t.Parallel()
	db := usertest.NewDB(t)
	store := user.NewStore(db)
	require.NoError(t, execute(t, db, "CREATE UNIQUE INDEX users_name_key ON users (name)"))
	ada := insert(t, store, "ada@example.com")[0]

	err := store.Insert(t.Context(), newUser("bob@example.com"))
	require.NotErrorIs(t, err, user.ErrEmailTaken)
	var violation *pgconn.PgError
	require.ErrorAs(t, err, &violation)
	assert.Equal(t, "users_name_key", violation.ConstraintName)

	require.NoError(t, execute(t, db, "UPDATE users SET name = 'Eve' WHERE id = $1", ada.ID))
	require.ErrorIs(t, store.Insert(t.Context(), newUser("ada@example.com")), user.ErrEmailTaken)
}

// The schema refuses what the domain should never have let through.
func TestSchemaChecks(t *testing.T) {
	t.Parallel()
	store := usertest.NewStore(t)
	tests := map[string]func(u *user.User){
		"an empty name":           func(u *user.User) { u.Name = "" },
		"NUL, which is no text":   func(u *user.User) { u.Name = "A\x00da" },
		"a name of 201 runes":     func(u *user.User) { u.Name = strings.Repeat("é", 201) },
		"an address of 255 bytes": func(u *user.User) { u.Email = strings.Repeat("a", 255) },
		"version 0":               func(u *user.User) { u.Version = 0 },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser("ada@example.com")
			spoil(&u)
			var refusal *pgconn.PgError
			require.ErrorAs(t, store.Insert(t.Context(), u), &refusal)
		})
	}
}

func TestStorePassesOnWhatFailed(t *testing.T) {
	t.Parallel()
	store := usertest.NewStore(t)
	ada := insert(t, store, "ada@example.com")[0]
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := store.Get(cancelled, ada.ID)
	require.ErrorIs(t, err, context.Canceled)
	_, err = store.List(cancelled, uuid.Nil(), 1)
	require.ErrorIs(t, err, context.Canceled)
	_, err = store.Update(cancelled, ada.ID, nil, user.Change{}, changed)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, store.Insert(cancelled, newUser("bob@example.com")), context.Canceled)
	require.ErrorIs(t, store.Delete(cancelled, ada.ID, nil), context.Canceled)
}
