package telemetry_test

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/telemetry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestLoggerWritesTheIDsOfTheContext(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo).With(slog.String("part", "test"))
	ctx := telemetry.WithRequestID(t.Context(), "r-1")
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	log.InfoContext(ctx, "done")

	var line map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	assert.NotEmpty(t, line["time"])
	delete(line, "time")
	assert.Equal(t, map[string]string{
		"level": "INFO", "msg": "done", "part": "test", "request_id": "r-1",
		"trace_id": "01000000000000000000000000000000", "span_id": "0200000000000000",
	}, line)
	assert.Equal(t, "r-1", telemetry.RequestID(ctx))
}

func TestLoggerWithoutRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.NewLogger(&out, slog.LevelInfo).WithGroup("g").InfoContext(t.Context(), "done", slog.Int("n", 1))
	assert.Contains(t, out.String(), `"msg":"done","g":{"n":1}}`)
	assert.Empty(t, telemetry.RequestID(t.Context()))
}

func TestLoggerLevelCanChange(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	level := new(slog.LevelVar)
	log := telemetry.NewLogger(&out, level)
	log.DebugContext(t.Context(), "before")
	level.Set(slog.LevelDebug)
	log.DebugContext(t.Context(), "after")
	assert.NotContains(t, out.String(), "before")
	assert.Contains(t, out.String(), "after")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestLoggerReportsAWriteThatFails(t *testing.T) {
	t.Parallel()
	err := telemetry.NewLogger(brokenWriter{}, slog.LevelInfo).Handler().Handle(t.Context(), slog.Record{})
	require.EqualError(t, err, "write log line: disk full")
}
