package grpcserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"uuid"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/user-service/internal/platform/grpcserver"
	"example.com/user-service/internal/platform/telemetry"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sent []string
		kept bool
	}{
		"a decent one is kept": {[]string{"Abc-1.2_3"}, true},
		"64 characters":        {[]string{strings.Repeat("x", 64)}, true},
		"none":                 {nil, false},
		"an empty one":         {[]string{""}, false},
		"65 characters":        {[]string{strings.Repeat("x", 65)}, false},
		"a space":              {[]string{"a b"}, false},
		"a quote":              {[]string{`a"b`}, false},
		"two":                  {[]string{"a", "b"}, false},
	}
	conn := start(t, grpcserver.Options{}, &echo{
		say: func(ctx context.Context, _ string) (string, error) { return telemetry.RequestID(ctx), nil },
		repeat: func(_ string, stream grpc.ServerStream) error {
			return stream.SendMsg(wrapperspb.String(telemetry.RequestID(stream.Context())))
		},
	})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{"x-request-id": tt.sent})
			assertID := func(id string) {
				t.Helper()
				if tt.kept {
					assert.Equal(t, tt.sent[0], id)
					return
				}
				_, err := uuid.Parse(id)
				require.NoError(t, err)
			}
			id, err := say(ctx, conn, "")
			require.NoError(t, err)
			assertID(id)

			stream, err := openRepeat(ctx, conn, "")
			require.NoError(t, err)
			header, err := stream.Header()
			require.NoError(t, err)
			ids, err := receiveAll(stream)
			require.NoError(t, err)
			assert.Equal(t, ids, header.Get("x-request-id"))
			require.Len(t, ids, 1)
			assertID(ids[0])
		})
	}
}

// TestFailuresCanBeTriedAgain by clients, who do that only if nothing but the end of the call has come.
func TestFailuresCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	fail := func() error {
		if tries.Add(1) == 1 {
			return status.Error(codes.Unavailable, "Not now.")
		}
		return nil
	}
	r := serve(t, grpcserver.Options{}, &echo{
		say:    func(context.Context, string) (string, error) { return "", fail() },
		repeat: func(string, grpc.ServerStream) error { return fail() },
	})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-1")
	calls := map[string]func(*grpc.ClientConn) (metadata.MD, error){
		"unary": func(conn *grpc.ClientConn) (trailer metadata.MD, err error) {
			_, err = say(ctx, conn, "", grpc.Trailer(&trailer))
			return trailer, err
		},
		"stream": func(conn *grpc.ClientConn) (metadata.MD, error) {
			stream, err := openRepeat(ctx, conn, "")
			require.NoError(t, err)
			_, err = receiveAll(stream)
			return stream.Trailer(), err
		},
	}
	for name, call := range calls {
		tries.Store(0)
		trailer, err := call(r.dial(t))
		assert.Equal(t, codes.Unavailable, status.Code(err), name)
		assert.Equal(t, []string{"r-1"}, trailer.Get("x-request-id"), name)

		tries.Store(0)
		_, err = call(r.dial(t, grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {
			"maxAttempts": 2, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
			"retryableStatusCodes": ["UNAVAILABLE"]}}]}`)))
		require.NoError(t, err, name)
		assert.Equal(t, int64(2), tries.Load(), name)
	}
}

// panicking is a log handler that fails in the worst way.
type panicking struct{ slog.Handler }

func (h panicking) Handle(ctx context.Context, record slog.Record) error {
	if record.Message == "call" {
		raise("at the disco")
	}
	return h.Handler.Handle(ctx, record)
}

func raise(v any) { panic(v) } //nolint:forbidigo // it is what the tests are about

func TestPanics(t *testing.T) {
	t.Parallel()
	fine := func(context.Context, string) (string, error) { return "", nil }
	repeatFine := func(string, grpc.ServerStream) error { return nil }
	tests := map[string]struct {
		opts   grpcserver.Options
		say    func(context.Context, string) (string, error)
		repeat func(string, grpc.ServerStream) error
		lines  int // of the access log, for each of the two calls
	}{
		"in the handler": {
			say:    func(context.Context, string) (string, error) { raise("at the disco"); return "", nil },
			repeat: func(string, grpc.ServerStream) error { raise("at the disco"); return nil },
			lines:  1,
		},
		"of an error": {
			say:    func(context.Context, string) (string, error) { raise(errSecret); return "", nil },
			repeat: func(string, grpc.ServerStream) error { raise(errSecret); return nil },
			lines:  1,
		},
		"in a stream that has begun": {
			say: func(context.Context, string) (string, error) { raise("at the disco"); return "", nil },
			repeat: func(_ string, stream grpc.ServerStream) error {
				if err := stream.SendMsg(new(wrapperspb.StringValue)); err != nil {
					return err
				}
				raise("at the disco")
				return nil
			},
			lines: 1,
		},
		"in Authorize": {
			opts: grpcserver.Options{Authorize: func(context.Context, string) (context.Context, error) {
				raise("at the disco")
				return nil, nil
			}},
			say: fine, repeat: repeatFine, lines: 1,
		},
		"in Validate": {
			opts: grpcserver.Options{Validate: func(context.Context, any) error { raise("at the disco"); return nil }},
			say:  fine, repeat: repeatFine, lines: 1,
		},
		"in Status": {
			opts:   grpcserver.Options{Status: func(error) *status.Status { raise("at the disco"); return nil }},
			say:    func(context.Context, string) (string, error) { return "", errSecret },
			repeat: func(string, grpc.ServerStream) error { return errSecret },
			lines:  1,
		},
		"in the log": {
			opts: grpcserver.Options{Logger: slog.New(panicking{})},
			say:  fine, repeat: repeatFine, lines: 0,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written logs
			if tt.opts.Logger != nil {
				tt.opts.Logger = slog.New(panicking{written.logger().Handler()})
			} else {
				tt.opts.Logger = written.logger()
			}
			registry := prometheus.NewRegistry()
			tt.opts.Registerer = registry
			conn := start(t, tt.opts, &echo{say: tt.say, repeat: tt.repeat})
			ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-1")

			_, err := say(ctx, conn, "")
			assertInternal(t, err)
			stream, err := openRepeat(ctx, conn, "")
			require.NoError(t, err)
			_, err = receiveAll(stream)
			assertInternal(t, err)

			panics := written.lines(t, "panic")
			require.Len(t, panics, 2)
			for _, line := range panics {
				assert.Equal(t, "ERROR", line["level"])
				assert.Contains(t, line["stack"], "grpcserver_test.raise", "the stack says where")
			}
			calls := written.lines(t, "call")
			require.Len(t, calls, 2*tt.lines)
			for _, line := range calls {
				assert.Equal(t, "Internal", line["code"])
				assert.Equal(t, "r-1", line["request_id"])
			}
			require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
				# HELP panics_total Panics that were recovered.
				# TYPE panics_total counter
				panics_total 2
			`), "panics_total"))
			assert.Zero(t, value(t, registry, "grpc_server_active_calls"))
		})
	}
}

func assertInternal(t *testing.T, err error) {
	t.Helper()
	want := status.New(codes.Internal, "The service failed to answer this call.")
	assert.Equal(t, want.String(), status.Convert(err).String())
}

// value is the sum of the samples of a metric, of those series that have all the labels ("name=value").
func value(t *testing.T, gatherer prometheus.Gatherer, name string, labels ...string) int64 {
	t.Helper()
	families, err := gatherer.Gather()
	require.NoError(t, err)
	var sum float64
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			has := make(map[string]bool)
			for _, label := range metric.GetLabel() {
				has[label.GetName()+"="+label.GetValue()] = true
			}
			matches := true
			for _, label := range labels {
				matches = matches && has[label]
			}
			if matches {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return int64(sum)
}

// busyError is what a pool says that has no connection left.
type busyError struct{}

func (busyError) Error() string { return "no connection left" }

func (busyError) RetryAfter() time.Duration { return 1500 * time.Millisecond }

// lying is an error that says it is none.
type lying struct{ error }

func (lying) GRPCStatus() *status.Status { return nil }

func TestErrors(t *testing.T) {
	t.Parallel()
	errDomain := errors.New("not in the table of users")
	tests := map[string]struct {
		err    error
		code   codes.Code
		text   string
		level  string // of the access log; below INFO there is none
		detail string // in the access log
	}{
		"none":                          {nil, codes.OK, "", "INFO", ""},
		"a status":                      {status.Error(codes.FailedPrecondition, "It is closed."), codes.FailedPrecondition, "It is closed.", "INFO", ""},
		"one of the domain":             {fmt.Errorf("get: %w", errDomain), codes.NotFound, "There is no such user.", "INFO", ""},
		"one that nobody knows":         {fmt.Errorf("get: %w", errSecret), codes.Internal, "The service failed to answer this call.", "ERROR", "get: password of the database: hunter2"},
		"a status of another server":    {fmt.Errorf("ask: %w", status.Error(codes.NotFound, "table secrets")), codes.Internal, "The service failed to answer this call.", "ERROR", "ask: rpc error: code = NotFound desc = table secrets"},
		"a deadline":                    {fmt.Errorf("get: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "The call took too long.", "WARN", "get: context deadline exceeded"},
		"cancelled, but not by client":  {fmt.Errorf("get: %w", context.Canceled), codes.Internal, "The service failed to answer this call.", "ERROR", "get: context canceled"},
		"a pool that is exhausted":      {fmt.Errorf("get: %w", busyError{}), codes.Unavailable, "The service is busy.", "WARN", "get: no connection left"},
		"a status that is none":         {lying{errSecret}, codes.Internal, "The service failed to answer this call.", "ERROR", errSecret.Error()},
		"a code that does not exist":    {status.Error(99, "odd"), 99, "odd", "INFO", ""},
		"a fault by the handler's word": {status.Error(codes.DataLoss, "It is gone."), codes.DataLoss, "It is gone.", "ERROR", "rpc error: code = DataLoss desc = It is gone."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written logs
			conn := start(t, grpcserver.Options{Logger: written.logger(), Status: func(err error) *status.Status {
				if errors.Is(err, errDomain) {
					return status.New(codes.NotFound, "There is no such user.")
				}
				return nil
			}}, &echo{
				say:    func(context.Context, string) (string, error) { return "", tt.err },
				repeat: func(string, grpc.ServerStream) error { return tt.err },
			})
			_, err := say(t.Context(), conn, "")
			assert.Equal(t, status.New(tt.code, tt.text).String(), status.Convert(err).String())
			stream, err := openRepeat(t.Context(), conn, "")
			require.NoError(t, err)
			_, err = receiveAll(stream)
			assert.Equal(t, status.New(tt.code, tt.text).String(), status.Convert(err).String())

			lines := written.lines(t, "call")
			require.Len(t, lines, 2)
			for _, line := range lines {
				assert.Equal(t, tt.level, line["level"])
				assert.Equal(t, tt.code.String(), line["code"])
				if tt.detail == "" {
					assert.NotContains(t, line, "error")
				} else {
					assert.Equal(t, tt.detail, line["error"])
				}
			}
		})
	}
}

// TestEveryCode has a handler end its calls with each of them.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	levels := map[codes.Code]string{
		codes.OK: "INFO", codes.Canceled: "DEBUG", codes.Unknown: "ERROR", codes.InvalidArgument: "INFO",
		codes.DeadlineExceeded: "WARN", codes.NotFound: "INFO", codes.AlreadyExists: "INFO", codes.PermissionDenied: "INFO",
		codes.ResourceExhausted: "INFO", codes.FailedPrecondition: "INFO", codes.Aborted: "INFO", codes.OutOfRange: "INFO",
		codes.Unimplemented: "INFO", codes.Internal: "ERROR", codes.Unavailable: "WARN", codes.DataLoss: "ERROR",
		codes.Unauthenticated: "INFO",
	}
	require.Len(t, levels, 17)
	for code, level := range levels {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			var written logs
			registry := prometheus.NewRegistry()
			r := serve(t, grpcserver.Options{Logger: telemetry.NewLogger(&written, slog.LevelDebug), Registerer: registry}, &echo{
				say:    func(context.Context, string) (string, error) { return "", status.Error(code, "Because.") },
				repeat: func(string, grpc.ServerStream) error { return status.Error(code, "Because.") },
			})
			conn := r.dial(t)
			_, unary := say(t.Context(), conn, "")
			stream, err := openRepeat(t.Context(), conn, "")
			require.NoError(t, err)
			_, streamed := receiveAll(stream)
			require.NoError(t, r.Shutdown(t.Context()))

			lines := written.lines(t, "call")
			require.Len(t, lines, 2)
			for i, call := range []struct {
				method string
				err    error
			}{{"Say", unary}, {"Repeat", streamed}} {
				assert.Equal(t, status.Convert(status.Error(code, "Because.")).String(), status.Convert(call.err).String(), call.method)
				line := lines[i]
				assert.Equal(t, "/test.v1.EchoService/"+call.method, line["method"])
				assert.Equal(t, code.String(), line["code"])
				assert.Equal(t, level, line["level"])
				if level == "WARN" || level == "ERROR" {
					assert.Equal(t, "rpc error: code = "+code.String()+" desc = Because.", line["error"])
				} else {
					assert.NotContains(t, line, "error", "what clients do wrong is no news")
				}
				assert.Equal(t, int64(1), value(t, registry, "grpc_server_handled_total", "grpc_method="+call.method, "grpc_code="+code.String()))
				assert.Equal(t, int64(1), value(t, registry, "grpc_server_handled_total", "grpc_method="+call.method))
			}
		})
	}
}

func TestBusyTellsClientsWhenToComeBack(t *testing.T) {
	t.Parallel()
	conn := start(t, grpcserver.Options{}, &echo{say: func(context.Context, string) (string, error) { return "", busyError{} }})
	var trailer metadata.MD
	_, err := say(t.Context(), conn, "", grpc.Trailer(&trailer))
	assertBusy(t, err, trailer, 1500*time.Millisecond)
}

func assertBusy(t *testing.T, err error, trailer metadata.MD, after time.Duration) {
	t.Helper()
	assert.Equal(t, codes.Unavailable, status.Code(err))
	details := status.Convert(err).Details()
	require.Len(t, details, 1)
	retry, ok := details[0].(*errdetails.RetryInfo)
	require.True(t, ok)
	assert.Equal(t, after, retry.GetRetryDelay().AsDuration())
	assert.Equal(t, []string{strconv.FormatInt(after.Milliseconds(), 10)}, trailer.Get("grpc-retry-pushback-ms"))
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var written logs
	r := serve(t, grpcserver.Options{Logger: written.logger(), Reflection: true}, &echo{
		say: func(_ context.Context, text string) (string, error) { return text, nil },
	})
	conn := r.dial(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "r-1")
	_, err := say(ctx, conn, "secret")
	require.NoError(t, err)
	_, err = healthgrpc.NewHealthClient(conn).Check(ctx, &healthgrpc.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = healthgrpc.NewHealthClient(conn).Check(ctx, &healthgrpc.HealthCheckRequest{Service: "nobody.v1.Service"})
	assert.Equal(t, codes.NotFound, status.Code(err))
	err = conn.Invoke(ctx, "/nobody.v1.Service/Say", new(emptypb.Empty), new(emptypb.Empty))
	assert.Equal(t, codes.Unimplemented, status.Code(err))
	assert.Equal(t, []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "test.v1.EchoService"}, reflected(t, conn))
	require.NoError(t, r.Shutdown(t.Context()))

	lines := written.lines(t, "call")
	require.Len(t, lines, 2, "health checks and reflection are no news")
	line, unknown := lines[0], lines[1]
	assert.Equal(t, "/nobody.v1.Service/Say", unknown["method"], "unlike in the metrics")
	assert.Equal(t, "Unimplemented", unknown["code"])
	assert.NotEmpty(t, line["time"])
	assert.GreaterOrEqual(t, line["duration_us"], 0.)
	delete(line, "time")
	delete(line, "duration_us")
	assert.Equal(t, map[string]any{
		"level": "INFO", "msg": "call", "method": sayMethod, "code": "OK", "remote": "bufconn", "request_id": "r-1",
	}, line)
	assert.NotContains(t, written.String(), "secret")
}

// TestAClientThatGoesAwayIsNoNews logs nothing at the level of the others.
func TestAClientThatGoesAwayIsNoNews(t *testing.T) {
	t.Parallel()
	var written logs
	registry := prometheus.NewRegistry()
	begun := make(chan struct{})
	r := serve(t, grpcserver.Options{Logger: written.logger(), Registerer: registry}, &echo{
		say: func(ctx context.Context, _ string) (string, error) {
			close(begun)
			<-ctx.Done()
			return "", fmt.Errorf("get: %w", ctx.Err())
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	_, err := say(ctx, r.dial(t), "")
	assert.Equal(t, codes.Canceled, status.Code(err))
	require.NoError(t, r.Shutdown(t.Context()))
	assert.Empty(t, written.lines(t, "call"))
	assert.Equal(t, int64(1), value(t, registry, "grpc_server_handled_total", "grpc_code=Canceled"))
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	r := serve(t, grpcserver.Options{Registerer: registry, MaxBodyBytes: 1 << 20, MaxInFlight: 7}, &echo{
		say:    func(_ context.Context, text string) (string, error) { return text, nil },
		repeat: func(text string, stream grpc.ServerStream) error { return stream.SendMsg(wrapperspb.String(text)) },
		chat:   func(stream grpc.ServerStream) error { return stream.RecvMsg(new(wrapperspb.StringValue)) },
	})
	conn := r.dial(t)
	large := strings.Repeat("x", 5<<20)
	garbage := new(wrapperspb.StringValue)
	garbage.ProtoReflect().SetUnknown([]byte{0x0a, 0xff}) // says that a text follows, which does not
	empty := new(emptypb.Empty)

	_, err := say(t.Context(), conn, "hello")
	require.NoError(t, err)
	for _, text := range []string{large, large[:2<<20]} {
		_, err = say(t.Context(), conn, text)
		assert.Equal(t, codes.ResourceExhausted, status.Code(err))
	}
	assert.Equal(t, codes.Internal, status.Code(conn.Invoke(t.Context(), sayMethod, garbage, empty)), "as grpc says it")
	for _, method := range []string{"/test.v1.EchoService/Sing", "/nobody.v1.Service/Say", "/a/b/c"} {
		err := conn.Invoke(t.Context(), method, empty, empty)
		assert.Equal(t, status.New(codes.Unimplemented, "There is no such method.").String(), status.Convert(err).String())
	}
	stream, err := openRepeat(t.Context(), conn, "hello")
	require.NoError(t, err)
	texts, err := receiveAll(stream)
	require.NoError(t, err)
	assert.Equal(t, []string{"hello"}, texts)
	for message, code := range map[string]codes.Code{"hello": codes.OK, large: codes.ResourceExhausted} {
		stream, err = openChat(t.Context(), conn)
		require.NoError(t, err)
		_ = stream.SendMsg(wrapperspb.String(message)) // may hear of the end before it is done
		_, err = receiveAll(stream)
		assert.Equal(t, code, status.Code(err))
	}
	require.NoError(t, r.Shutdown(t.Context()))

	var got bytes.Buffer
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != "grpc_server_handled_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			if metric.GetCounter().GetValue() > 0 {
				label := metric.GetLabel() // sorted by name: code, method, service, type
				fmt.Fprintf(&got, "%s %s %s %s %v\n", label[2].GetValue(), label[1].GetValue(), label[3].GetValue(), label[0].GetValue(), metric.GetCounter().GetValue())
			}
		}
	}
	assert.Equal(t, `test.v1.EchoService Say unary InvalidArgument 1
test.v1.EchoService Chat bidi_stream OK 1
test.v1.EchoService Repeat server_stream OK 1
test.v1.EchoService Say unary OK 1
test.v1.EchoService Chat bidi_stream ResourceExhausted 1
test.v1.EchoService Say unary ResourceExhausted 2
unknown unknown unknown Unimplemented 3
`, got.String())
	assert.Equal(t, int64(4), value(t, registry, "grpc_server_handling_seconds", "grpc_method=Say", "grpc_type=unary"))
	assert.Equal(t, int64(7), value(t, registry, "grpc_server_active_calls_limit"))
	assert.Zero(t, value(t, registry, "grpc_server_active_calls"))
	series := testutil.CollectAndCount(registry, "grpc_server_handled_total")
	assert.Equal(t, 17*(3+3+1), series, "every code of every method, so that a first failure is an increase")
}
