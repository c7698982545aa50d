package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/config"
)

// send has the produce command send lines.
func send(t *testing.T, env map[string]string, lines ...string) error {
	t.Helper()
	cfg, err := config.Load([]string{"produce"}, func(key string) string { return env[key] })
	require.NoError(t, err)
	return produce(t.Context(), cfg, strings.NewReader(strings.Join(lines, "\n")), slog.New(slog.DiscardHandler))
}

func TestProduceRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	env := settings(t)
	env["MAX_BODY_BYTES"] = "10"
	require.NoError(t, send(t, env, strings.Repeat("x", 10), strings.Repeat("y", 10)))
	require.ErrorContains(t, send(t, env, "x", strings.Repeat("y", 11)), "read job 2, of at most 10 bytes: ")
}

func TestProduceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	env := settings(t)
	cfg, err := config.Load(nil, func(key string) string { return env[key] })
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, produce(ctx, cfg, strings.NewReader("x"), slog.New(slog.DiscardHandler)), context.Canceled)
}
