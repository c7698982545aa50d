package user

import (
	"context"
	"errors"
	"fmt"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"example.com/user-service/internal/platform/postgres"
)

const (
	columns = `id, name, email, version, created_at, updated_at`

	insertUser = `INSERT INTO users (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ` + columns

	selectUser = `SELECT ` + columns + ` FROM users WHERE id = $1`

	selectUsers = `SELECT ` + columns + ` FROM users WHERE id > $1 ORDER BY id LIMIT $2`

	updateUser = `UPDATE users
SET name = coalesce($3, name), email = coalesce($4, email), version = version + 1, updated_at = $5
WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY ($2))
RETURNING ` + columns

	deleteUser = `DELETE FROM users WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY ($2)) RETURNING ` + columns
)

// What PostgreSQL answers when the unique index of the migrations finds an e-mail address a second time.
const (
	uniqueViolation = "23505"
	emailIndex      = "users_email_key"
)

// Store keeps users in PostgreSQL.
type Store struct {
	db *postgres.DB
}

// NewStore returns a Store in db, whose schema the migrations make.
func NewStore(db *postgres.DB) *Store {
	return &Store{db: db}
}

// Insert adds u, or fails with ErrEmailTaken.
func (s *Store) Insert(ctx context.Context, u User) error {
	_, err := s.query(ctx, insertUser, u.ID, u.Name, u.Email, u.Version, u.CreatedAt, u.UpdatedAt)
	return err
}

// Get returns the user with that id, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (User, error) {
	users, err := s.query(ctx, selectUser, id)
	if err != nil {
		return User{}, err
	}
	if len(users) == 0 {
		return User{}, ErrNotFound
	}
	return users[0], nil
}

// List returns the first limit users with an id greater than after, ascending by id.
func (s *Store) List(ctx context.Context, after uuid.UUID, limit int) ([]User, error) {
	return s.query(ctx, selectUsers, after, limit)
}

// Update applies change to the user if its version is one of versions, and returns the result.
// It fails with ErrNotFound, ErrVersionConflict or ErrEmailTaken.
func (s *Store) Update(ctx context.Context, id uuid.UUID, versions []int, change Change, at time.Time) (User, error) {
	users, err := s.query(ctx, updateUser, id, versions, change.Name, change.Email, at)
	if err != nil {
		return User{}, err
	}
	if len(users) == 0 {
		return User{}, s.whyNone(ctx, id)
	}
	return users[0], nil
}

// Delete removes the user if its version is one of versions. It fails with ErrNotFound or ErrVersionConflict.
func (s *Store) Delete(ctx context.Context, id uuid.UUID, versions []int) error {
	users, err := s.query(ctx, deleteUser, id, versions)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return s.whyNone(ctx, id)
	}
	return nil
}

// whyNone tells why no row had both the id and one of the versions: there is no such user, or it has another version.
func (s *Store) whyNone(ctx context.Context, id uuid.UUID) error {
	if _, err := s.Get(ctx, id); err != nil {
		return err
	}
	return ErrVersionConflict
}

func (s *Store) query(ctx context.Context, sql string, args ...any) ([]User, error) {
	var users []User
	err := s.db.Do(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return fmt.Errorf("send query: %w", err)
		}
		users, err = pgx.CollectRows(rows, pgx.RowToStructByName[User])
		if err != nil {
			return fmt.Errorf("collect rows: %w", err)
		}
		return nil
	})
	if violation, ok := errors.AsType[*pgconn.PgError](err); ok && violation.Code == uniqueViolation && violation.ConstraintName == emailIndex {
		return nil, ErrEmailTaken
	}
	if err != nil {
		return nil, fmt.Errorf("query database: %w", err)
	}
	for i := range users {
		users[i].CreatedAt = users[i].CreatedAt.UTC()
		users[i].UpdatedAt = users[i].UpdatedAt.UTC()
	}
	return users, nil
}
