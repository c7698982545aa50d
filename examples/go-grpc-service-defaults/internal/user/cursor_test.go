package user

import (
	"strings"
	"testing"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCursor(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("019aa651-3a00-7d3c-9c21-5f0e8b1f6a01")
	const cursor = "AQGaplE6AH08nCFfDosfagE"

	assert.Equal(t, cursor, formatCursor(id))
	got, err := parseCursor(cursor)
	require.NoError(t, err)
	assert.Equal(t, id, got)

	start, err := parseCursor("")
	require.NoError(t, err)
	assert.Equal(t, uuid.Nil(), start)
}

func TestParseCursorRefuses(t *testing.T) {
	t.Parallel()
	good := formatCursor(uuid.NewV7())
	tests := map[string]string{
		"another version": "Ag" + good[2:],
		"cut":             good[:len(good)-1],
		"longer":          good + "A",
		"padded":          good + "=",
		"alphabet":        strings.Repeat("+/", 11) + "A",
		"line break":      good[:11] + "\n" + good[11:],
		"trailing bits":   good[:len(good)-1] + "_",
		"a UUID":          uuid.NewV7().String(),
	}
	for name, cursor := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseCursor(cursor)
			assert.ErrorIs(t, err, ErrInvalidCursor)
		})
	}
}

// A cursor that is accepted is the one that its id gives: there is one spelling only.
func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add("AQGaplE6AH08nCFfDosfagE")
	f.Add("AQGaplE6AH08nCFfDosfagE=")
	f.Add("not a cursor")
	f.Fuzz(func(t *testing.T, cursor string) {
		id, err := parseCursor(cursor)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalidCursor)
			return
		}
		if cursor != "" {
			require.Equal(t, cursor, formatCursor(id))
		}
	})
}
