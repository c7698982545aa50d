package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/config"
	"example.com/user-service/internal/platform/source"
)

// send has the produce command send lines.
func send(t *testing.T, env map[string]string, lines ...string) error {
	t.Helper()
	return sendText(t, env, strings.Join(lines, "\n"), "produce")
}

// sendText has a command send what is in text.
func sendText(t *testing.T, env map[string]string, text string, command ...string) error {
	t.Helper()
	cfg, err := config.Load(command, func(key string) string { return env[key] })
	require.NoError(t, err)
	return produce(t.Context(), cfg, strings.NewReader(text), slog.New(slog.DiscardHandler))
}

func TestProduceRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	env := settings(t)
	env["MAX_BODY_BYTES"] = "10"
	require.NoError(t, send(t, env, strings.Repeat("x", 10), strings.Repeat("y", 10)))
	require.ErrorContains(t, send(t, env, "x", strings.Repeat("y", 11)), "read job 2, of at most 10 bytes: ")
}

func TestProduceSendsTheWholeAsOneJob(t *testing.T) {
	t.Parallel()
	env := settings(t)
	env["MAX_BODY_BYTES"] = "10"
	bodies := []string{"one\r\ntwo\n\n", "", strings.Repeat("x", 10)}
	for _, body := range bodies {
		require.NoError(t, sendText(t, env, body, "produce", "--whole"))
	}
	require.ErrorContains(t, sendText(t, env, strings.Repeat("y", 11), "produce", "--whole"), "read job 1, of at most 10 bytes: ")

	cfg, err := config.Load(nil, func(key string) string { return env[key] })
	require.NoError(t, err)
	messages, err := source.Open(t.Context(), broker(cfg), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	require.NoError(t, messages.Run(ctx, func(ctx context.Context, message source.Message) error {
		got = append(got, string(message.Body))
		if len(got) == len(bodies) {
			cancel()
		}
		return message.Ack(context.WithoutCancel(ctx))
	}))
	require.NoError(t, messages.Close(t.Context()))
	assert.ElementsMatch(t, bodies, got)
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
