package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/httpserver"
)

// retryAfter is when to try again where the server does not say.
const retryAfter = time.Second

// problemOf turns the error of a call into the problem that the client gets. A status was made for a client to read.
func (g *Gateway) problemOf(method string, err error) error {
	if made, ok := errors.AsType[*httpserver.Problem](err); ok {
		return made
	}
	if refused, ok := errors.AsType[*runtime.HTTPStatusError](err); ok {
		return problem(refused.HTTPStatus, "The path is malformed.")
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch st.Code() {
	case codes.InvalidArgument:
		return g.invalid(method, st)
	case codes.Unavailable:
		return unavailable(st)
	case codes.Canceled:
		return fmt.Errorf("%w: %w", context.Canceled, err)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	case codes.NotFound:
		return problem(http.StatusNotFound, st.Message())
	case codes.AlreadyExists:
		return problem(http.StatusConflict, st.Message())
	case codes.Aborted:
		return problem(http.StatusPreconditionFailed, st.Message())
	case codes.FailedPrecondition, codes.OutOfRange:
		return problem(http.StatusBadRequest, st.Message())
	case codes.Unauthenticated:
		return problem(http.StatusUnauthorized, st.Message())
	case codes.PermissionDenied:
		return problem(http.StatusForbidden, st.Message())
	case codes.ResourceExhausted:
		return problem(http.StatusTooManyRequests, st.Message())
	case codes.Unimplemented:
		return problem(http.StatusNotImplemented, st.Message())
	case codes.OK, codes.Unknown, codes.Internal, codes.DataLoss:
	}
	return err
}

// parameter is how the library names what it could not read in a query.
var parameter = regexp.MustCompile(`(?:field|list|key|value) "([^"]+)"`)

// malformed tells what of a request does not fit the message of its call.
func malformed(text string) *httpserver.Problem {
	if strings.HasPrefix(text, unexpected) {
		return problem(http.StatusBadRequest, text)
	}
	if found := parameter.FindStringSubmatch(text); found != nil {
		return problem(http.StatusBadRequest, "The query has a wrong value of "+found[1]+", or more than one.")
	}
	return problem(http.StatusBadRequest, "The path or the query is malformed.")
}

func problem(code int, detail string) *httpserver.Problem {
	return httpserver.NewProblem(code, detail)
}

// invalid tells which members of the body are wrong (422), or what in the path, the query or the form of the body is (400).
func (g *Gateway) invalid(method string, st *status.Status) *httpserver.Problem {
	violations := detailOf[*errdetails.BadRequest](st).GetFieldViolations()
	var (
		fields []httpserver.FieldError
		others []string
	)
	for _, violation := range violations {
		if path, ok := strings.CutPrefix(violation.GetField(), g.body+"."); ok && method != http.MethodGet && method != http.MethodDelete {
			pointer := "/" + strings.ReplaceAll(path, ".", "/")
			fields = append(fields, httpserver.FieldError{Pointer: pointer, Detail: violation.GetDescription()})
		} else {
			others = append(others, violation.GetField()+" "+violation.GetDescription()+".")
		}
	}
	switch {
	case len(fields) > 0:
		return httpserver.NewProblem(http.StatusUnprocessableEntity, st.Message(), fields...)
	case len(others) > 0:
		return httpserver.NewProblem(http.StatusBadRequest, strings.Join(others, " "))
	default:
		return httpserver.NewProblem(http.StatusBadRequest, st.Message())
	}
}

func unavailable(st *status.Status) *httpserver.Problem {
	p := httpserver.NewProblem(http.StatusServiceUnavailable, st.Message())
	p.RetryAfter = retryAfter
	if info := detailOf[*errdetails.RetryInfo](st); info != nil {
		p.RetryAfter = info.GetRetryDelay().AsDuration()
	}
	return p
}

// detailOf returns the detail of a type, or its zero value.
func detailOf[T any](st *status.Status) T {
	for _, detail := range st.Details() {
		if found, ok := detail.(T); ok {
			return found
		}
	}
	return *new(T)
}
