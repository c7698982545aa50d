package config

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const redacted = "[redacted]"

// Secret is a value that no log, message or dump shows. Only Reveal gives it away.
type Secret struct {
	value string
}

// Reveal returns the value itself.
func (s Secret) Reveal() string { return s.value }

// String hides the value from fmt, also within a struct.
func (s Secret) String() string { return redacted }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return redacted }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// secret reads a required secret from the variable, or from the file that key_FILE names. The value must satisfy valid; no
// message shows it.
func (e *env) secret(key, want string, valid func(string) bool) Secret {
	value, path := e.getenv(key), e.getenv(key+"_FILE")
	switch {
	case value != "" && path != "":
		e.mistake(key, "either "+key+" or "+key+"_FILE, got both")
		return Secret{}
	case value == "" && path == "":
		e.mistake(key, want+", got nothing")
		return Secret{}
	case path != "":
		content, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			e.mistake(key+"_FILE", fmt.Sprintf("a file that can be read: %v", err))
			return Secret{}
		}
		value = strings.TrimSpace(string(content))
	}
	if !valid(value) {
		e.mistake(key, want)
		return Secret{}
	}
	return Secret{value: value}
}
