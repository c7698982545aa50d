package grpcserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/credentials"
)

// checkInterval is how long a certificate is used before its files are looked at again.
const checkInterval = time.Second

// TLSFiles are PEM files: the certificate of the server with its chain, its key, and the authorities of the clients' certificates.
// Without ClientCA clients need none. The files may be replaced at any time, which new connections follow.
type TLSFiles struct {
	Cert, Key, ClientCA string
}

// certificates is the configuration that the files hold, or held when they were last good.
type certificates struct {
	files TLSFiles
	log   *slog.Logger

	mu      sync.Mutex
	checked time.Time
	content [3][]byte
	config  *tls.Config
	expiry  time.Time
}

// newCertificates reads the files, which have to be good now.
func newCertificates(files TLSFiles, log *slog.Logger) (*certificates, error) {
	if files.Cert == "" || files.Key == "" {
		return nil, errors.New("TLS needs both a certificate and its key")
	}
	c := &certificates{files: files, log: log}
	content, err := files.read()
	if err != nil {
		return nil, err
	}
	return c, c.use(content)
}

func newCredentials(files TLSFiles, log *slog.Logger, registerer prometheus.Registerer) (credentials.TransportCredentials, error) {
	c, err := newCertificates(files, log)
	if err != nil {
		return nil, err
	}
	registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "grpc_server_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of the server expires, in Unix time.",
	}, func() float64 {
		_, expiry := c.current()
		return float64(expiry.Unix())
	}))
	return handshakes{log: log, TransportCredentials: credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, // which every implementation of gRPC speaks
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			config, _ := c.current()
			return config, nil
		},
	})}, nil
}

// handshakes logs those that fail, of which nobody else would hear: they end before there is a call.
type handshakes struct {
	credentials.TransportCredentials

	log *slog.Logger
}

func (h handshakes) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := h.TransportCredentials.ServerHandshake(conn)
	if err != nil {
		level := slog.LevelWarn
		if errors.Is(err, io.EOF) { // a probe, or a scan
			level = slog.LevelDebug
		}
		h.log.LogAttrs(context.Background(), level, "TLS handshake failed", slog.String("remote", conn.RemoteAddr().String()), slog.Any("error", err))
		return nil, nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, info, nil
}

// current returns the configuration of the files, or the last good one.
func (c *certificates) current() (*tls.Config, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < checkInterval {
		return c.config, c.expiry
	}
	content, err := c.files.read()
	if err == nil {
		if same(content, c.content) {
			c.checked = time.Now()
			return c.config, c.expiry
		}
		err = c.use(content)
	}
	c.checked = time.Now()
	if err != nil {
		c.log.LogAttrs(context.Background(), slog.LevelError, "new TLS files are not used", slog.Any("error", err))
	}
	return c.config, c.expiry
}

func same(a, b [3][]byte) bool {
	return bytes.Equal(a[0], b[0]) && bytes.Equal(a[1], b[1]) && bytes.Equal(a[2], b[2])
}

func (f TLSFiles) read() (content [3][]byte, err error) {
	for i, name := range []string{f.Cert, f.Key, f.ClientCA} {
		if name == "" {
			continue
		}
		if content[i], err = os.ReadFile(name); err != nil { //nolint:gosec // the operator names the file
			return content, fmt.Errorf("read TLS file: %w", err)
		}
	}
	return content, nil
}

// use makes the configuration of content.
func (c *certificates) use(content [3][]byte) error {
	certificate, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return fmt.Errorf("TLS certificate %s with key %s: %w", c.files.Cert, c.files.Key, err)
	}
	config := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{certificate},
		SessionTicketsDisabled: true, // connections are few and last long, and a ticket might outlive the client's authority
	}
	if c.files.ClientCA != "" {
		config.ClientCAs = x509.NewCertPool()
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if !config.ClientCAs.AppendCertsFromPEM(content[2]) {
			return fmt.Errorf("TLS client CA %s: there is no certificate in it", c.files.ClientCA)
		}
	}
	c.config, c.content, c.expiry, c.checked = config, content, certificate.Leaf.NotAfter, time.Now()
	return nil
}
