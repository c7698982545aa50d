package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	openapi "example.com/user-service/api"
	"example.com/user-service/internal/platform/gateway"
	"example.com/user-service/internal/platform/httpserver"
	userv1 "example.com/user-service/proto/user/v1"
)

const usersPath = "/v1/users"

// RegisterGateway adds the REST requests of proto/user/v1/gateway.yaml to router, as calls over conn.
func RegisterGateway(ctx context.Context, router *httpserver.Router, conn grpc.ClientConnInterface) error {
	g := gateway.New(gateway.Options{Body: "user", Respond: respond})
	if err := userv1.RegisterUserServiceHandlerClient(ctx, g.Mux(), restUsers{userv1.NewUserServiceClient(conn)}); err != nil {
		return fmt.Errorf("register the requests: %w", err)
	}
	for _, pattern := range []string{"POST " + usersPath, "GET " + usersPath} {
		router.Handle(pattern, g.Handle)
	}
	router.Handle("GET "+usersPath+"/{id}", g.Handle)
	for _, method := range []string{http.MethodPatch, http.MethodDelete} {
		router.Handle(method+" "+usersPath+"/{id}", withPrecondition(g.Handle))
	}
	router.Handle("GET /openapi.json", document)
	return nil
}

// respond sets what the answer of a call has besides its body.
func respond(ctx context.Context, w http.ResponseWriter, message proto.Message) error {
	header := w.Header()
	var u *userv1.User
	if answer, ok := message.(interface{ GetUser() *userv1.User }); ok {
		u = answer.GetUser()
		header.Set("ETag", formatETag(int(u.GetVersion())))
	}
	switch method, _ := runtime.RPCMethod(ctx); method {
	case userv1.UserService_CreateUser_FullMethodName:
		header.Set("Location", usersPath+"/"+u.GetId())
		w.WriteHeader(http.StatusCreated)
	case userv1.UserService_DeleteUser_FullMethodName:
		header.Del("Content-Type")
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	if _, err := io.WriteString(w, openapi.Document); err != nil {
		return fmt.Errorf("send the document: %w", err)
	}
	return nil
}

// precondition is what If-Match says, if it was given: the versions that the user may have, nil for any.
type precondition struct {
	versions []int
	given    bool
}

type preconditionKey struct{}

func withPrecondition(handle httpserver.Handler) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		versions, given, err := ifMatch(r.Header)
		if err != nil {
			return err
		}
		ctx := context.WithValue(r.Context(), preconditionKey{}, precondition{versions: versions, given: given})
		return handle(w, r.WithContext(ctx))
	}
}

// restUsers makes calls with the version that the request's If-Match names.
type restUsers struct {
	userv1.UserServiceClient
}

func (c restUsers) UpdateUser(ctx context.Context, request *userv1.UpdateUserRequest, opts ...grpc.CallOption) (*userv1.UpdateUserResponse, error) {
	condition, _ := ctx.Value(preconditionKey{}).(precondition)
	if !condition.given {
		return nil, preconditionRequired()
	}
	return atVersion(ctx, c, request.GetUser().GetId(), condition.versions, func(version int32) (*userv1.UpdateUserResponse, error) {
		request.User.Version = version
		return c.UserServiceClient.UpdateUser(ctx, request, opts...)
	})
}

func (c restUsers) DeleteUser(ctx context.Context, request *userv1.DeleteUserRequest, opts ...grpc.CallOption) (*userv1.DeleteUserResponse, error) {
	condition, _ := ctx.Value(preconditionKey{}).(precondition)
	if condition.versions == nil {
		return c.UserServiceClient.DeleteUser(ctx, request, opts...) //nolint:wrapcheck // a status
	}
	return atVersion(ctx, c, request.GetId(), condition.versions, func(version int32) (*userv1.DeleteUserResponse, error) {
		request.Version = version
		return c.UserServiceClient.DeleteUser(ctx, request, opts...)
	})
}

// atVersion makes a call with the version allowed or, where any or several are, with the one that the user has now. A call takes one:
// if the user is changed in between, atVersion looks again.
func atVersion[T any](ctx context.Context, users restUsers, id string, allowed []int, call func(version int32) (T, error)) (T, error) {
	if len(allowed) == 1 && allowed[0] > 0 {
		return call(int32(allowed[0])) //nolint:gosec // of an entity tag, which has no larger one
	}
	for {
		current, err := users.GetUser(ctx, &userv1.GetUserRequest{Id: id})
		if err != nil {
			return *new(T), err //nolint:wrapcheck // a status
		}
		version := current.GetUser().GetVersion()
		if allowed != nil && !slices.Contains(allowed, int(version)) {
			return *new(T), preconditionFailed()
		}
		answer, err := call(version)
		if status.Code(err) != codes.Aborted {
			return answer, err
		}
	}
}

func badRequest(detail string) *httpserver.Problem {
	return httpserver.NewProblem(http.StatusBadRequest, detail)
}

func preconditionFailed() *httpserver.Problem {
	return httpserver.NewProblem(http.StatusPreconditionFailed, "The user has another version: get it again.")
}

func preconditionRequired() *httpserver.Problem {
	return httpserver.NewProblem(http.StatusPreconditionRequired, "Send If-Match with the ETag that the change starts from.")
}
