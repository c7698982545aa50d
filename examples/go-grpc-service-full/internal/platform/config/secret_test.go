package config

import (
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretIsShownByRevealAlone(t *testing.T) {
	t.Parallel()
	secret := Secret{value: "hunter2"}
	dump := struct{ Password Secret }{secret}
	encoded, err := json.Marshal(dump)
	require.NoError(t, err)
	var logs strings.Builder
	slog.New(slog.NewTextHandler(&logs, nil)).InfoContext(t.Context(), "dump", slog.Any("secret", secret), slog.Any("all", dump))
	for _, shown := range []string{
		fmt.Sprint(secret), fmt.Sprintf("%s %v %+v %#v %q", secret, secret, secret, secret, secret),
		fmt.Sprintf("%v %+v %#v", dump, dump, dump), string(encoded), logs.String(),
	} {
		assert.NotContains(t, shown, "hunter2")
		assert.Contains(t, shown, redacted)
	}
	assert.Equal(t, "hunter2", secret.Reveal())
}

func TestEnvSecret(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("from file\n"), 0o600))
	tests := map[string]struct {
		env  map[string]string
		want string
		err  string
	}{
		"variable":          {env: map[string]string{"KEY": "from variable"}, want: "from variable"},
		"file":              {env: map[string]string{"KEY_FILE": file}, want: "from file"},
		"neither":           {err: "KEY: want a key, got nothing"},
		"both":              {env: map[string]string{"KEY": "x", "KEY_FILE": file}, err: "KEY: want either KEY or KEY_FILE, got both"},
		"no such file":      {env: map[string]string{"KEY_FILE": file + "s"}, err: "KEY_FILE: want a file that can be read: open " + file + "s: no such file or directory"},
		"refused, not told": {env: map[string]string{"KEY": "bad"}, err: "KEY: want a key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &env{getenv: func(key string) string { return tt.env[key] }}
			got := e.secret("KEY", "a key", func(s string) bool { return s != "bad" })
			if tt.err != "" {
				require.EqualError(t, e.err(), "wrong configuration:\n  "+tt.err)
				return
			}
			require.NoError(t, e.err())
			assert.Equal(t, tt.want, got.Reveal())
		})
	}
}
