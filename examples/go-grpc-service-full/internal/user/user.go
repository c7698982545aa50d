// Package user is the example domain: what a user is, the rules users keep, and where they are stored.
package user

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
	"uuid"
)

const (
	maxNameRunes  = 200
	maxEmailBytes = 254 // RFC 5321: a path of 256 bytes, less its angle brackets
)

// The errors a caller can act on. They arrive wrapped: compare with errors.Is.
var (
	ErrNotFound        = errors.New("no such user")
	ErrEmailTaken      = errors.New("e-mail address is taken")
	ErrVersionConflict = errors.New("user has another version")
	ErrInvalidCursor   = errors.New("invalid cursor")
)

// User is one user. Version is 1 at first and grows by one with every change; times are UTC, in whole microseconds.
type User struct {
	ID        uuid.UUID
	Name      string
	Email     string
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Change holds the new value of each field that changes; nil leaves a field as it is.
type Change struct {
	Name  *string
	Email *string
}

// ValidationError lists every field that breaks a rule.
type ValidationError struct {
	Fields []FieldError
}

// FieldError says what a field must be.
type FieldError struct {
	Field  string
	Detail string
}

func (e *ValidationError) Error() string {
	texts := make([]string, len(e.Fields))
	for i, field := range e.Fields {
		texts[i] = field.Field + " " + field.Detail
	}
	return "invalid user: " + strings.Join(texts, "; ")
}

// normalize returns the change with its name trimmed, or a *ValidationError.
func (c Change) normalize() (Change, error) {
	var fields []FieldError
	if c.Name != nil {
		c.Name = new(strings.TrimSpace(*c.Name))
		if detail := checkName(*c.Name); detail != "" {
			fields = append(fields, FieldError{Field: "name", Detail: detail})
		}
	}
	if c.Email != nil {
		if detail := checkEmail(*c.Email); detail != "" {
			fields = append(fields, FieldError{Field: "email", Detail: detail})
		}
	}
	if len(fields) > 0 {
		return Change{}, &ValidationError{Fields: fields}
	}
	return c, nil
}

func checkName(name string) string {
	switch {
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0): // PostgreSQL stores neither
		return "must be UTF-8 text without NUL characters"
	case name == "" || utf8.RuneCountInString(name) > maxNameRunes:
		return fmt.Sprintf("must have 1 to %d characters", maxNameRunes)
	}
	return ""
}

func checkEmail(email string) string {
	if len(email) > maxEmailBytes {
		return fmt.Sprintf("must have at most %d bytes", maxEmailBytes)
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email { // a display name, a comment or blanks around it
		return "must be a bare address such as ada@example.com"
	}
	return ""
}
