package httpserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/httpserver"
)

type order struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Parts []struct {
		ID string `json:"id"`
	} `json:"parts,omitempty"`
}

func decode(tb testing.TB, contentType string, body io.Reader, mediaTypes ...string) (order, error) {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", body)
	r.Header.Set("Content-Type", contentType)
	return httpserver.Decode[order](r, mediaTypes...)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	got, err := decode(t, "application/json; charset=utf-8", strings.NewReader(`{"name":"a","count":2,"parts":[{"id":"x"}]}`))
	require.NoError(t, err)
	assert.Equal(t, "a", got.Name)
	assert.Equal(t, 2, got.Count)
	assert.Len(t, got.Parts, 1)

	_, err = decode(t, "application/merge-patch+json", strings.NewReader(`{}`), "application/merge-patch+json")
	require.NoError(t, err)
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		contentType string
		body        io.Reader
		status      int
		pointer     string
		detail      string
	}{
		"no media type":      {"", strings.NewReader(`{}`), 415, "", "The body must be application/json."},
		"another media type": {"text/plain", strings.NewReader(`{}`), 415, "", "The body must be application/json."},
		"a broken type":      {"application/json; =", strings.NewReader(`{}`), 415, "", "The body must be application/json."},
		"nothing":            {"application/json", strings.NewReader(``), 400, "", "The body is not one JSON value."},
		"half a value":       {"application/json", strings.NewReader(`{"name":`), 400, "", "The body is not one JSON value."},
		"no JSON":            {"application/json", strings.NewReader(`{name}`), 400, "", "The body is not one JSON value."},
		"two values":         {"application/json", strings.NewReader(`{} {}`), 400, "", "The body is not one JSON value."},
		"no UTF-8":           {"application/json", strings.NewReader("{\"name\":\"\xff\"}"), 400, "", "The body is not one JSON value."},
		"an unknown member":  {"application/json", strings.NewReader(`{"name":"a","nick":"b"}`), 400, "/nick", "is not known"},
		"another case":       {"application/json", strings.NewReader(`{"Name":"a"}`), 400, "/Name", "is not known"},
		"a member twice":     {"application/json", strings.NewReader(`{"name":"a","name":"b"}`), 400, "/name", "occurs twice"},
		"a wrong type":       {"application/json", strings.NewReader(`{"count":"2"}`), 400, "/count", "has a value that is not allowed here"},
		"a fraction":         {"application/json", strings.NewReader(`{"count":2.5}`), 400, "/count", "has a value that is not allowed here"},
		"a wrong type below": {"application/json", strings.NewReader(`{"parts":[{"id":"x"},{"id":1}]}`), 400, "/parts/1/id", "has a value that is not allowed here"},
		"null":               {"application/json", strings.NewReader(` null `), 400, "", "The body must not be null."},
		"not an object":      {"application/json", strings.NewReader(`[]`), 400, "", "has a value that is not allowed here"},
		"a slow client":      {"application/json", io.MultiReader(strings.NewReader(`{"na`), broken{os.ErrDeadlineExceeded}), 408, "", "The body did not arrive in time."},
		"a lost client":      {"application/json", io.MultiReader(strings.NewReader(`{"na`), broken{io.ErrUnexpectedEOF}), 400, "", "The body is not one JSON value."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(t, tt.contentType, tt.body)
			problem, ok := errors.AsType[*httpserver.Problem](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tt.status, problem.Status)
			if len(problem.Errors) == 0 {
				assert.Equal(t, tt.detail, problem.Detail)
				return
			}
			assert.Equal(t, []httpserver.FieldError{{Pointer: tt.pointer, Detail: tt.detail}}, problem.Errors)
		})
	}
}

// broken is the end of a body that does not come.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	require.NoError(t, httpserver.WriteJSON(w, http.StatusCreated, order{Name: "a", Count: 2}))
	assert.Equal(t, http.StatusCreated, w.Code)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.JSONEq(t, `{"name":"a","count":2}`, w.Body.String())
}

func TestWriteJSONSendsNothingOfWhatItCannotEncode(t *testing.T) {
	t.Parallel()
	rt := httpserver.NewRouter(httpserver.Options{})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		return httpserver.WriteJSON(w, http.StatusOK, math.Inf(1))
	})
	got := do(t, rt, "GET", "/x", nil, "")
	assert.Equal(t, http.StatusInternalServerError, got.status)
	assert.Contains(t, got.body, `"status":500`)
}

// closed is the response to a client that is gone.
type closed struct{ http.ResponseWriter }

func (closed) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteJSONReportsAClientThatIsGone(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	rt := httpserver.NewRouter(httpserver.Options{Logger: logger(&logs, slog.LevelInfo)})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		cancel()
		err := httpserver.WriteJSON(w, http.StatusOK, "x")
		assert.ErrorIs(t, err, os.ErrClosed)
		return err
	})
	w := httptest.NewRecorder()
	rt.ServeHTTP(closed{w}, httptest.NewRequestWithContext(ctx, "GET", "/x", nil))
	assert.NotContains(t, logs.String(), "request failed", "clients may leave")
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"name":"a","count":2}`, `{"name":"a","name":"b"}`, `{"parts":[{"id":1}]}`, `{} {}`, "\xff", `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decode(t, "application/json", bytes.NewReader(body))
		if err != nil {
			problem, ok := errors.AsType[*httpserver.Problem](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, http.StatusBadRequest, problem.Status)
			return
		}
		sent := encode(t, got)
		again, err := decode(t, "application/json", strings.NewReader(sent))
		require.NoError(t, err, "what was taken can be sent and taken again")
		assert.Equal(t, sent, encode(t, again))
	})
}

func encode(t *testing.T, v any) string {
	t.Helper()
	w := httptest.NewRecorder()
	require.NoError(t, httpserver.WriteJSON(w, http.StatusOK, v))
	return w.Body.String()
}
