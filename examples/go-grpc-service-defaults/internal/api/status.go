package api

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"example.com/user-service/internal/user"
	userv1 "example.com/user-service/proto/user/v1"
)

// watchAgainAfter is when to call again after a watch that had to end.
const watchAgainAfter = time.Second

var errStopping = errors.New("the service is stopping")

// requestError is a request that breaks a rule, in one field.
type requestError struct {
	field, detail string
}

func (e *requestError) Error() string {
	return "invalid request: " + e.field + " " + e.detail
}

func invalid(field, detail string) error {
	return &requestError{field: field, detail: detail}
}

// Status returns what to answer for an error of the domain or of this package, or nil for any other error.
func Status(err error) *status.Status {
	if request, ok := errors.AsType[*requestError](err); ok {
		return invalidArgument("The request breaks a rule.", violation(request.field, request.detail))
	}
	if broken, ok := errors.AsType[*user.ValidationError](err); ok {
		violations := make([]*errdetails.BadRequest_FieldViolation, len(broken.Fields))
		for i, field := range broken.Fields {
			violations[i] = violation("user."+field.Field, field.Detail)
		}
		return invalidArgument("The user breaks a rule.", violations...)
	}
	switch {
	case errors.Is(err, user.ErrInvalidCursor):
		return invalidArgument("The request breaks a rule.", violation("page_token", "must be the next_page_token of a page"))
	case errors.Is(err, user.ErrNotFound):
		return withDetails(codes.NotFound, "There is no such user.", reason("USER_NOT_FOUND"))
	case errors.Is(err, user.ErrEmailTaken):
		return withDetails(codes.AlreadyExists, "Another user has this e-mail address.", reason("EMAIL_TAKEN"))
	case errors.Is(err, user.ErrVersionConflict):
		return withDetails(codes.Aborted, "The user has another version: get it again.", reason("VERSION_CONFLICT"))
	case errors.Is(err, user.ErrChangesMissed):
		return withDetails(codes.Unavailable, "Changes may have been missed: watch and list again.", reason("CHANGES_MISSED"), retry())
	case errors.Is(err, errStopping):
		return withDetails(codes.Unavailable, "The service is stopping: watch and list again.", reason("STOPPING"), retry())
	}
	return nil
}

func invalidArgument(text string, violations ...*errdetails.BadRequest_FieldViolation) *status.Status {
	return withDetails(codes.InvalidArgument, text, &errdetails.BadRequest{FieldViolations: violations})
}

func violation(field, detail string) *errdetails.BadRequest_FieldViolation {
	return &errdetails.BadRequest_FieldViolation{Field: field, Description: detail}
}

// reason is what a program can tell apart without reading the message.
func reason(reason string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: reason, Domain: userv1.UserService_ServiceDesc.ServiceName}
}

func retry() *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(watchAgainAfter)}
}

func withDetails(code codes.Code, text string, details ...protoadapt.MessageV1) *status.Status {
	plain := status.New(code, text)
	if detailed, err := plain.WithDetails(details...); err == nil {
		return detailed
	}
	return plain
}
