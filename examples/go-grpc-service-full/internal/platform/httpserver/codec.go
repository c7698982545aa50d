package httpserver

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Decode reads the JSON body of a request. It refuses what it cannot take as it is: another media type than those given
// (application/json unless any is), null, a member that T does not have or that occurs twice, anything after the value. Its errors
// are answered as problems: 400, 413 or 415.
func Decode[T any](r *http.Request, mediaTypes ...string) (T, error) {
	if len(mediaTypes) == 0 {
		mediaTypes = []string{"application/json"}
	}
	var body *T // nil after null, which would leave a T as it is
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(mediaTypes, mediaType) {
		return *new(T), NewProblem(http.StatusUnsupportedMediaType, "The body must be "+strings.Join(mediaTypes, " or ")+".")
	}
	if err := json.UnmarshalRead(r.Body, &body, json.RejectUnknownMembers(true)); err != nil {
		return *new(T), decodeProblem(err)
	}
	if body == nil {
		return *new(T), NewProblem(http.StatusBadRequest, "The body must not be null.")
	}
	return *body, nil
}

// limitBody bounds what a handler can read. Of a body that is declared larger nothing is read: to a client that asks first
// (Expect: 100-continue) reading would mean to send it.
func limitBody(w http.ResponseWriter, r *http.Request, limit int64) io.ReadCloser {
	if r.ContentLength > limit {
		return tooLarge{r.Body, limit}
	}
	return http.MaxBytesReader(w, r.Body, limit)
}

type tooLarge struct {
	io.Closer

	limit int64
}

func (b tooLarge) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: b.limit} }

func decodeProblem(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("read body: %w", err) // answered as 413, with the limit
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return NewProblem(http.StatusRequestTimeout, "The body did not arrive in time.")
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		detail := "has a value that is not allowed here"
		if errors.Is(err, json.ErrUnknownName) {
			detail = "is not known"
		}
		return NewProblem(http.StatusBadRequest, "The body does not have the expected members.",
			FieldError{Pointer: string(semantic.JSONPointer), Detail: detail})
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			return NewProblem(http.StatusBadRequest, "The body does not have the expected members.",
				FieldError{Pointer: string(syntactic.JSONPointer), Detail: "occurs twice"})
		}
	}
	return NewProblem(http.StatusBadRequest, "The body is not one JSON value.")
}

// WriteJSON answers with v. Nothing is sent if v cannot be encoded.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("send answer: %w", err)
	}
	return nil
}
