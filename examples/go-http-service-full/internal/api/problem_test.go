package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/user"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	handler := newAPI(t)
	location := create(t, handler, ada)
	bob := create(t, handler, `{"name": "Bob", "email": "bob@example.com"}`)
	gone := "/v1/users/" + uuid.NewV7().String()
	current := []string{"If-Match", `"1"`}

	const (
		name       = `{"pointer": "/name", "detail": "must have 1 to 200 characters"}`
		nameText   = `{"pointer": "/name", "detail": "must be UTF-8 text without NUL characters"}`
		email      = `{"pointer": "/email", "detail": "must be a bare address such as ada@example.com"}`
		limit      = "The limit must be a number from 1 to 100."
		cursor     = "The cursor is not the next_cursor of a page."
		taken      = "Another user has this e-mail address."
		notFound   = "There is no such user."
		precededBy = "Send If-Match with the ETag that the change starts from."
	)
	invalid := func(fields ...string) string {
		return `"status": 422, "title": "Unprocessable Entity", "detail": "The user breaks a rule.", "errors": [` + strings.Join(fields, ", ") + "]"
	}
	plain := func(status int, detail string) string {
		return fmt.Sprintf(`"status": %d, "title": %q, "detail": %q`, status, http.StatusText(status), detail)
	}
	tests := map[string]struct {
		method, target, body string
		headers              []string
		want                 string // besides type and instance
	}{
		"create: every field":     {http.MethodPost, "/v1/users", `{}`, nil, invalid(name, email)},
		"create: null":            {http.MethodPost, "/v1/users", `{"name": null, "email": null}`, nil, invalid(name, email)},
		"create: NUL":             {http.MethodPost, "/v1/users", `{"name": "A\u0000da", "email": "a\u0000@example.com"}`, nil, invalid(nameText, email)},
		"create: taken":           {http.MethodPost, "/v1/users", `{"name": "Ada", "email": "ADA@example.com"}`, nil, plain(http.StatusConflict, taken)},
		"get: unknown":            {http.MethodGet, gone, "", nil, plain(http.StatusNotFound, notFound)},
		"get: no UUID":            {http.MethodGet, "/v1/users/1", "", nil, plain(http.StatusNotFound, notFound)},
		"get: in braces":          {http.MethodGet, "/v1/users/{" + location[len("/v1/users/"):] + "}", "", nil, plain(http.StatusNotFound, notFound)},
		"list: limit 0":           {http.MethodGet, "/v1/users?limit=0", "", nil, plain(http.StatusBadRequest, limit)},
		"list: limit 101":         {http.MethodGet, "/v1/users?limit=101", "", nil, plain(http.StatusBadRequest, limit)},
		"list: limit in words":    {http.MethodGet, "/v1/users?limit=ten", "", nil, plain(http.StatusBadRequest, limit)},
		"list: limit empty":       {http.MethodGet, "/v1/users?limit=", "", nil, plain(http.StatusBadRequest, limit)},
		"list: two limits":        {http.MethodGet, "/v1/users?limit=1&limit=2", "", nil, plain(http.StatusBadRequest, limit)},
		"list: cursor":            {http.MethodGet, "/v1/users?cursor=abc", "", nil, plain(http.StatusBadRequest, cursor)},
		"list: cursor empty":      {http.MethodGet, "/v1/users?cursor=", "", nil, plain(http.StatusBadRequest, cursor)},
		"list: two cursors":       {http.MethodGet, "/v1/users?cursor=a&cursor=b", "", nil, plain(http.StatusBadRequest, cursor)},
		"list: query":             {http.MethodGet, "/v1/users?limit=%zz", "", nil, plain(http.StatusBadRequest, "The query string is malformed.")},
		"replace: every field":    {http.MethodPut, location, `{}`, current, invalid(name, email)},
		"replace: one field":      {http.MethodPut, location, `{"email": "ada@example.com"}`, current, invalid(name)},
		"replace: no version":     {http.MethodPut, location, eve, nil, plain(http.StatusPreconditionRequired, precededBy)},
		"replace: stale":          {http.MethodPut, location, eve, []string{"If-Match", `"2"`}, plain(http.StatusPreconditionFailed, "The user has another version: get it again.")},
		"replace: no entity tag":  {http.MethodPut, location, eve, []string{"If-Match", `1`}, plain(http.StatusBadRequest, `If-Match must be * or entity tags such as "1".`)},
		"replace: taken":          {http.MethodPut, bob, ada, current, plain(http.StatusConflict, taken)},
		"replace: unknown":        {http.MethodPut, gone, eve, current, plain(http.StatusNotFound, notFound)},
		"replace: no UUID":        {http.MethodPut, "/v1/users/1", eve, current, plain(http.StatusNotFound, notFound)},
		"patch: removed":          {http.MethodPatch, location, `{"name": null, "email": "x"}`, current, invalid(name, email)},
		"patch: no version":       {http.MethodPatch, location, `{}`, nil, plain(http.StatusPreconditionRequired, precededBy)},
		"patch: taken":            {http.MethodPatch, bob, `{"email": "ada@example.com"}`, current, plain(http.StatusConflict, taken)},
		"patch: unknown":          {http.MethodPatch, gone, `{}`, current, plain(http.StatusNotFound, notFound)},
		"delete: unknown":         {http.MethodDelete, gone, "", nil, plain(http.StatusNotFound, notFound)},
		"delete: unknown version": {http.MethodDelete, gone, "", current, plain(http.StatusNotFound, notFound)},
		"delete: no UUID":         {http.MethodDelete, "/v1/users/1", "", nil, plain(http.StatusNotFound, notFound)},
		"delete: no entity tag":   {http.MethodDelete, location, "", []string{"If-Match", `"`}, plain(http.StatusBadRequest, `If-Match must be * or entity tags such as "1".`)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := call(t, handler, test.method, test.target, test.body, test.headers...)
			requireProblem(t, response, `{"type": "about:blank", `+test.want+`, "instance": "`+requestID+`"}`)
			assert.Empty(t, response.Header().Get("ETag"))
		})
	}
	for _, untouched := range []string{location, bob} {
		assert.Equal(t, `"1"`, call(t, handler, http.MethodGet, untouched, "").Header().Get("ETag"))
	}
}

// Which bodies and methods are refused is the platform's to say in detail; that they are is the contract's.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	handler := newAPI(t)
	location := create(t, handler, ada)
	tests := map[string]struct {
		method, target, body string
		headers              []string
		status               int
	}{
		"create: broken JSON":      {http.MethodPost, "/v1/users", `{`, nil, http.StatusBadRequest},
		"create: no body":          {http.MethodPost, "/v1/users", ``, []string{"Content-Type", "application/json"}, http.StatusBadRequest},
		"create: null":             {http.MethodPost, "/v1/users", `null`, nil, http.StatusBadRequest},
		"create: a list":           {http.MethodPost, "/v1/users", `[]`, nil, http.StatusBadRequest},
		"create: more":             {http.MethodPost, "/v1/users", ada + ada, nil, http.StatusBadRequest},
		"create: unknown member":   {http.MethodPost, "/v1/users", `{"id": "1", "name": "Ada", "email": "a@example.com"}`, nil, http.StatusBadRequest},
		"create: twice":            {http.MethodPost, "/v1/users", `{"name": "Ada", "name": "Ada", "email": "a@example.com"}`, nil, http.StatusBadRequest},
		"create: a number":         {http.MethodPost, "/v1/users", `{"name": 1, "email": "a@example.com"}`, nil, http.StatusBadRequest},
		"create: a form":           {http.MethodPost, "/v1/users", "name=Ada", []string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		"create: too large":        {http.MethodPost, "/v1/users", `{"name": "` + strings.Repeat("a", 2<<20) + `"}`, nil, http.StatusRequestEntityTooLarge},
		"replace: a patch":         {http.MethodPut, location, ada, []string{"Content-Type", "application/merge-patch+json"}, http.StatusUnsupportedMediaType},
		"patch: JSON":              {http.MethodPatch, location, ada, []string{"Content-Type", "application/json"}, http.StatusUnsupportedMediaType},
		"patch: a number":          {http.MethodPatch, location, `{"name": 1}`, []string{"If-Match", "*"}, http.StatusBadRequest},
		"patch: null":              {http.MethodPatch, location, `null`, []string{"If-Match", "*"}, http.StatusBadRequest},
		"patch: a list":            {http.MethodPatch, location, `[]`, []string{"If-Match", "*"}, http.StatusBadRequest},
		"patch: unknown member":    {http.MethodPatch, location, `{"version": 7}`, []string{"If-Match", "*"}, http.StatusBadRequest},
		"method of the collection": {http.MethodDelete, "/v1/users", "", nil, http.StatusMethodNotAllowed},
		"method of a user":         {http.MethodPost, location, ada, nil, http.StatusMethodNotAllowed},
		"another path":             {http.MethodGet, "/v1/groups", "", nil, http.StatusNotFound},
		"below a user":             {http.MethodGet, location + "/name", "", nil, http.StatusNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := call(t, handler, test.method, test.target, test.body, test.headers...)
			require.Equal(t, test.status, response.Code, response.Body.String())
			assert.Equal(t, "application/problem+json", response.Header().Get("Content-Type"))
			assert.Equal(t, test.status == http.StatusMethodNotAllowed, response.Header().Get("Allow") != "")
			if test.method == http.MethodPatch {
				assert.Equal(t, "application/merge-patch+json", response.Header().Get("Accept-Patch"))
			}
		})
	}
}

var errBroken = errors.New("broken")

// brokenUsers fails at everything, with an error that the API does not know.
type brokenUsers struct{}

func (brokenUsers) Create(context.Context, string, string) (user.User, error) {
	return user.User{}, errBroken
}

func (brokenUsers) Get(context.Context, uuid.UUID) (user.User, error) { return user.User{}, errBroken }

func (brokenUsers) List(context.Context, string, int) (user.Page, error) {
	return user.Page{}, errBroken
}

func (brokenUsers) Update(context.Context, uuid.UUID, []int, user.Change) (user.User, error) {
	return user.User{}, errBroken
}

func (brokenUsers) Delete(context.Context, uuid.UUID, []int) error { return errBroken }

func TestUnknownErrorsAreNotTold(t *testing.T) {
	t.Parallel()
	handler := serve(brokenUsers{})
	location := "/v1/users/" + uuid.NewV7().String()
	for _, request := range []struct{ method, target, body string }{
		{http.MethodPost, "/v1/users", ada},
		{http.MethodGet, "/v1/users", ""},
		{http.MethodGet, location, ""},
		{http.MethodPut, location, ada},
		{http.MethodPatch, location, `{}`},
		{http.MethodDelete, location, ""},
	} {
		t.Run(request.method+" "+request.target, func(t *testing.T) {
			t.Parallel()
			response := call(t, handler, request.method, request.target, request.body, "If-Match", "*")
			assert.Equal(t, http.StatusInternalServerError, response.Code)
			assert.Equal(t, "application/problem+json", response.Header().Get("Content-Type"))
			assert.NotContains(t, response.Body.String(), "broken")
		})
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	assert.Nil(t, api.Problem(errBroken))
	assert.Nil(t, api.Problem(context.DeadlineExceeded))
	for err, status := range map[error]int{
		user.ErrNotFound:                          http.StatusNotFound,
		user.ErrEmailTaken:                        http.StatusConflict,
		user.ErrVersionConflict:                   http.StatusPreconditionFailed,
		user.ErrInvalidCursor:                     http.StatusBadRequest,
		&user.ValidationError{}:                   http.StatusUnprocessableEntity,
		errors.Join(errBroken, user.ErrNotFound):  http.StatusNotFound,
		fmt.Errorf("again: %w", user.ErrNotFound): http.StatusNotFound,
	} {
		problem := api.Problem(fmt.Errorf("do something: %w", err))
		require.NotNil(t, problem, err)
		assert.Equal(t, status, problem.Status, err)
	}
}
