package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoadOrigins(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"*":                              {"*"},
		"https://a.example.com":          {"https://a.example.com"},
		"https://a, http://b:8080 ,*":    {"https://a", "http://b:8080", "*"},
		"a.example.com":                  nil,
		"https://a.example.com/path":     nil,
		"https://a.example.com,":         nil,
		"https://user@a.example.com?q=1": nil,
		"ftp://a.example.com":            nil,
		"https://\x00":                   nil,
	}
	for text, want := range tests {
		env := required()
		env["CORS_ALLOWED_ORIGINS"] = text
		cfg, err := load(env)
		if want == nil {
			require.ErrorContains(t, err, "CORS_ALLOWED_ORIGINS: want origins", text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want, cfg.AllowedOrigins)
	}
}
