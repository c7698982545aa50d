package user

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	textRule   = "must be UTF-8 text without NUL characters"
	lengthRule = "must have 1 to 200 characters"
	bytesRule  = "must have at most 254 bytes"
	bareRule   = "must be a bare address such as ada@example.com"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, want string }{
		"one letter":               {"A", ""},
		"200 letters":              {strings.Repeat("a", 200), ""},
		"200 letters of two bytes": {strings.Repeat("é", 200), ""},
		"quotes and angles":        {`"Bobby" <b>'); DROP TABLE users; --`, ""},
		"empty":                    {"", lengthRule},
		"201 letters":              {strings.Repeat("a", 201), lengthRule},
		"201 letters of two bytes": {strings.Repeat("é", 201), lengthRule},
		"NUL":                      {"A\x00da", textRule},
		"broken UTF-8":             {"A\xffda", textRule},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, checkName(test.name))
		})
	}
}

func TestCheckEmail(t *testing.T) {
	t.Parallel()
	const domain = "@example.com"
	tests := map[string]struct{ email, want string }{
		"plain":                 {"ada@example.com", ""},
		"tag and dots":          {"ada.k+news@mail.example.com", ""},
		"one label":             {"root@localhost", ""},
		"not ASCII":             {"adé@example.com", ""},
		"254 bytes":             {strings.Repeat("a", 254-len(domain)) + domain, ""},
		"255 bytes":             {strings.Repeat("a", 255-len(domain)) + domain, bytesRule},
		"empty":                 {"", bareRule},
		"no at sign":            {"ada.example.com", bareRule},
		"no local part":         {"@example.com", bareRule},
		"no domain":             {"ada@", bareRule},
		"display name":          {"Ada <ada@example.com>", bareRule},
		"angle brackets":        {"<ada@example.com>", bareRule},
		"comment":               {"ada@example.com (Ada)", bareRule},
		"blank before":          {" ada@example.com", bareRule},
		"newline after":         {"ada@example.com\n", bareRule},
		"two addresses":         {"ada@example.com, bob@example.com", bareRule},
		"NUL":                   {"a\x00da@example.com", bareRule},
		"broken UTF-8":          {"a\xffda@example.com", bareRule},
		"NUL in a quoted part":  {"\"a\x00da\"@example.com", bareRule},
		"line break in a quote": {"\"a\r\nda\"@example.com", bareRule},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, checkEmail(test.email))
		})
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()

	t.Run("trims the name", func(t *testing.T) {
		t.Parallel()
		given := Change{Name: new("\t Ada  King\u00a0\n")}
		got, err := given.normalize()
		require.NoError(t, err)
		assert.Equal(t, Change{Name: new("Ada  King")}, got)
		assert.Equal(t, "\t Ada  King\u00a0\n", *given.Name, "the caller's text")
	})

	t.Run("counts the trimmed name", func(t *testing.T) {
		t.Parallel()
		_, err := Change{Name: new("  " + strings.Repeat("a", 200) + "  ")}.normalize()
		assert.NoError(t, err)
	})

	t.Run("leaves alone what does not change", func(t *testing.T) {
		t.Parallel()
		got, err := Change{}.normalize()
		require.NoError(t, err)
		assert.Equal(t, Change{}, got)
	})

	t.Run("reports every field", func(t *testing.T) {
		t.Parallel()
		_, err := Change{Name: new("  "), Email: new("ada")}.normalize()
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid)
		assert.Equal(t, []FieldError{{"name", lengthRule}, {"email", bareRule}}, invalid.Fields)
		assert.EqualError(t, err, "invalid user: name "+lengthRule+"; email "+bareRule)
	})
}

// What normalize lets through, a store can keep and a second normalize leaves alone.
func FuzzNormalize(f *testing.F) {
	f.Add("Ada Lovelace", "ada@example.com")
	f.Add(" \x00", "Ada <ada@example.com>")
	f.Add("\xff", "\"a\\\x00\"@[127.0.0.1]")
	f.Add(strings.Repeat("é", 201), strings.Repeat("a", 255))
	f.Fuzz(func(t *testing.T, name, email string) {
		got, err := Change{Name: &name, Email: &email}.normalize()
		if err != nil {
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			require.NotEmpty(t, invalid.Fields)
			return
		}
		for _, text := range []string{*got.Name, *got.Email} {
			require.True(t, utf8.ValidString(text))
			require.NotContains(t, text, "\x00")
		}
		require.Equal(t, strings.TrimSpace(name), *got.Name)
		require.LessOrEqual(t, utf8.RuneCountInString(*got.Name), maxNameRunes)
		require.LessOrEqual(t, len(*got.Email), maxEmailBytes)
		_, err = mail.ParseAddress("<" + *got.Email + ">")
		require.NoError(t, err)
		again, err := got.normalize()
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
