package grpcserver_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/grpcserver"
)

// What comes from within the process needs no certificate, but passes what all calls pass; from outside everything is as before.
func TestLocal(t *testing.T) {
	t.Parallel()
	ours, tomorrow := newAuthority(t, "ours"), time.Now().Add(24*time.Hour)
	files := certificateFiles(t)
	writePair(t, files, ours, tomorrow)
	write(t, files.ClientCA, ours.pem())
	registry := prometheus.NewRegistry()
	server, err := grpcserver.New("127.0.0.1:0", grpcserver.Options{
		TLS: files, Registerer: registry, RequestTimeout: time.Hour,
		Authorize: func(ctx context.Context, _ string) (context.Context, error) {
			if metadata.ValueFromIncomingContext(ctx, "authorization") == nil {
				return nil, status.Error(codes.Unauthenticated, "Who is it?")
			}
			return ctx, nil
		},
	})
	require.NoError(t, err)
	server.RegisterService(&echoDesc, &echo{say: func(_ context.Context, text string) (string, error) { return text, nil }})
	conn, err := server.Local()
	require.NoError(t, err)
	address, err := server.Listen(t.Context())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		assert.NoError(t, conn.Close())
		assert.NoError(t, server.Close())
		assert.NoError(t, <-served)
	})

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // its calls wait for the connection
	defer cancel()
	_, err = say(ctx, conn, "hello")
	assert.Equal(t, codes.Unauthenticated, status.Code(err))
	text, err := say(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer me"), conn, "hello")
	require.NoError(t, err)
	assert.Equal(t, "hello", text)
	assert.Equal(t, int64(1), value(t, registry, "grpc_server_handled_total", "grpc_method=Say", "grpc_code=OK"))

	assert.Equal(t, codes.Unavailable, status.Code(callTLS(t, address, &tls.Config{RootCAs: ours.pool(), MinVersion: tls.VersionTLS13})))
	identified := &tls.Config{RootCAs: ours.pool(), Certificates: ours.identity(t, tomorrow), MinVersion: tls.VersionTLS13}
	assert.Equal(t, codes.Unauthenticated, status.Code(callTLS(t, address, identified)))
}

func TestLocalEndsWithTheServer(t *testing.T) {
	t.Parallel()
	server, err := grpcserver.New("127.0.0.1:0", grpcserver.Options{})
	require.NoError(t, err)
	server.RegisterService(&echoDesc, &echo{say: func(_ context.Context, text string) (string, error) { return text, nil }})
	conn, err := server.Local()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = say(ctx, conn, "hello")
	require.NoError(t, err)
	require.NoError(t, server.Shutdown(t.Context()))
	_, err = say(ctx, conn, "hello", grpc.WaitForReady(false))
	assert.Equal(t, codes.Unavailable, status.Code(err))
	require.NoError(t, conn.Close())
}

func TestHTTPConfig(t *testing.T) {
	t.Parallel()
	config, err := grpcserver.HTTPConfig(grpcserver.TLSFiles{}, nil)
	require.NoError(t, err)
	assert.Nil(t, config)

	ours, tomorrow := newAuthority(t, "ours"), time.Now().Add(24*time.Hour)
	files := certificateFiles(t)
	_, err = grpcserver.HTTPConfig(files, nil)
	require.ErrorContains(t, err, "read TLS file")
	write(t, files.Cert, nil)
	write(t, files.Key, nil)
	write(t, files.ClientCA, ours.pem())
	_, err = grpcserver.HTTPConfig(files, nil)
	require.ErrorContains(t, err, "TLS certificate")

	writePair(t, files, ours, tomorrow)
	config, err = grpcserver.HTTPConfig(files, nil)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Protocol", r.Proto)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn)
	server.TLS = config
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	ask := func(certificates []tls.Certificate) (*http.Response, error) {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: ours.pool(), Certificates: certificates, MinVersion: tls.VersionTLS13},
		}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		require.NoError(t, err)
		return client.Do(request)
	}

	response, err := ask(ours.identity(t, tomorrow))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, "HTTP/2.0", response.Header.Get("Protocol"))
	if response, err = ask(nil); err == nil {
		assert.Fail(t, "a client without a certificate was answered")
		require.NoError(t, response.Body.Close())
	}
}
