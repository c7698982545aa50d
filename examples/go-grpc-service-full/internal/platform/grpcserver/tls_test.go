package grpcserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"example.com/user-service/internal/platform/grpcserver"
)

// authority signs certificates.
type authority struct {
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{name: name, cert: cert, key: key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue returns a certificate for 127.0.0.1 and its key, as PEM, for servers and clients alike.
func (a authority) issue(t *testing.T, expiry time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "peer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: expiry, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, private.Public(), a.key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// identity is a certificate of a client.
func (a authority) identity(t *testing.T, expiry time.Time) []tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(a.issue(t, expiry))
	require.NoError(t, err)
	return []tls.Certificate{pair}
}

// certificateFiles are the files of a server, which can be replaced.
func certificateFiles(t *testing.T) grpcserver.TLSFiles {
	t.Helper()
	dir := t.TempDir()
	return grpcserver.TLSFiles{
		Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), ClientCA: filepath.Join(dir, "ca.crt"),
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

func writePair(t *testing.T, files grpcserver.TLSFiles, a authority, expiry time.Time) {
	t.Helper()
	cert, key := a.issue(t, expiry)
	write(t, files.Cert, cert)
	write(t, files.Key, key)
}

// listening is serve at a port, for which tests in memory are no proof.
func listening(t *testing.T, opts grpcserver.Options) string {
	t.Helper()
	server, err := grpcserver.New("127.0.0.1:0", opts)
	require.NoError(t, err)
	server.RegisterService(&echoDesc, &echo{say: func(_ context.Context, text string) (string, error) { return text, nil }})
	address, err := server.Listen(t.Context())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.NoError(t, <-served)
	})
	return address
}

// callTLS makes a call over a new connection.
func callTLS(t *testing.T, address string, config *tls.Config) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	_, err = say(t.Context(), conn, "hello")
	return err
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Minute)
	files := certificateFiles(t)
	writePair(t, files, ours, tomorrow)
	write(t, files.ClientCA, ours.pem())
	open := files
	open.ClientCA = ""

	tests := map[string]struct {
		files   grpcserver.TLSFiles
		config  *tls.Config
		refused string // by the server, in its log
		code    codes.Code
	}{
		"without a certificate of the client": {open, &tls.Config{RootCAs: ours.pool()}, "", codes.OK},
		"another authority than the server's": {open, &tls.Config{RootCAs: theirs.pool()}, "", codes.Unavailable},
		"TLS 1.2":                             {open, &tls.Config{RootCAs: ours.pool(), MaxVersion: tls.VersionTLS12}, "", codes.Unavailable},
		"both":                                {files, &tls.Config{RootCAs: ours.pool(), Certificates: ours.identity(t, tomorrow)}, "", codes.OK},
		"none where one is wanted": {
			files, &tls.Config{RootCAs: ours.pool()}, "client didn't provide a certificate", codes.Unavailable,
		},
		"of an authority that is not known": {
			files, &tls.Config{RootCAs: ours.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &theirs.identity(t, tomorrow)[0], nil // also if the server does not ask for its authority
			}}, "unknown authority", codes.Unavailable,
		},
		"expired": {
			files, &tls.Config{RootCAs: ours.pool(), Certificates: ours.identity(t, yesterday)}, "expired", codes.Unavailable,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written logs
			refused := written.next()
			err := callTLS(t, listening(t, grpcserver.Options{TLS: tt.files, Logger: written.logger()}), tt.config)
			assert.Equal(t, tt.code, status.Code(err), err)
			if tt.refused != "" {
				<-refused // the client hears of it first
				lines := written.lines(t, "TLS handshake failed")
				require.NotEmpty(t, lines)
				line := lines[0]
				assert.Equal(t, "WARN", line["level"])
				assert.Contains(t, line["error"], tt.refused)
				assert.Contains(t, line["remote"], "127.0.0.1:")
			}
		})
	}
}

func TestTLSFilesThatAreWrong(t *testing.T) {
	t.Parallel()
	good, other := certificateFiles(t), certificateFiles(t)
	a := newAuthority(t, "ours")
	for _, files := range []grpcserver.TLSFiles{good, other} {
		writePair(t, files, a, time.Now().Add(time.Hour))
		write(t, files.ClientCA, a.pem())
	}
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, nil)
	tests := map[string]struct {
		files grpcserver.TLSFiles
		want  string
	}{
		"no key":             {grpcserver.TLSFiles{Cert: good.Cert}, "TLS needs both a certificate and its key"},
		"no certificate":     {grpcserver.TLSFiles{Key: good.Key}, "TLS needs both a certificate and its key"},
		"only an authority":  {grpcserver.TLSFiles{ClientCA: good.ClientCA}, "TLS needs both a certificate and its key"},
		"another key":        {grpcserver.TLSFiles{Cert: good.Cert, Key: other.Key}, "TLS certificate " + good.Cert + " with key " + other.Key + ": tls: private key does not match public key"},
		"an empty file":      {grpcserver.TLSFiles{Cert: empty, Key: good.Key}, "TLS certificate " + empty + " with key " + good.Key + ": tls: failed to find any PEM data in certificate input"},
		"an empty authority": {grpcserver.TLSFiles{Cert: good.Cert, Key: good.Key, ClientCA: empty}, "TLS client CA " + empty + ": there is no certificate in it"},
		"a missing file":     {grpcserver.TLSFiles{Cert: good.Cert + "x", Key: good.Key}, "read TLS file: open " + good.Cert + "x: no such file or directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := grpcserver.New("", grpcserver.Options{TLS: tt.files})
			assert.EqualError(t, err, tt.want)
		})
	}
	_, err := grpcserver.New("", grpcserver.Options{TLS: grpcserver.TLSFiles{Cert: good.Cert + "x", Key: good.Key}})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestTLSFilesThatAreReplaced needs no restart.
func TestTLSFilesThatAreReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newAuthority(t, "first"), newAuthority(t, "second")
		expiry := time.Now().Add(time.Hour).Truncate(time.Second)
		files := certificateFiles(t)
		writePair(t, files, first, expiry)
		write(t, files.ClientCA, first.pem())
		var written logs
		registry := prometheus.NewRegistry()
		r := serve(t, grpcserver.Options{TLS: files, Registerer: registry, Logger: written.logger()}, &echo{
			say: func(_ context.Context, text string) (string, error) { return text, nil },
		})
		call := func(a authority) codes.Code {
			t.Helper()
			conn, err := grpc.NewClient("passthrough:///127.0.0.1",
				grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return r.listener.DialContext(ctx) }),
				grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
					RootCAs: a.pool(), Certificates: a.identity(t, time.Now().Add(time.Hour)),
				})),
			)
			require.NoError(t, err)
			defer func() { assert.NoError(t, conn.Close()) }()
			_, err = say(t.Context(), conn, "hello")
			return status.Code(err)
		}
		assert.Equal(t, codes.OK, call(first))
		assert.Equal(t, expiry.Unix(), value(t, registry, "grpc_server_certificate_expiry_timestamp_seconds"))

		// Half of the rotation: the certificate has another key.
		cert, key := second.issue(t, expiry.Add(time.Hour))
		write(t, files.Cert, cert)
		time.Sleep(time.Second)
		assert.Equal(t, codes.OK, call(first), "the old ones, as long as the new ones are no good")
		lines := written.lines(t, "new TLS files are not used")
		require.Len(t, lines, 1)
		assert.Equal(t, "ERROR", lines[0]["level"])
		assert.Contains(t, lines[0]["error"], "private key does not match public key")

		write(t, files.Key, key)
		time.Sleep(time.Second)
		assert.Equal(t, codes.Unavailable, call(second), "whose own certificate is not known yet")
		write(t, files.ClientCA, second.pem())
		time.Sleep(time.Second)
		assert.Equal(t, codes.OK, call(second))
		assert.Equal(t, codes.Unavailable, call(first))
		assert.Equal(t, expiry.Add(time.Hour).Unix(), value(t, registry, "grpc_server_certificate_expiry_timestamp_seconds"))

		require.NoError(t, os.Remove(files.Key))
		time.Sleep(time.Second)
		assert.Equal(t, codes.OK, call(second))
		assert.Contains(t, written.String(), "no such file or directory")
	})
}

// TestNoSessionOutlivesItsAuthority has a client that remembers its sessions, which would spare it to show its certificate again.
func TestNoSessionOutlivesItsAuthority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, first, second := newAuthority(t, "ours"), newAuthority(t, "first"), newAuthority(t, "second")
		expiry := time.Now().Add(time.Hour)
		files := certificateFiles(t)
		writePair(t, files, ours, expiry)
		write(t, files.ClientCA, first.pem())
		r := serve(t, grpcserver.Options{TLS: files}, &echo{})
		identity := first.identity(t, expiry)
		config := &tls.Config{
			MinVersion: tls.VersionTLS13, RootCAs: ours.pool(), ServerName: "127.0.0.1", NextProtos: []string{"h2"},
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &identity[0], nil // also if the server does not ask for its authority
			},
		}
		connect := func() (resumed bool, err error) {
			conn, err := r.listener.DialContext(t.Context())
			require.NoError(t, err)
			client := tls.Client(conn, config)
			defer func() { _ = client.Close() }() // the server may have closed it
			_, err = client.Read(make([]byte, 1)) // the session comes before what the server says first
			return client.ConnectionState().DidResume, err
		}
		for range 2 {
			resumed, err := connect()
			require.NoError(t, err)
			assert.False(t, resumed)
		}
		write(t, files.ClientCA, second.pem())
		time.Sleep(time.Second)
		_, err := connect()
		require.ErrorContains(t, err, "unknown certificate authority")
	})
}
