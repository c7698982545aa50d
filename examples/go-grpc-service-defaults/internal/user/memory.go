package user

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"uuid"
)

// Store keeps users in memory, until the process ends.
type Store struct {
	mu     sync.RWMutex
	users  []User // ascending by id
	emails map[string]uuid.UUID
}

// NewStore returns an empty Store.
func NewStore() *Store {
	return &Store{emails: make(map[string]uuid.UUID)}
}

// Insert adds u, or fails with ErrEmailTaken.
func (s *Store) Insert(_ context.Context, u User) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	i, found := s.find(u.ID)
	if found {
		return fmt.Errorf("id %s exists", u.ID)
	}
	if _, taken := s.emails[strings.ToLower(u.Email)]; taken {
		return ErrEmailTaken
	}
	s.emails[strings.ToLower(u.Email)] = u.ID
	s.users = slices.Insert(s.users, i, u)
	return nil
}

// Get returns the user with that id, or ErrNotFound.
func (s *Store) Get(_ context.Context, id uuid.UUID) (User, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()

	i, found := s.find(id)
	if !found {
		return User{}, ErrNotFound
	}
	return s.users[i], nil
}

// List returns the first limit users with an id greater than after, ascending by id.
func (s *Store) List(_ context.Context, after uuid.UUID, limit int) ([]User, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()

	start, found := s.find(after)
	if found {
		start++
	}
	return slices.Clone(s.users[start:min(start+limit, len(s.users))]), nil
}

// Update applies change to the user if its version is one of versions, and returns the result.
// It fails with ErrNotFound, ErrVersionConflict or ErrEmailTaken.
func (s *Store) Update(_ context.Context, id uuid.UUID, versions []int, change Change, at time.Time) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	i, err := s.findVersion(id, versions)
	if err != nil {
		return User{}, err
	}
	u := s.users[i]
	if change.Name != nil {
		u.Name = *change.Name
	}
	if change.Email != nil {
		if owner, taken := s.emails[strings.ToLower(*change.Email)]; taken && owner != id {
			return User{}, ErrEmailTaken
		}
		delete(s.emails, strings.ToLower(u.Email))
		s.emails[strings.ToLower(*change.Email)] = id
		u.Email = *change.Email
	}
	u.Version++
	u.UpdatedAt = at
	s.users[i] = u
	return u, nil
}

// Delete removes the user if its version is one of versions. It fails with ErrNotFound or ErrVersionConflict.
func (s *Store) Delete(_ context.Context, id uuid.UUID, versions []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	i, err := s.findVersion(id, versions)
	if err != nil {
		return err
	}
	delete(s.emails, strings.ToLower(s.users[i].Email))
	s.users = slices.Delete(s.users, i, i+1)
	return nil
}

// find returns where the user with that id is, or would be.
func (s *Store) find(id uuid.UUID) (int, bool) {
	return slices.BinarySearchFunc(s.users, id, func(u User, id uuid.UUID) int { return u.ID.Compare(id) })
}

func (s *Store) findVersion(id uuid.UUID, versions []int) (int, error) {
	i, found := s.find(id)
	if !found {
		return 0, ErrNotFound
	}
	if versions != nil && !slices.Contains(versions, s.users[i].Version) {
		return 0, ErrVersionConflict
	}
	return i, nil
}
