package api

import (
	"errors"
	"net/http"

	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/user"
)

// Problem returns what to answer for an error of the domain, or nil for any other error.
func Problem(err error) *httpserver.Problem {
	if invalid, ok := errors.AsType[*user.ValidationError](err); ok {
		fields := make([]httpserver.FieldError, len(invalid.Fields))
		for i, field := range invalid.Fields {
			fields[i] = httpserver.FieldError{Pointer: "/" + field.Field, Detail: field.Detail}
		}
		return httpserver.NewProblem(http.StatusUnprocessableEntity, "The user breaks a rule.", fields...)
	}
	switch {
	case errors.Is(err, user.ErrNotFound):
		return httpserver.NewProblem(http.StatusNotFound, "There is no such user.")
	case errors.Is(err, user.ErrEmailTaken):
		return httpserver.NewProblem(http.StatusConflict, "Another user has this e-mail address.")
	case errors.Is(err, user.ErrVersionConflict):
		return httpserver.NewProblem(http.StatusPreconditionFailed, "The user has another version: get it again.")
	case errors.Is(err, user.ErrInvalidCursor):
		return badRequest("The cursor is not the next_cursor of a page.")
	}
	return nil
}

func badRequest(detail string) *httpserver.Problem {
	return httpserver.NewProblem(http.StatusBadRequest, detail)
}

func preconditionRequired() *httpserver.Problem {
	return httpserver.NewProblem(http.StatusPreconditionRequired, "Send If-Match with the ETag that the change starts from.")
}
