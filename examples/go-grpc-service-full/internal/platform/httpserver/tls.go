package httpserver

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"

	"example.com/user-service/internal/platform/lifecycle"
)

// NewTLSServer is NewServer over TLS, if there is a config.
func NewTLSServer(address string, handler http.Handler, requestTimeout time.Duration, log *slog.Logger, config *tls.Config) *lifecycle.HTTPServer {
	server := newServer(address, handler, requestTimeout, log)
	server.TLSConfig = config
	return lifecycle.NewHTTPServer(server)
}
