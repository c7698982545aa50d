package user

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"uuid"

	"example.com/user-service/internal/platform/postgres"
)

// changesChannel is where the trigger of the migrations tells of every change.
const changesChannel = "user_changes"

// NewListener returns the part of the service that hears of the changes that any replica makes, and tells feed. Without it, or
// while it is not connected, the feed is interrupted.
func NewListener(cfg postgres.Config, feed *Feed, log *slog.Logger) *postgres.Listener {
	feed.interrupt(errors.New("not connected to the database yet"))
	return postgres.NewListener(cfg, changesChannel, subscriber{feed: feed}, log)
}

type subscriber struct {
	feed *Feed
}

// notification is what the trigger sends.
type notification struct {
	Operation string `json:"operation"`
	User      row    `json:"user"`
}

// row is a row of the table as JSON; its fields are those of User.
type row struct {
	ID        uuid.UUID `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Subscribed is called when no change is missed any more.
func (s subscriber) Subscribed() {
	s.feed.resume()
}

// Notified is called with every notification.
func (s subscriber) Notified(payload string) error {
	var n notification
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		return fmt.Errorf("decode notification: %w", err)
	}
	event := Event{User: User(n.User)}
	switch n.Operation {
	case "INSERT":
		event.Kind = Created
	case "UPDATE":
		event.Kind = Updated
	case "DELETE":
		event.Kind = Deleted
	default:
		return fmt.Errorf("unknown operation %q", n.Operation)
	}
	event.User.CreatedAt = event.User.CreatedAt.UTC()
	event.User.UpdatedAt = event.User.UpdatedAt.UTC()
	s.feed.publish(event)
	return nil
}

// Lost is called when changes may be missed.
func (s subscriber) Lost(err error) {
	s.feed.interrupt(err)
}
