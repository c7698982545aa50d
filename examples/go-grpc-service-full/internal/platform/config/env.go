package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// Error is a wrong configuration: every mistake in it, so that one start is enough to see them all.
type Error struct {
	Mistakes []string
}

func (e *Error) Error() string {
	return "wrong configuration:\n  " + strings.Join(e.Mistakes, "\n  ")
}

// ExitCode is the status that the process ends with: 0 for no error, 2 for a wrong configuration, 1 for everything else.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return 2
	}
	return 1
}

// env reads variables and collects what is wrong with them. An empty variable counts as unset.
type env struct {
	getenv   func(string) string
	mistakes []string
}

func (e *env) err() error {
	if len(e.mistakes) == 0 {
		return nil
	}
	return &Error{Mistakes: e.mistakes}
}

func (e *env) mistake(key, want string) {
	e.mistakes = append(e.mistakes, key+": want "+want)
}

// read parses a variable; want completes the sentence "want …" for a value that parse refuses.
func read[T any](e *env, key string, fallback T, want string, parse func(string) (T, error)) T {
	text := e.getenv(key)
	if text == "" {
		return fallback
	}
	value, err := parse(text)
	if err != nil {
		e.mistake(key, fmt.Sprintf("%s, got %q", want, text))
		return fallback
	}
	return value
}

func (e *env) address(key, fallback string) string {
	return read(e, key, fallback, "host:port or :port", func(text string) (string, error) {
		_, port, err := net.SplitHostPort(text)
		if err != nil {
			return "", fmt.Errorf("split address: %w", err)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("parse port: %w", err)
		}
		return text, nil
	})
}

func (e *env) duration(key string, fallback, least time.Duration) time.Duration {
	want := fmt.Sprintf("a duration of at least %s, such as %s", least, fallback)
	return read(e, key, fallback, want, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err == nil && d < least {
			err = strconv.ErrRange
		}
		return d, err
	})
}

func (e *env) count(key string, fallback, least int32) int32 {
	want := fmt.Sprintf("a whole number from %d on", least)
	return read(e, key, fallback, want, func(text string) (int32, error) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err == nil && int32(n) < least {
			err = strconv.ErrRange
		}
		return int32(n), err
	})
}

func (e *env) bytes(key string, fallback, least int64) int64 {
	want := fmt.Sprintf("a number of bytes from %d on", least)
	return read(e, key, fallback, want, func(text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil && n < least {
			err = strconv.ErrRange
		}
		return n, err
	})
}

func (e *env) level(key string, fallback slog.Level) slog.Level {
	return read(e, key, fallback, "debug, info, warn or error", func(text string) (slog.Level, error) {
		var level slog.Level
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return 0, fmt.Errorf("parse level: %w", err)
		}
		return level, nil
	})
}

// memoryLimit is 90 % of MEMORY_LIMIT, the bytes that the container may use: the rest is for what the Go runtime does not count.
// GOMEMLIMIT, which the runtime reads itself, comes first.
func (e *env) memoryLimit() int64 {
	limit := e.bytes("MEMORY_LIMIT", 0, 1)
	if limit == 0 || e.getenv("GOMEMLIMIT") != "" {
		return -1
	}
	return limit / 10 * 9
}
