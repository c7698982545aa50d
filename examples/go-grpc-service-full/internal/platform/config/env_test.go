package config

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read1 reads one variable, KEY, by a method of env.
func read1[T any](text string, read func(e *env) T) (T, error) {
	e := &env{getenv: func(key string) string { return map[string]string{"KEY": text}[key] }}
	value := read(e)
	return value, e.err()
}

func TestEnvReads(t *testing.T) {
	t.Parallel()
	address := func(e *env) any { return e.address("KEY", ":1") }
	duration := func(e *env) any { return e.duration("KEY", time.Second, time.Millisecond) }
	count := func(e *env) any { return e.count("KEY", 10, 1) }
	bytes := func(e *env) any { return e.bytes("KEY", 1024, 1) }
	level := func(e *env) any { return e.level("KEY", slog.LevelInfo) }
	tests := map[string]struct {
		read func(e *env) any
		text string
		want any
		err  string
	}{
		"address unset":          {read: address, want: ":1"},
		"address":                {read: address, text: "localhost:8080", want: "localhost:8080"},
		"address, any port":      {read: address, text: "127.0.0.1:0", want: "127.0.0.1:0"},
		"address, IPv6":          {read: address, text: "[::1]:80", want: "[::1]:80"},
		"address without port":   {read: address, text: "localhost", err: `KEY: want host:port or :port, got "localhost"`},
		"address, port too high": {read: address, text: ":65536", err: `KEY: want host:port or :port, got ":65536"`},
		"address, port by name":  {read: address, text: ":http", err: `KEY: want host:port or :port, got ":http"`},

		"duration unset":    {read: duration, want: time.Second},
		"duration":          {read: duration, text: "1m30s", want: 90 * time.Second},
		"duration, no unit": {read: duration, text: "5", err: `KEY: want a duration of at least 1ms, such as 1s, got "5"`},
		"duration too low":  {read: duration, text: "0s", err: `KEY: want a duration of at least 1ms, such as 1s, got "0s"`},
		"duration negative": {read: duration, text: "-1s", err: `KEY: want a duration of at least 1ms, such as 1s, got "-1s"`},

		"count unset":    {read: count, want: int32(10)},
		"count":          {read: count, text: "25", want: int32(25)},
		"count too low":  {read: count, text: "0", err: `KEY: want a whole number from 1 on, got "0"`},
		"count too high": {read: count, text: "2147483648", err: `KEY: want a whole number from 1 on, got "2147483648"`},
		"count no digit": {read: count, text: "many", err: `KEY: want a whole number from 1 on, got "many"`},

		"bytes unset":   {read: bytes, want: int64(1024)},
		"bytes":         {read: bytes, text: "4294967296", want: int64(1 << 32)},
		"bytes too low": {read: bytes, text: "0", err: `KEY: want a number of bytes from 1 on, got "0"`},
		"bytes, unit":   {read: bytes, text: "1Gi", err: `KEY: want a number of bytes from 1 on, got "1Gi"`},

		"level unset":   {read: level, want: slog.LevelInfo},
		"level":         {read: level, text: "debug", want: slog.LevelDebug},
		"level unknown": {read: level, text: "loud", err: `KEY: want debug, info, warn or error, got "loud"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read1(tt.text, tt.read)
			if tt.err != "" {
				require.EqualError(t, err, "wrong configuration:\n  "+tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, ExitCode(nil))
	assert.Equal(t, 1, ExitCode(errors.New("port taken")))
	assert.Equal(t, 2, ExitCode(fmt.Errorf("load: %w", &Error{Mistakes: []string{"KEY: want a number"}})))
}
