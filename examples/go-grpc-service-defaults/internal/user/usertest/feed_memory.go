package usertest

import (
	"testing"

	"example.com/user-service/internal/user"
)

// NewFeed returns an empty store, and the feed of its changes.
func NewFeed(tb testing.TB) (user.Storage, *user.Feed) {
	tb.Helper()
	feed := user.NewFeed()
	return user.NewPublishingStore(feed), feed
}
