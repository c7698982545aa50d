package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"uuid"

	openapi "example.com/user-service/api"
	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/user"
)

const (
	mergePatch   = "application/merge-patch+json"
	defaultLimit = 20
	maxLimit     = 100
)

type handlers struct {
	users Users
}

// userBody is a user on the wire; its fields are those of user.User.
type userBody struct {
	ID        uuid.UUID `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type pageBody struct {
	Items      []userBody `json:"items"`
	NextCursor string     `json:"next_cursor,omitempty"`
}

type writeBody struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type patchBody struct {
	Name  member `json:"name"`
	Email member `json:"email"`
}

// member is a member of a merge patch. It keeps nil while absent; null, which asks for a removal, becomes the empty text that no required member may be.
type member struct {
	value *string
}

// UnmarshalJSONFrom is called for a member that is there.
func (m *member) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	m.value = new(string)
	if err := json.UnmarshalDecode(dec, m.value); err != nil {
		return fmt.Errorf("decode member: %w", err)
	}
	return nil
}

func (h handlers) create(w http.ResponseWriter, r *http.Request) error {
	body, err := httpserver.Decode[writeBody](r)
	if err != nil {
		return fmt.Errorf("decode body: %w", err)
	}
	u, err := h.users.Create(r.Context(), body.Name, body.Email)
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	w.Header().Set("Location", "/v1/users/"+u.ID.String())
	return writeUser(w, http.StatusCreated, u)
}

func (h handlers) list(w http.ResponseWriter, r *http.Request) error {
	cursor, limit, err := pageOf(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := h.users.List(r.Context(), cursor, limit)
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	body := pageBody{Items: make([]userBody, len(page.Users)), NextCursor: page.Next}
	for i, u := range page.Users {
		body.Items[i] = userBody(u)
	}
	return writeJSON(w, http.StatusOK, body)
}

func (h handlers) get(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	u, err := h.users.Get(r.Context(), id)
	if err != nil {
		return fmt.Errorf("get user: %w", err)
	}
	return writeUser(w, http.StatusOK, u)
}

func (h handlers) replace(w http.ResponseWriter, r *http.Request) error {
	body, err := httpserver.Decode[writeBody](r)
	if err != nil {
		return fmt.Errorf("decode body: %w", err)
	}
	return h.update(w, r, user.Change{Name: &body.Name, Email: &body.Email})
}

func (h handlers) patch(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Patch", mergePatch)
	body, err := httpserver.Decode[patchBody](r, mergePatch)
	if err != nil {
		return fmt.Errorf("decode body: %w", err)
	}
	return h.update(w, r, user.Change{Name: body.Name.value, Email: body.Email.value})
}

func (h handlers) update(w http.ResponseWriter, r *http.Request, change user.Change) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	versions, given, err := ifMatch(r.Header)
	if err != nil {
		return err
	}
	if !given {
		return preconditionRequired()
	}
	u, err := h.users.Update(r.Context(), id, versions, change)
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return writeUser(w, http.StatusOK, u)
}

func (h handlers) remove(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	versions, _, err := ifMatch(r.Header)
	if err != nil {
		return err
	}
	if err := h.users.Delete(r.Context(), id, versions); err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	if _, err := io.WriteString(w, openapi.Document); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	return nil
}

func writeUser(w http.ResponseWriter, status int, u user.User) error {
	w.Header().Set("ETag", formatETag(u.Version))
	return writeJSON(w, status, userBody(u))
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	if err := httpserver.WriteJSON(w, status, body); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// pathID returns the id in the path. What is no UUID is no user's id.
func pathID(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil || len(r.PathValue("id")) != len(id.String()) { // Parse knows three more spellings
		return uuid.UUID{}, user.ErrNotFound
	}
	return id, nil
}

func pageOf(rawQuery string) (cursor string, limit int, err error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", 0, badRequest("The query string is malformed.")
	}
	limit = defaultLimit
	if values, given := query["limit"]; given {
		limit, err = strconv.Atoi(values[0])
		if err != nil || limit < 1 || limit > maxLimit || len(values) > 1 {
			return "", 0, badRequest(fmt.Sprintf("The limit must be a number from 1 to %d.", maxLimit))
		}
	}
	if values, given := query["cursor"]; given {
		if values[0] == "" || len(values) > 1 {
			return "", 0, user.ErrInvalidCursor
		}
		cursor = values[0]
	}
	return cursor, limit, nil
}
