package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	userv1 "example.com/user-service/proto/user/v1"
)

// settings are those of a service that can run beside others, and stops without waiting.
func settings(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{"GRPC_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "DRAIN_DELAY": "0s"}
	return env
}

func connect(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	return conn
}

func TestServe(t *testing.T) {
	t.Parallel()
	env := settings(t)
	ready := start(t, env)
	assertAdmin(t, ready.Admin)
	conn := connect(t, ready.GRPC)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	health, err := healthgrpc.NewHealthClient(conn).Watch(ctx, &healthgrpc.HealthCheckRequest{Service: "user.v1.UserService"})
	require.NoError(t, err)
	for serving := (&healthgrpc.HealthCheckResponse{}); serving.GetStatus() != healthgrpc.HealthCheckResponse_SERVING; {
		serving, err = health.Recv()
		require.NoError(t, err)
	}
	users := userv1.NewUserServiceClient(conn)
	_, err = users.GetUser(ctx, &userv1.GetUserRequest{Id: "1"})
	assert.Equal(t, codes.NotFound, status.Code(err))
	_, err = users.CreateUser(ctx, &userv1.CreateUserRequest{User: &userv1.User{Name: "Ada", Email: "ada@example.com"}})
	require.NoError(t, err)

	_, metrics := get(t, "http://"+ready.Admin+"/metrics")
	assert.Contains(t, metrics, `grpc_server_handled_total{grpc_code="NotFound",grpc_method="GetUser",grpc_service="user.v1.UserService",grpc_type="unary"} 1`)
	env["ADMIN_ADDR"] = ready.Admin
	healthcheck := func() error {
		return run(t.Context(), []string{"healthcheck"}, func(key string) string { return env[key] }, io.Discard)
	}
	require.NoError(t, healthcheck())
	require.NoError(t, ready.stop())
	require.ErrorContains(t, healthcheck(), "healthcheck: ask for readiness")
}

// SIGTERM ends an open watch at once, tells its client why, and lets a call end that has begun.
func TestStopWhileInUse(t *testing.T) {
	t.Parallel()
	env := settings(t)
	cmd := process(t, env)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := readLogs(stderr)
	conn := connect(t, lines.await(t, "ready").GRPC)
	users := userv1.NewUserServiceClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	watch, err := users.WatchUsers(ctx, &userv1.WatchUsersRequest{})
	require.NoError(t, err)
	_, err = watch.Header()
	require.NoError(t, err)
	// A call whose message is not yet sent; the service knows of it when it has answered another one on the same connection.
	call, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, userv1.UserService_CreateUser_FullMethodName)
	require.NoError(t, err)
	_, err = users.ListUsers(ctx, &userv1.ListUsersRequest{})
	require.NoError(t, err)

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	lines.await(t, "stopping")
	_, err = watch.Recv()
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.Equal(t, "The service is stopping: watch and list again.", status.Convert(err).Message())

	require.NoError(t, call.SendMsg(&userv1.CreateUserRequest{User: &userv1.User{Name: "Ada", Email: "ada@example.com"}}))
	require.NoError(t, call.CloseSend())
	var created userv1.CreateUserResponse
	require.NoError(t, call.RecvMsg(&created))
	assert.Equal(t, "Ada", created.GetUser().GetName())
	lines.await(t, "stopped")
	require.NoError(t, cmd.Wait())
}

// While the drain lasts, clients know that they should go elsewhere, and are answered as before.
func TestDrain(t *testing.T) {
	t.Parallel()
	env := settings(t)
	env["DRAIN_DELAY"] = "800ms" // less than the health service asks for the readiness again
	cmd := process(t, env)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := readLogs(stderr)
	conn := connect(t, lines.await(t, "ready").GRPC)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	health, err := healthgrpc.NewHealthClient(conn).Watch(ctx, &healthgrpc.HealthCheckRequest{})
	require.NoError(t, err)
	await := func(want healthgrpc.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for {
			response, err := health.Recv()
			require.NoError(t, err)
			if response.GetStatus() == want {
				return
			}
		}
	}
	await(healthgrpc.HealthCheckResponse_SERVING)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	await(healthgrpc.HealthCheckResponse_NOT_SERVING)
	_, err = userv1.NewUserServiceClient(conn).GetUser(ctx, &userv1.GetUserRequest{Id: "1"})
	assert.Equal(t, codes.NotFound, status.Code(err))
	_, err = health.Recv()
	assert.Equal(t, codes.Unavailable, status.Code(err))
	lines.await(t, "stopped")
	require.NoError(t, cmd.Wait())
}

func TestServeFailsWhenAPortIsTaken(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	for _, key := range []string{"GRPC_ADDR", "ADMIN_ADDR"} {
		env := settings(t)
		env[key] = taken.Addr().String()
		err := run(t.Context(), nil, func(key string) string { return env[key] }, io.Discard)
		require.ErrorIs(t, err, syscall.EADDRINUSE, key)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env    map[string]string
		args   []string
		code   int
		stdout string
		stderr []string
	}{
		"the version": {args: []string{"version"}, stdout: "user-service dev (go"},
		"every mistake at once": {
			env: map[string]string{"GRPC_ADDR": "50051", "DRAIN_DELAY": "soon"}, args: []string{"surf"}, code: 2,
			stderr: []string{"user-service: ", "command: want one of ", "GRPC_ADDR: want ", "DRAIN_DELAY: want "},
		},
		"no certificate in the file": {
			env:  map[string]string{"TLS_CERT_FILE": "/dev/null", "TLS_KEY_FILE": "/dev/null"},
			code: 1, stderr: []string{"user-service: serve: make gRPC server: TLS certificate "},
		},
		"no service to ask": {
			env: map[string]string{"ADMIN_ADDR": "127.0.0.1:1"}, args: []string{"healthcheck"},
			code: 1, stderr: []string{"user-service: healthcheck: ask for readiness: "},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := process(t, tt.env, tt.args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			assert.Equal(t, tt.code == 0, err == nil)
			assert.Equal(t, tt.code, cmd.ProcessState.ExitCode())
			assert.Contains(t, stdout.String(), tt.stdout)
			for _, want := range tt.stderr {
				assert.Contains(t, stderr.String(), want)
			}
		})
	}
}
