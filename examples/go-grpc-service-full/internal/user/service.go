package user

import (
	"context"
	"fmt"
	"time"
	"uuid"
)

// Storage is what a Service needs of a store. Versions are those that a user may have for the call to go ahead; nil stands for any.
type Storage interface {
	Insert(ctx context.Context, u User) error
	Get(ctx context.Context, id uuid.UUID) (User, error)
	List(ctx context.Context, after uuid.UUID, limit int) ([]User, error)
	Update(ctx context.Context, id uuid.UUID, versions []int, change Change, at time.Time) (User, error)
	Delete(ctx context.Context, id uuid.UUID, versions []int) error
}

// Page is one page of users, ascending by id. Next is the cursor of the page after it, empty on the last one.
type Page struct {
	Users []User
	Next  string
}

// Service keeps the rules: it validates, and assigns ids, versions and times.
type Service struct {
	store Storage
}

// NewService returns a Service that keeps its users in store.
func NewService(store Storage) *Service {
	return &Service{store: store}
}

// Create adds a user. It fails with a *ValidationError or ErrEmailTaken.
func (s *Service) Create(ctx context.Context, name, email string) (User, error) {
	valid, err := Change{Name: &name, Email: &email}.normalize()
	if err != nil {
		return User{}, err
	}
	at := now()
	u := User{ID: uuid.NewV7(), Name: *valid.Name, Email: *valid.Email, Version: 1, CreatedAt: at, UpdatedAt: at}
	if err := s.store.Insert(ctx, u); err != nil {
		return User{}, fmt.Errorf("insert user: %w", err)
	}
	return u, nil
}

// Get returns a user. It fails with ErrNotFound.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (User, error) {
	u, err := s.store.Get(ctx, id)
	if err != nil {
		return User{}, fmt.Errorf("select user: %w", err)
	}
	return u, nil
}

// List returns up to limit users, at least 1, that follow cursor; an empty cursor stands for the start. It fails with ErrInvalidCursor.
func (s *Service) List(ctx context.Context, cursor string, limit int) (Page, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return Page{}, err
	}
	users, err := s.store.List(ctx, after, limit+1) // one more than asked tells whether another page follows
	if err != nil {
		return Page{}, fmt.Errorf("select users: %w", err)
	}
	if len(users) <= limit {
		return Page{Users: users}, nil
	}
	return Page{Users: users[:limit], Next: formatCursor(users[limit-1].ID)}, nil
}

// Update changes a user whose version is one of versions; nil stands for any.
// It fails with a *ValidationError, ErrNotFound, ErrVersionConflict or ErrEmailTaken.
func (s *Service) Update(ctx context.Context, id uuid.UUID, versions []int, change Change) (User, error) {
	valid, err := change.normalize()
	if err != nil {
		return User{}, err
	}
	u, err := s.store.Update(ctx, id, versions, valid, now())
	if err != nil {
		return User{}, fmt.Errorf("update user: %w", err)
	}
	return u, nil
}

// Delete removes a user whose version is one of versions; nil stands for any. It fails with ErrNotFound or ErrVersionConflict.
func (s *Service) Delete(ctx context.Context, id uuid.UUID, versions []int) error {
	if err := s.store.Delete(ctx, id, versions); err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// now is cut to microseconds, the resolution of PostgreSQL, so that a user reads back as it was written.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Microsecond)
}
