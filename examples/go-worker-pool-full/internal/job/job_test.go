package job_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/job"
)

func TestDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		log  string
		err  string
	}{
		"words":             {body: `{"text": "hello, world"}`, log: "words=2"},
		"blank runs":        {body: `{"text": "  hello\n\tworld "}`, log: "words=2"},
		"no words":          {body: `{"text": " \n"}`, err: "the text has no words"},
		"no text":           {body: `{}`, err: "the text has no words"},
		"no body":           {body: ``, err: "invalid job: "},
		"no JSON":           {body: `hello`, err: "invalid job: "},
		"another type":      {body: `{"text": 7}`, err: "invalid job: "},
		"an unknown member": {body: `{"text": "hello", "language": "en"}`, err: "language"},
		"trailing data":     {body: `{"text": "hello"} {}`, err: "invalid job: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			err := job.NewCounter(slog.New(slog.NewTextHandler(&logs, nil))).Do(t.Context(), "k", []byte(tt.body))
			if tt.err != "" {
				require.ErrorIs(t, err, job.ErrInvalid)
				require.ErrorContains(t, err, tt.err)
				assert.Empty(t, logs.String())
				return
			}
			require.NoError(t, err)
			assert.Contains(t, logs.String(), tt.log)
		})
	}
}

func FuzzDo(f *testing.F) {
	f.Add([]byte(`{"text": "hello world"}`))
	f.Add([]byte(`{"text": "\u00a0"}`))
	f.Add([]byte("{\"text\": \"\xff\"}"))
	counter := job.NewCounter(slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := counter.Do(t.Context(), "k", body); err != nil {
			require.ErrorIs(t, err, job.ErrInvalid, "another attempt ends in the same way")
		}
	})
}
