// Package usertest gives tests a store of users.
package usertest

import (
	"testing"

	"example.com/user-service/internal/user"
)

// NewStore returns an empty store.
func NewStore(tb testing.TB) *user.Store {
	tb.Helper()
	return user.NewStore()
}
