package user

import (
	"context"
	"sync"
	"time"
	"uuid"
)

// PublishingStore is a Store that tells a Feed of its changes.
type PublishingStore struct {
	*Store

	publish func(Event)
	mu      sync.Mutex // held from a change to its event, so that events keep the order of the changes
}

// NewPublishingStore returns an empty PublishingStore.
func NewPublishingStore(feed *Feed) *PublishingStore {
	return &PublishingStore{Store: NewStore(), publish: feed.publish}
}

// Insert does what that of Store does.
func (s *PublishingStore) Insert(ctx context.Context, u User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Store.Insert(ctx, u); err != nil {
		return err
	}
	s.publish(Event{Kind: Created, User: u})
	return nil
}

// Update does what that of Store does.
func (s *PublishingStore) Update(ctx context.Context, id uuid.UUID, versions []int, change Change, at time.Time) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.Store.Update(ctx, id, versions, change, at)
	if err != nil {
		return User{}, err
	}
	s.publish(Event{Kind: Updated, User: u})
	return u, nil
}

// Delete does what that of Store does.
func (s *PublishingStore) Delete(ctx context.Context, id uuid.UUID, versions []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := s.Store.Delete(ctx, id, versions); err != nil {
		return err
	}
	s.publish(Event{Kind: Deleted, User: u})
	return nil
}
