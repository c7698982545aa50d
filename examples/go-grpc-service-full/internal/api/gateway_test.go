package api_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	openapi "example.com/user-service/api"
	"example.com/user-service/internal/api"
	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/user"
	"example.com/user-service/internal/user/usertest"
)

const (
	ada       = `{"name": "Ada Lovelace", "email": "ada@example.com"}`
	requestID = "request-1"
	bodyLimit = 1 << 10
)

// rest is the REST API of a service, over HTTP.
type rest struct {
	tb  testing.TB
	url string
}

func newREST(tb testing.TB) rest {
	tb.Helper()
	store, feed := usertest.NewFeed(tb)
	return serveREST(tb, user.NewService(store), feed)
}

// serveREST serves REST only, with a server that listens in memory.
func serveREST(tb testing.TB, users api.Users, changes api.Changes, set ...func(*grpcserver.Options, *httpserver.Options)) rest {
	tb.Helper()
	options := grpcserver.Options{Status: api.Status}
	restOptions := httpserver.Options{MaxBodyBytes: bodyLimit, RequestTimeout: time.Minute}
	for _, change := range set {
		change(&options, &restOptions)
	}
	server, err := grpcserver.New("", options)
	require.NoError(tb, err)
	api.Register(server, users, changes)
	conn, err := server.Local()
	require.NoError(tb, err)
	router := httpserver.NewRouter(restOptions)
	require.NoError(tb, api.RegisterGateway(tb.Context(), router, conn))
	listener := httptest.NewServer(router)
	tb.Cleanup(func() {
		listener.Close()
		assert.NoError(tb, conn.Close())
		assert.NoError(tb, server.Close())
	})
	return rest{tb: tb, url: listener.URL}
}

// answer is what a client gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// call makes a request; headers are pairs of a name and a value. A body is JSON unless they say otherwise.
func (r rest) call(method, target, body string, headers ...string) answer {
	r.tb.Helper()
	request, err := http.NewRequestWithContext(r.tb.Context(), method, r.url+target, strings.NewReader(body))
	require.NoError(r.tb, err)
	request.Header.Set("X-Request-Id", requestID)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.tb, err)
	defer func() { assert.NoError(r.tb, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(r.tb, err)
	assert.Equal(r.tb, requestID, response.Header.Get("X-Request-Id"))
	return answer{status: response.StatusCode, header: response.Header, body: string(content)}
}

// userJSON is a user as REST clients see it.
type userJSON struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Email     string `json:"email"`
	Version   int    `json:"version"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

type pageJSON struct {
	Users         []userJSON `json:"users"`
	NextPageToken string     `json:"next_page_token"`
}

// decode checks the status and reads the body strictly.
func decode[T any](tb testing.TB, got answer, status int) T {
	tb.Helper()
	require.Equal(tb, status, got.status, got.body)
	require.Equal(tb, "application/json", got.header.Get("Content-Type"))
	var value T
	require.NoError(tb, json.Unmarshal([]byte(got.body), &value, json.RejectUnknownMembers(true)))
	return value
}

// create adds a user and returns where it is.
func (r rest) create(body string) string {
	r.tb.Helper()
	got := r.call(http.MethodPost, "/v1/users", body)
	require.Equal(r.tb, http.StatusCreated, got.status, got.body)
	return got.header.Get("Location")
}

func TestRESTLifeOfAUser(t *testing.T) {
	t.Parallel()
	service := newREST(t)

	got := service.call(http.MethodPost, "/v1/users", `{"name": " Ada Lovelace ", "email": "ada@example.com"}`)
	created := decode[userJSON](t, got, http.StatusCreated)
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`, created.CreatedAt)
	assert.Equal(t, userJSON{created.ID, "Ada Lovelace", "ada@example.com", 1, created.CreatedAt, created.CreatedAt}, created)
	location := got.header.Get("Location")
	assert.Equal(t, "/v1/users/"+created.ID, location)
	assert.Equal(t, `"1"`, got.header.Get("ETag"))

	got = service.call(http.MethodGet, location, "")
	assert.Equal(t, created, decode[userJSON](t, got, http.StatusOK))
	assert.Equal(t, `"1"`, got.header.Get("ETag"))

	got = service.call(http.MethodPatch, location, `{"name": "Eve"}`, "If-Match", `"1"`, "Content-Type", "application/merge-patch+json")
	patched := decode[userJSON](t, got, http.StatusOK)
	assert.Equal(t, userJSON{created.ID, "Eve", "ada@example.com", 2, created.CreatedAt, patched.UpdatedAt}, patched)
	assert.Equal(t, `"2"`, got.header.Get("ETag"))

	got = service.call(http.MethodDelete, location, "")
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Empty(t, got.body)
	assert.Empty(t, got.header.Get("Content-Type"))
	assert.Equal(t, http.StatusNotFound, service.call(http.MethodGet, location, "").status)
}

func TestRESTHead(t *testing.T) {
	t.Parallel()
	service := newREST(t)
	location := service.create(ada)
	got := service.call(http.MethodHead, location, "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, `"1"`, got.header.Get("ETag"))
	assert.Empty(t, got.body)
	assert.Equal(t, http.StatusNotFound, service.call(http.MethodHead, "/v1/users/1", "").status)
}

// If-Match is for changes: of a reading it says nothing.
func TestRESTReadsWhateverIfMatchSays(t *testing.T) {
	t.Parallel()
	service := newREST(t)
	location := service.create(ada)
	for _, condition := range []string{`"7"`, `1`} {
		assert.Equal(t, http.StatusOK, service.call(http.MethodGet, location, "", "If-Match", condition).status)
	}
}

// contended is a domain in which somebody else's change always comes first, a few times.
type contended struct {
	api.Users

	times atomic.Int32
}

func (c *contended) Update(ctx context.Context, id uuid.UUID, versions []int, change user.Change) (user.User, error) {
	if c.times.Add(-1) >= 0 {
		if _, err := c.Users.Update(ctx, id, nil, user.Change{}); err != nil {
			return user.User{}, fmt.Errorf("be first: %w", err)
		}
	}
	return c.Users.Update(ctx, id, versions, change)
}

func TestRESTTriesAnyVersionAgain(t *testing.T) {
	t.Parallel()
	store, feed := usertest.NewFeed(t)
	users := &contended{Users: user.NewService(store)}
	users.times.Store(3)
	service := serveREST(t, users, feed)
	location := service.create(ada)
	got := service.call(http.MethodPatch, location, `{"name": "Eve"}`, "If-Match", "*")
	assert.Equal(t, "Eve", decode[userJSON](t, got, http.StatusOK).Name)
	users.times.Store(1)
	got = service.call(http.MethodPatch, location, `{"name": "Bob"}`, "If-Match", `"1", `+got.header.Get("ETag"))
	assert.Equal(t, http.StatusPreconditionFailed, got.status, "it has a version that is not in the list")
}

func TestRESTList(t *testing.T) {
	t.Parallel()
	service := newREST(t)
	assert.JSONEq(t, `{"users": [], "next_page_token": ""}`, service.call(http.MethodGet, "/v1/users", "").body)
	const users = 5
	want, listed := make([]string, 0, users), make([]string, 0, users)
	for i := range users {
		want = append(want, service.create(fmt.Sprintf(`{"name": "Ada", "email": "u%d@example.com"}`, i)))
	}
	target := "/v1/users?page_size=2"
	for range 3 {
		page := decode[pageJSON](t, service.call(http.MethodGet, target, ""), http.StatusOK)
		for _, u := range page.Users {
			listed = append(listed, "/v1/users/"+u.ID)
		}
		target = "/v1/users?page_size=2&page_token=" + page.NextPageToken
	}
	assert.Equal(t, want, listed)
	assert.Equal(t, "/v1/users?page_size=2&page_token=", target)
}

func TestRESTPreconditions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ifMatch       []string
		patch, remove int
	}{
		"absent":          {nil, http.StatusPreconditionRequired, http.StatusNoContent},
		"its version":     {[]string{"If-Match", `"1"`}, http.StatusOK, http.StatusNoContent},
		"any":             {[]string{"If-Match", `*`}, http.StatusOK, http.StatusNoContent},
		"a list":          {[]string{"If-Match", `"7", "1"`}, http.StatusOK, http.StatusNoContent},
		"another version": {[]string{"If-Match", `"2"`}, http.StatusPreconditionFailed, http.StatusPreconditionFailed},
		"other versions":  {[]string{"If-Match", `"2", "3"`}, http.StatusPreconditionFailed, http.StatusPreconditionFailed},
		"weak":            {[]string{"If-Match", `W/"1"`}, http.StatusPreconditionFailed, http.StatusPreconditionFailed},
		"no version":      {[]string{"If-Match", `"0"`}, http.StatusPreconditionFailed, http.StatusPreconditionFailed},
		"a negative one":  {[]string{"If-Match", `"-1"`}, http.StatusPreconditionFailed, http.StatusPreconditionFailed},
		"not quoted":      {[]string{"If-Match", `1`}, http.StatusBadRequest, http.StatusBadRequest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newREST(t)
			location := service.create(ada)
			got := service.call(http.MethodPatch, location, `{"name": "Eve"}`, test.ifMatch...)
			assert.Equal(t, test.patch, got.status, got.body)
			location = service.create(`{"name": "Eve", "email": "eve@example.com"}`)
			got = service.call(http.MethodDelete, location, "", test.ifMatch...)
			assert.Equal(t, test.remove, got.status, got.body)
		})
	}
}

func TestRESTProblems(t *testing.T) {
	t.Parallel()
	service := newREST(t)
	location := service.create(ada)
	current := []string{"If-Match", `"1"`}
	gone := "/v1/users/" + uuid.NewV7().String()
	const (
		name  = `{"pointer": "/name", "detail": "must have 1 to 200 characters"}`
		email = `{"pointer": "/email", "detail": "must be a bare address such as ada@example.com"}`
	)
	tests := map[string]struct {
		method, target, body string
		headers              []string
		status               int
		detail, errors       string
	}{
		"every field":          {http.MethodPost, "/v1/users", `{}`, nil, 422, "The user breaks a rule.", name + ", " + email},
		"null members":         {http.MethodPost, "/v1/users", `{"name": null, "email": null}`, nil, 422, "The user breaks a rule.", name + ", " + email},
		"patch of a field":     {http.MethodPatch, location, `{"name": ""}`, current, 422, "The user breaks a rule.", name},
		"taken":                {http.MethodPost, "/v1/users", `{"name": "Eve", "email": "ADA@example.com"}`, nil, 409, "Another user has this e-mail address.", ""},
		"unknown user":         {http.MethodGet, gone, "", nil, 404, "There is no such user.", ""},
		"no UUID":              {http.MethodGet, "/v1/users/1", "", nil, 404, "There is no such user.", ""},
		"a slash in the id":    {http.MethodGet, "/v1/users/a%2Fb", "", nil, 404, "Not Found", ""},
		"unknown path":         {http.MethodGet, "/v2/users", "", nil, 404, "There is nothing at this path.", ""},
		"unknown method":       {http.MethodPut, location, ada, nil, 405, "This path does not have the method PUT.", ""},
		"negative page":        {http.MethodGet, "/v1/users?page_size=-1", "", nil, 400, "page_size must not be negative.", ""},
		"broken token":         {http.MethodGet, "/v1/users?page_token=abc", "", nil, 400, "page_token must be the next_page_token of a page.", ""},
		"no JSON":              {http.MethodPost, "/v1/users", `{`, nil, 400, "The body is not one JSON value.", ""},
		"two values":           {http.MethodPost, "/v1/users", `{} {}`, nil, 400, "The body is not one JSON value.", ""},
		"null":                 {http.MethodPost, "/v1/users", `null`, nil, 400, "The body must not be null.", ""},
		"twice":                {http.MethodPost, "/v1/users", `{"name": "Ada", "name": "Eve"}`, nil, 400, "The body does not have the expected members.", `{"pointer": "/name", "detail": "occurs twice"}`},
		"not a JSON body":      {http.MethodPost, "/v1/users", `name=Ada`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "The body must be application/json.", ""},
		"a patch of nothing":   {http.MethodPost, "/v1/users", `{}`, []string{"Content-Type", "application/merge-patch+json"}, 415, "The body must be application/json.", ""},
		"not a JSON patch":     {http.MethodPatch, location, `name=Eve`, []string{"Content-Type", "text/plain"}, 415, "The body must be application/merge-patch+json or application/json.", ""},
		"no number":            {http.MethodGet, "/v1/users?page_size=ten", "", nil, 400, "The query has a wrong value of page_size, or more than one.", ""},
		"two numbers":          {http.MethodGet, "/v1/users?page_size=1&page_size=2", "", nil, 400, "The query has a wrong value of page_size, or more than one.", ""},
		"too large":            {http.MethodPost, "/v1/users", `{"name": "` + strings.Repeat("a", bodyLimit) + `"}`, nil, 413, "The body has more than 1024 bytes.", ""},
		"patch without a user": {http.MethodPatch, gone, `{"name": "Eve"}`, current, 404, "There is no such user.", ""},
		"any patch without":    {http.MethodPatch, gone, `{"name": "Eve"}`, []string{"If-Match", "*"}, 404, "There is no such user.", ""},
		"stale":                {http.MethodPatch, location, `{"name": "Eve"}`, []string{"If-Match", `"9"`}, 412, "The user has another version: get it again.", ""},
		"no precondition":      {http.MethodPatch, location, `{"name": "Eve"}`, nil, 428, "Send If-Match with the ETag that the change starts from.", ""},
		"what cannot change":   {http.MethodPatch, location, `{"version": 7}`, current, 400, "update_mask must name name, email, or * for both.", ""},
		"what is no method":    {http.MethodPost, "/v1/users", `{}`, []string{"X-Http-Method-Override", "GET"}, 422, "The user breaks a rule.", name + ", " + email},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := service.call(test.method, test.target, test.body, test.headers...)
			want := fmt.Sprintf(`{"type": "about:blank", "title": %q, "status": %d, "detail": %q, "instance": %q`,
				http.StatusText(test.status), test.status, test.detail, requestID)
			if test.errors != "" {
				want += `, "errors": [` + test.errors + `]`
			}
			assert.Equal(t, test.status, got.status, got.body)
			assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			assert.JSONEq(t, want+"}", got.body)
		})
	}
}

func TestRESTNamesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	service := newREST(t)
	for body, want := range map[string]string{
		`{"nickname": "Ada"}`: `unknown field \"nickname\".`,
		`{"name": 7}`:         `invalid value for string field name: 7.`,
		`[]`:                  `unexpected token [.`,
	} {
		got := service.call(http.MethodPost, "/v1/users", body)
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Contains(t, got.body, "The body does not have the expected members: ")
		assert.Contains(t, got.body, want)
	}
}

// failing is a domain whose reading fails.
type failing struct {
	api.Users

	err error
}

func (f failing) Get(ctx context.Context, _ uuid.UUID) (user.User, error) {
	if id := telemetry.RequestID(ctx); id != requestID {
		return user.User{}, fmt.Errorf("the request has the id %q", id)
	}
	return user.User{}, f.err
}

type saturated struct{}

func (saturated) Error() string { return "no connection left" }

func (saturated) RetryAfter() time.Duration { return 1500 * time.Millisecond }

func TestRESTFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err        error
		status     int
		detail     string
		retryAfter string
	}{
		"the deadline": {context.DeadlineExceeded, http.StatusGatewayTimeout, "The request took too long.", ""},
		"no room":      {saturated{}, http.StatusServiceUnavailable, "The service is busy.", "2"},
		"a secret":     {errors.New("secret"), http.StatusInternalServerError, "The service failed to answer this request.", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := serveREST(t, failing{err: test.err}, user.NewFeed()).call(http.MethodGet, "/v1/users/"+uuid.NewV7().String(), "")
			assert.Equal(t, test.status, got.status)
			assert.Equal(t, test.retryAfter, got.header.Get("Retry-After"))
			assert.Contains(t, got.body, fmt.Sprintf(`"detail":%q`, test.detail))
			assert.NotContains(t, got.body, "secret")
		})
	}
}

// slow is a domain whose reading takes until it may end.
type slow struct {
	api.Users

	begun, end chan struct{}
}

func (s slow) Get(context.Context, uuid.UUID) (user.User, error) {
	close(s.begun)
	<-s.end
	return user.User{}, nil
}

// The server's limit is that of REST, too, and says when to come back.
func TestRESTOverTheLimit(t *testing.T) {
	t.Parallel()
	users := slow{begun: make(chan struct{}), end: make(chan struct{})}
	service := serveREST(t, users, user.NewFeed(), func(o *grpcserver.Options, _ *httpserver.Options) { o.MaxInFlight = 1 })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.url+"/v1/users/"+uuid.NewV7().String(), http.NoBody)
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		answered <- err
	}()
	<-users.begun
	got := service.call(http.MethodGet, "/v1/users", "")
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, "1", got.header.Get("Retry-After"))
	assert.Contains(t, got.body, `"detail":"The service is busy."`)
	close(users.end)
	require.NoError(t, <-answered)
}

// The document describes the requests that there are, and no others.
func TestRESTDocument(t *testing.T) {
	t.Parallel()
	service := newREST(t)
	got := service.call(http.MethodGet, "/openapi.json", "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "application/json", got.header.Get("Content-Type"))
	assert.Equal(t, openapi.Document, got.body)

	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(openapi.Document), &document))
	described := map[string][]string{}
	for path, operations := range document.Paths {
		path = strings.NewReplacer("{id}", "1", "{user.id}", "1").Replace(path)
		for method := range operations {
			described[path] = append(described[path], strings.ToUpper(method))
		}
	}
	for path, methods := range described {
		got := service.call(http.MethodOptions, path, "")
		if slices.Contains(methods, http.MethodGet) {
			methods = append(methods, http.MethodHead)
		}
		assert.ElementsMatch(t, methods, strings.Split(got.header.Get("Allow"), ", "), path)
	}
}
