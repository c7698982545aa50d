package api_test

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	openapi "example.com/user-service/api"
	"example.com/user-service/internal/api"
	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

const (
	ada       = `{"name": "Ada Lovelace", "email": "ada@example.com"}`
	eve       = `{"name": "Eve", "email": "eve@example.com"}`
	requestID = "request-1"
)

// userJSON is a user as clients see it.
type userJSON struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Email     string `json:"email"`
	Version   int    `json:"version"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

type pageJSON struct {
	Items      []userJSON `json:"items"`
	NextCursor *string    `json:"next_cursor"`
}

func newAPI(tb testing.TB) http.Handler {
	tb.Helper()
	return serve(user.NewService(usertest.NewStore(tb)))
}

func serve(users api.Users) http.Handler {
	router := httpserver.NewRouter(httpserver.Options{Problem: api.Problem, MaxBodyBytes: 1 << 20})
	api.Register(router, users)
	return router
}

// call makes a request; headers are pairs of a name and a value. A body is JSON, or a merge patch with PATCH, unless headers say otherwise.
func call(tb testing.TB, handler http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	request := httptest.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body))
	request.Header.Set("X-Request-ID", requestID)
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	} else if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// decode checks the status and reads the body strictly.
func decode[T any](tb testing.TB, response *httptest.ResponseRecorder, status int) T {
	tb.Helper()
	require.Equal(tb, status, response.Code, response.Body.String())
	require.Equal(tb, "application/json", response.Header().Get("Content-Type"))
	var value T
	require.NoError(tb, json.Unmarshal(response.Body.Bytes(), &value, json.RejectUnknownMembers(true)))
	return value
}

// create adds a user and returns where it is.
func create(tb testing.TB, handler http.Handler, body string) string {
	tb.Helper()
	response := call(tb, handler, http.MethodPost, "/v1/users", body)
	require.Equal(tb, http.StatusCreated, response.Code, response.Body.String())
	return response.Header().Get("Location")
}

func requireProblem(tb testing.TB, response *httptest.ResponseRecorder, want string) {
	tb.Helper()
	require.Equal(tb, "application/problem+json", response.Header().Get("Content-Type"))
	require.JSONEq(tb, want, response.Body.String())
	require.Contains(tb, want, fmt.Sprintf(`"status": %d,`, response.Code))
}

func TestLifeOfAUser(t *testing.T) {
	t.Parallel()
	handler := newAPI(t)

	response := call(t, handler, http.MethodPost, "/v1/users", `{"name": " Ada Lovelace ", "email": "ada@example.com"}`)
	created := decode[userJSON](t, response, http.StatusCreated)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, created.ID)
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`, created.CreatedAt)
	assert.Equal(t, userJSON{created.ID, "Ada Lovelace", "ada@example.com", 1, created.CreatedAt, created.CreatedAt}, created)
	location := response.Header().Get("Location")
	assert.Equal(t, "/v1/users/"+created.ID, location)
	assert.Equal(t, `"1"`, response.Header().Get("ETag"))

	response = call(t, handler, http.MethodGet, location, "")
	assert.Equal(t, created, decode[userJSON](t, response, http.StatusOK))
	assert.Equal(t, `"1"`, response.Header().Get("ETag"))

	response = call(t, handler, http.MethodPut, location, eve, "If-Match", `"1"`)
	replaced := decode[userJSON](t, response, http.StatusOK)
	assert.Equal(t, userJSON{created.ID, "Eve", "eve@example.com", 2, created.CreatedAt, replaced.UpdatedAt}, replaced)
	assert.Equal(t, `"2"`, response.Header().Get("ETag"))

	response = call(t, handler, http.MethodPatch, location, `{"name": "Eva"}`, "If-Match", `"2"`)
	patched := decode[userJSON](t, response, http.StatusOK)
	assert.Equal(t, userJSON{created.ID, "Eva", "eve@example.com", 3, created.CreatedAt, patched.UpdatedAt}, patched)
	assert.Equal(t, `"3"`, response.Header().Get("ETag"))
	assert.Equal(t, patched, decode[userJSON](t, call(t, handler, http.MethodGet, location, ""), http.StatusOK))

	response = call(t, handler, http.MethodDelete, location, "")
	assert.Equal(t, http.StatusNoContent, response.Code)
	assert.Empty(t, response.Body.String())
	assert.Equal(t, http.StatusNotFound, call(t, handler, http.MethodGet, location, "").Code)
	assert.Equal(t, http.StatusNotFound, call(t, handler, http.MethodDelete, location, "").Code)
}

func TestList(t *testing.T) {
	t.Parallel()
	handler := newAPI(t)
	assert.JSONEq(t, `{"items": []}`, call(t, handler, http.MethodGet, "/v1/users", "").Body.String())

	const users = 21
	want := make([]string, 0, users)
	for i := range users {
		want = append(want, create(t, handler, fmt.Sprintf(`{"name": "Ada", "email": "u%d@example.com"}`, i)))
	}
	tests := map[string]struct {
		query string
		pages []int
	}{
		"by default 20":    {"", []int{20, 1}},
		"the largest page": {"limit=100", []int{users}},
		"just full":        {"limit=21", []int{users}},
		"seven each":       {"limit=7", []int{7, 7, 7}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			target := "/v1/users?" + test.query
			for i, size := range test.pages {
				page := decode[pageJSON](t, call(t, handler, http.MethodGet, target, ""), http.StatusOK)
				require.Len(t, page.Items, size)
				for _, item := range page.Items {
					got = append(got, "/v1/users/"+item.ID)
				}
				if i == len(test.pages)-1 {
					require.Nil(t, page.NextCursor)
					break
				}
				require.NotNil(t, page.NextCursor)
				target = "/v1/users?" + test.query + "&cursor=" + *page.NextCursor
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ifMatch []string
		status  int // 0 for success
	}{
		"absent":          {nil, http.StatusPreconditionRequired},
		"its version":     {[]string{"If-Match", `"1"`}, 0},
		"any":             {[]string{"If-Match", `*`}, 0},
		"a list":          {[]string{"If-Match", `"7", "1"`}, 0},
		"another version": {[]string{"If-Match", `"2"`}, http.StatusPreconditionFailed},
		"weak":            {[]string{"If-Match", `W/"1"`}, http.StatusPreconditionFailed},
		"unknown tag":     {[]string{"If-Match", `"abc"`}, http.StatusPreconditionFailed},
		"not quoted":      {[]string{"If-Match", `1`}, http.StatusBadRequest},
		"empty":           {[]string{"If-Match", ``}, http.StatusBadRequest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := newAPI(t)
			for method, body := range map[string]string{http.MethodPut: eve, http.MethodPatch: `{"name": "Eve"}`, http.MethodDelete: ""} {
				location := create(t, handler, fmt.Sprintf(`{"name": "Ada", "email": "%s@example.com"}`, method))
				want, etag := test.status, `"1"`
				switch {
				case method == http.MethodDelete && (want == 0 || want == http.StatusPreconditionRequired):
					want, etag = http.StatusNoContent, ""
				case want == 0:
					want, etag = http.StatusOK, `"2"`
				}
				response := call(t, handler, method, location, body, test.ifMatch...)
				assert.Equal(t, want, response.Code, "%s: %s", method, response.Body)
				assert.Equal(t, etag, call(t, handler, http.MethodGet, location, "").Header().Get("ETag"), method)
			}
		})
	}
}

func TestMergePatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ patch, name, email string }{
		"empty":       {`{}`, "Ada Lovelace", "ada@example.com"},
		"name":        {`{"name": " Eve "}`, "Eve", "ada@example.com"},
		"e-mail":      {`{"email": "eve@example.com"}`, "Ada Lovelace", "eve@example.com"},
		"both":        {eve, "Eve", "eve@example.com"},
		"e-mail case": {`{"email": "ADA@example.com"}`, "Ada Lovelace", "ADA@example.com"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := newAPI(t)
			location := create(t, handler, ada)
			got := decode[userJSON](t, call(t, handler, http.MethodPatch, location, test.patch, "If-Match", `"1"`), http.StatusOK)
			assert.Equal(t, test.name, got.Name)
			assert.Equal(t, test.email, got.Email)
			assert.Equal(t, 2, got.Version)
		})
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	response := call(t, serve(nil), http.MethodGet, "/openapi.yaml", "")
	assert.Equal(t, http.StatusOK, response.Code)
	assert.Equal(t, "application/yaml", response.Header().Get("Content-Type"))
	assert.Equal(t, openapi.Document, response.Body.String())
}

func FuzzCreate(f *testing.F) {
	f.Add([]byte(ada))
	f.Add([]byte(`{"name": null, "email": "\u0000"}`))
	f.Add([]byte(`{"name": "Ada", "name": "Eve"}`))
	f.Add([]byte(`[1e999]`))
	handler := newAPI(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		response := call(t, handler, http.MethodPost, "/v1/users", string(body), "Content-Type", "application/json")
		assert.Contains(t, []int{http.StatusCreated, http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}, response.Code, response.Body.String())
	})
}

func BenchmarkGet(b *testing.B) {
	handler := newAPI(b)
	location := create(b, handler, ada)
	for b.Loop() {
		if response := call(b, handler, http.MethodGet, location, ""); response.Code != http.StatusOK {
			b.Fatal(response.Code)
		}
	}
}
