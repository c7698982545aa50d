// Package api serves the users over HTTP, as api/openapi.yaml says.
package api

import (
	"context"
	"uuid"

	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/user"
)

// Users is what the handlers need of the domain.
type Users interface {
	Create(ctx context.Context, name, email string) (user.User, error)
	Get(ctx context.Context, id uuid.UUID) (user.User, error)
	List(ctx context.Context, cursor string, limit int) (user.Page, error)
	Update(ctx context.Context, id uuid.UUID, versions []int, change user.Change) (user.User, error)
	Delete(ctx context.Context, id uuid.UUID, versions []int) error
}

var _ Users = (*user.Service)(nil)

// Register adds the routes of the API to rt.
func Register(rt *httpserver.Router, users Users) {
	for pattern, handler := range routes(users) {
		rt.Handle(pattern, handler)
	}
}

func routes(users Users) map[string]httpserver.Handler {
	h := handlers{users: users}
	return map[string]httpserver.Handler{
		"POST /v1/users":        h.create,
		"GET /v1/users":         h.list,
		"GET /v1/users/{id}":    h.get,
		"PUT /v1/users/{id}":    h.replace,
		"PATCH /v1/users/{id}":  h.patch,
		"DELETE /v1/users/{id}": h.remove,
		"GET /openapi.yaml":     document,
	}
}
