package user

import (
	"encoding/base64"
	"uuid"
)

// cursorVersion is the first byte of a cursor. Another content of cursors needs another version.
const cursorVersion = 1

func formatCursor(last uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{cursorVersion}, last[:]...))
}

func parseCursor(cursor string) (uuid.UUID, error) {
	if cursor == "" {
		return uuid.Nil(), nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) != 1+len(uuid.UUID{}) {
		return uuid.UUID{}, ErrInvalidCursor
	}
	last := uuid.UUID(raw[1:])
	if formatCursor(last) != cursor { // another version, or a spelling that the decoder tolerates
		return uuid.UUID{}, ErrInvalidCursor
	}
	return last, nil
}
