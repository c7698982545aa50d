package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/user-service/internal/platform/gateway"
	"example.com/user-service/internal/platform/httpserver"
)

// ask makes a request that fn answers in the way of generated code, as if it had made a call.
func ask(t *testing.T, method, body string, fn func(ctx context.Context, decoder runtime.Decoder) (proto.Message, error)) *httptest.ResponseRecorder {
	t.Helper()
	return askOf(t, runtime.ServerMetadata{TrailerMD: metadata.MD{}}, method, body, fn)
}

func askOf(t *testing.T, made runtime.ServerMetadata, method, body string, fn func(ctx context.Context, decoder runtime.Decoder) (proto.Message, error)) *httptest.ResponseRecorder {
	t.Helper()
	g := gateway.New(gateway.Options{Body: "thing", Respond: func(context.Context, http.ResponseWriter, proto.Message) error { return nil }})
	err := g.Mux().HandlePath(method, "/things", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		in, out := runtime.MarshalerForRequest(g.Mux(), r)
		ctx, err := runtime.AnnotateContext(r.Context(), g.Mux(), r, "/things.v1.Things/Get")
		require.NoError(t, err)
		message, err := fn(ctx, in.NewDecoder(r.Body))
		if err != nil {
			runtime.HTTPError(runtime.NewServerMetadataContext(ctx, made), g.Mux(), out, w, r, err)
			return
		}
		runtime.ForwardResponseMessage(ctx, g.Mux(), out, w, r, message, g.Mux().GetForwardResponseOptions()...)
	})
	require.NoError(t, err)
	router := httpserver.NewRouter(httpserver.Options{MaxBodyBytes: 1 << 10})
	router.Handle(method+" /things", g.Handle)
	request := httptest.NewRequestWithContext(t.Context(), method, "/things", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Id", "request-1")
	recorder := httptest.NewRecorder()
	router.ServeHTTP(recorder, request)
	return recorder
}

func withDetails(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	st, err := status.New(code, "It said so.").WithDetails(details...)
	require.NoError(t, err)
	return st.Err()
}

func violation(field string) *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: "must be small"}}}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	const (
		said     = "It said so."
		internal = "The service failed to answer this request."
	)
	tests := map[string]struct {
		err    error
		status int
		detail string
	}{
		"OK":                  {nil, http.StatusOK, ""},
		"Canceled":            {status.Error(codes.Canceled, said), http.StatusInternalServerError, internal}, // not by this client
		"Unknown":             {status.Error(codes.Unknown, said), http.StatusInternalServerError, internal},
		"InvalidArgument":     {status.Error(codes.InvalidArgument, said), http.StatusBadRequest, said},
		"of the body":         {withDetails(t, codes.InvalidArgument, violation("thing.size.height")), http.StatusUnprocessableEntity, said},
		"of the query":        {withDetails(t, codes.InvalidArgument, violation("size")), http.StatusBadRequest, "size must be small."},
		"DeadlineExceeded":    {status.Error(codes.DeadlineExceeded, said), http.StatusGatewayTimeout, "The request took too long."},
		"NotFound":            {status.Error(codes.NotFound, said), http.StatusNotFound, said},
		"AlreadyExists":       {status.Error(codes.AlreadyExists, said), http.StatusConflict, said},
		"PermissionDenied":    {status.Error(codes.PermissionDenied, said), http.StatusForbidden, said},
		"ResourceExhausted":   {status.Error(codes.ResourceExhausted, said), http.StatusTooManyRequests, said},
		"FailedPrecondition":  {status.Error(codes.FailedPrecondition, said), http.StatusBadRequest, said},
		"Aborted":             {status.Error(codes.Aborted, said), http.StatusPreconditionFailed, said},
		"OutOfRange":          {status.Error(codes.OutOfRange, said), http.StatusBadRequest, said},
		"Unimplemented":       {status.Error(codes.Unimplemented, said), http.StatusNotImplemented, said},
		"Internal":            {status.Error(codes.Internal, said), http.StatusInternalServerError, internal},
		"Unavailable":         {status.Error(codes.Unavailable, said), http.StatusServiceUnavailable, said},
		"DataLoss":            {status.Error(codes.DataLoss, said), http.StatusInternalServerError, internal},
		"Unauthenticated":     {status.Error(codes.Unauthenticated, said), http.StatusUnauthorized, said},
		"no status":           {errors.New("secret"), http.StatusInternalServerError, internal},
		"a problem":           {httpserver.NewProblem(http.StatusPreconditionRequired, said), http.StatusPreconditionRequired, said},
		"malformed in a path": {&runtime.HTTPStatusError{HTTPStatus: http.StatusBadRequest, Err: errors.New("secret")}, http.StatusBadRequest, "The path is malformed."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, http.MethodPost, `"hello"`, func(context.Context, runtime.Decoder) (proto.Message, error) {
				return wrapperspb.String("hello"), test.err
			})
			assert.Equal(t, test.status, got.Code, got.Body)
			assert.NotContains(t, got.Body.String(), "secret")
			if test.err != nil {
				assert.Equal(t, "application/problem+json", got.Header().Get("Content-Type"))
				assert.Contains(t, got.Body.String(), `"detail":"`+test.detail+`"`)
			}
		})
	}
}

func TestFieldsOfTheBody(t *testing.T) {
	t.Parallel()
	broken := func(context.Context, runtime.Decoder) (proto.Message, error) {
		return nil, withDetails(t, codes.InvalidArgument, violation("thing.size.height"))
	}
	got := ask(t, http.MethodPost, `"hello"`, broken)
	assert.Contains(t, got.Body.String(), `"errors":[{"pointer":"/size/height","detail":"must be small"}]`)
	got = ask(t, http.MethodGet, "", broken)
	assert.Equal(t, http.StatusBadRequest, got.Code, "a request without a body has no fields in it")
	assert.Contains(t, got.Body.String(), `"detail":"thing.size.height must be small."`)
}

// What the library says of a request that led to no call is not for its client.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`parsing field "page_size": strconv.ParseInt: parsing "ten": invalid syntax`: "The query has a wrong value of page_size, or more than one.",
		`duplicate field "page_size"`:                                      "The query has a wrong value of page_size, or more than one.",
		`invalid URL escape "%zz"`:                                         "The path or the query is malformed.",
		"The body does not have the expected members: unexpected token [.": "The body does not have the expected members: unexpected token [.",
	} {
		got := askOf(t, runtime.ServerMetadata{}, http.MethodPost, `"hello"`, func(context.Context, runtime.Decoder) (proto.Message, error) {
			return nil, status.Error(codes.InvalidArgument, text)
		})
		assert.Equal(t, http.StatusBadRequest, got.Code)
		assert.Contains(t, got.Body.String(), fmt.Sprintf(`"detail":%q`, want))
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for want, details := range map[string][]protoadapt.MessageV1{
		"1": nil,
		"3": {&errdetails.RetryInfo{RetryDelay: durationpb.New(2500 * time.Millisecond)}},
	} {
		got := ask(t, http.MethodGet, "", func(context.Context, runtime.Decoder) (proto.Message, error) {
			return nil, withDetails(t, codes.Unavailable, details...)
		})
		assert.Equal(t, want, got.Header().Get("Retry-After"))
	}
}

func TestErrorsAfterTheAnswerHasBegun(t *testing.T) {
	t.Parallel()
	g := gateway.New(gateway.Options{Respond: func(_ context.Context, w http.ResponseWriter, _ proto.Message) error {
		w.WriteHeader(http.StatusCreated)
		return nil
	}})
	err := g.Mux().HandlePath(http.MethodGet, "/things", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		_, out := runtime.MarshalerForRequest(g.Mux(), r)
		ctx := runtime.NewServerMetadataContext(r.Context(), runtime.ServerMetadata{})
		runtime.ForwardResponseMessage(ctx, g.Mux(), out, w, r, wrapperspb.String("\xff"), g.Mux().GetForwardResponseOptions()...)
	})
	require.NoError(t, err)
	router := httpserver.NewRouter(httpserver.Options{})
	router.Handle("GET /things", g.Handle)
	recorder := httptest.NewRecorder()
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		router.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/things", http.NoBody))
	}, "a message that is no UTF-8 cannot be sent")
	assert.Empty(t, recorder.Body.String())
}

func TestBodyArrives(t *testing.T) {
	t.Parallel()
	got := ask(t, http.MethodPatch, ` "hello" `, func(_ context.Context, decoder runtime.Decoder) (proto.Message, error) {
		message := new(wrapperspb.StringValue)
		if err := decoder.Decode(message); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return message, nil
	})
	assert.Equal(t, `"hello"`, got.Body.String())
	assert.Equal(t, "application/json", got.Header().Get("Content-Type"))
}
