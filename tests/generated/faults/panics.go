package api

import (
	"context"
	"uuid"

	"google.golang.org/grpc/metadata"

	"MODULE/internal/user"
)

// BrokenUsers panic when one of them is asked for.
type BrokenUsers struct{ Users }

// Get panics.
func (BrokenUsers) Get(context.Context, uuid.UUID) (user.User, error) { panic("a broken handler") }

// BrokenChanges panic when they are watched.
type BrokenChanges struct{}

// Watch panics.
func (BrokenChanges) Watch() (*user.Watch, error) { panic("a broken stream") }

// Authorize panics where a caller asks for it.
func Authorize(ctx context.Context, _ string) (context.Context, error) {
	if metadata.ValueFromIncomingContext(ctx, "x-panic") != nil {
		var nobody map[string]string
		nobody["is"] = "here"
	}
	return ctx, nil
}
