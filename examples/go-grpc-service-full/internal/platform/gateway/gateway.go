// Package gateway answers REST requests with calls of the gRPC server, which pass what the calls of any client pass.
package gateway

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"example.com/user-service/internal/platform/httpserver"
	"example.com/user-service/internal/platform/telemetry"
)

const mergePatch = "application/merge-patch+json"

// unexpected begins what a client is told of a body that its message does not take.
const unexpected = "The body does not have the expected members: "

// Options say what is not the same for every service.
type Options struct {
	// Body is the field of requests that is the body of REST requests.
	Body string
	// Respond sets headers and status of an answer, where they are not those of every answer.
	Respond func(ctx context.Context, w http.ResponseWriter, message proto.Message) error
}

// Gateway translates REST requests into calls, and what the calls return into answers.
type Gateway struct {
	mux  *runtime.ServeMux
	body string
}

// New returns a gateway that knows no request yet.
func New(opts Options) *Gateway {
	nothing := func(string) (string, bool) { return "", false }
	return &Gateway{body: opts.Body, mux: runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, strict{&runtime.JSONPb{UseProtoNames: true, EmitDefaultValues: true}}),
		runtime.WithErrorHandler(keepError),
		runtime.WithForwardResponseOption(opts.Respond),
		runtime.WithIncomingHeaderMatcher(nothing), // Authorization arrives all the same
		runtime.WithOutgoingHeaderMatcher(nothing),
		runtime.WithOutgoingTrailerMatcher(nothing),
		runtime.WithMetadata(identify),
		runtime.WithMetadata(propagate),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)}
}

// Mux is where generated code registers its requests.
func (g *Gateway) Mux() *runtime.ServeMux { return g.mux }

// Handle answers a request. It is an httpserver.Handler.
func (g *Gateway) Handle(w http.ResponseWriter, r *http.Request) error {
	var err error
	call := r.WithContext(context.WithValue(r.Context(), failedKey{}, &err))
	switch r.Method {
	case http.MethodHead:
		call.Method = http.MethodGet // the mux does not take the one for the other, as net/http does
	case http.MethodPatch:
		w.Header().Set("Accept-Patch", mergePatch+", application/json")
		err = readBody(call, mergePatch, "application/json")
	case http.MethodPost, http.MethodPut:
		err = readBody(call, "application/json")
	}
	if err != nil {
		return err
	}
	g.mux.ServeHTTP(w, call)
	if err != nil {
		return g.problemOf(call.Method, err)
	}
	return nil
}

// readBody reads a body as strictly as everywhere, and puts it back.
func readBody(r *http.Request, mediaTypes ...string) error {
	body, err := httpserver.Decode[jsontext.Value](r, mediaTypes...)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

type failedKey struct{}

// keepError leaves an error to Handle, which returns it to where all errors are answered.
func keepError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, _ http.ResponseWriter, r *http.Request, err error) {
	if failed, ok := r.Context().Value(failedKey{}).(*error); ok {
		*failed = err
		if made, _ := runtime.ServerMetadataFromContext(ctx); made.TrailerMD == nil && status.Code(err) == codes.InvalidArgument {
			*failed = malformed(status.Convert(err).Message()) // there was no call: the words are the library's
		}
	}
}

// identify gives the call the id of its request.
func identify(ctx context.Context, _ *http.Request) metadata.MD {
	return metadata.Pairs("x-request-id", telemetry.RequestID(ctx))
}

// strict refuses members that a message does not have, in words for the client.
type strict struct {
	*runtime.JSONPb
}

func (s strict) NewDecoder(r io.Reader) runtime.Decoder {
	decoder := s.JSONPb.NewDecoder(r)
	return runtime.DecoderFunc(func(v any) error {
		if err := decoder.Decode(v); err != nil {
			text := strings.TrimSpace(strings.TrimPrefix(err.Error(), "proto:"))
			return errors.New(unexpected + text + ".")
		}
		return nil
	})
}
