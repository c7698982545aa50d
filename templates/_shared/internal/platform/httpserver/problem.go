package httpserver

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// statusClientGone is what logs and metrics show for a request whose client did not wait for the answer.
const statusClientGone = 499

// Problem is an error as the client sees it: RFC 9457, application/problem+json.
type Problem struct { //nolint:errname // RFC 9457 calls it so
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail,omitzero"`
	Instance string       `json:"instance,omitzero"`
	Errors   []FieldError `json:"errors,omitempty"`

	// RetryAfter is sent as a header, in whole seconds.
	RetryAfter time.Duration `json:"-"`
	// Allow is sent as a header: the methods that the resource has.
	Allow string `json:"-"`
}

// FieldError says what is wrong with one member of the request's body.
type FieldError struct {
	// Pointer is the JSON pointer of the member.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// NewProblem returns the problem of an HTTP status. Its detail and its errors are for the client to read.
func NewProblem(status int, detail string, errs ...FieldError) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Errors: errs}
}

func (p *Problem) Error() string {
	return strconv.Itoa(p.Status) + " " + p.Title + ": " + p.Detail
}

// write sends the problem, with the request id as its instance.
func (p *Problem) write(w http.ResponseWriter, requestID string) {
	sent := *p
	sent.Instance = requestID
	header := w.Header()
	header.Del("Content-Encoding")
	header.Del("Content-Length")
	header.Del("ETag")
	header.Set("Content-Type", "application/problem+json")
	if p.Allow != "" {
		header.Set("Allow", p.Allow)
	}
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	_ = json.MarshalWrite(w, &sent, jsontext.AllowInvalidUTF8(true)) // a client that is gone cannot be told
}

// problemOf turns an error of a handler into the problem that the client gets. domain knows the errors of the domain; what nobody
// knows is the server's own fault, whose text stays inside.
func problemOf(ctx context.Context, err error, domain func(error) *Problem) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if p := domain(err); p != nil {
		return p
	}
	if busy, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		p := NewProblem(http.StatusServiceUnavailable, "The service is busy.")
		p.RetryAfter = busy.RetryAfter()
		return p
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return NewProblem(http.StatusRequestEntityTooLarge, "The body has more than "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes.")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return NewProblem(http.StatusGatewayTimeout, "The request took too long.")
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return NewProblem(statusClientGone, "")
	}
	return internalError()
}

func internalError() *Problem {
	return NewProblem(http.StatusInternalServerError, "The service failed to answer this request.")
}
