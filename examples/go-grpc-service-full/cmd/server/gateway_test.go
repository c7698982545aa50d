package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServeREST(t *testing.T) {
	t.Parallel()
	ready := start(t, settings(t))

	status, _ := get(t, "http://"+ready.HTTP+"/v1/users/1") // no id, for which nobody asks the database
	assert.Equal(t, http.StatusNotFound, status)
	status, body := get(t, "http://"+ready.HTTP+"/nothing/here")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, body, `"title":"Not Found","status":404`)
	_, metrics := get(t, "http://"+ready.Admin+"/metrics")
	assert.Contains(t, metrics, `http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="/v1/users/{id}"} 1`)
	assert.Contains(t, metrics, `grpc_server_handled_total{grpc_code="NotFound",grpc_method="GetUser",grpc_service="user.v1.UserService",grpc_type="unary"} 1`)
	assert.Contains(t, metrics, "panics_total 0")
	require.NoError(t, ready.stop())
}

// The listener for REST is as safe as that for gRPC, and open to the scripts of the origins that are allowed.
func TestServeRESTOverTLS(t *testing.T) {
	t.Parallel()
	issuer := httptest.NewTLSServer(nil)
	t.Cleanup(issuer.Close)
	key, err := x509.MarshalPKCS8PrivateKey(issuer.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	env, directory := settings(t), t.TempDir()
	env["CORS_ALLOWED_ORIGINS"] = "https://app.example.com"
	for setting, block := range map[string]pem.Block{
		"TLS_CERT_FILE": {Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw},
		"TLS_KEY_FILE":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		env[setting] = filepath.Join(directory, setting)
		require.NoError(t, os.WriteFile(env[setting], pem.EncodeToMemory(&block), 0o600))
	}
	ready := start(t, env)

	authorities := x509.NewCertPool()
	authorities.AddCert(issuer.Certificate())
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS13}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+ready.HTTP+"/v1/users/1", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Origin", "https://app.example.com")
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	transport.CloseIdleConnections()
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
	assert.Equal(t, "HTTP/2.0", response.Proto)
	assert.Equal(t, "https://app.example.com", response.Header.Get("Access-Control-Allow-Origin"))
	status, _ := get(t, "http://"+ready.HTTP+"/v1/users/1")
	assert.Equal(t, http.StatusBadRequest, status, "without TLS")
	require.NoError(t, ready.stop())
}
