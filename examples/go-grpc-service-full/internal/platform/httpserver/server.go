package httpserver

import (
	"log/slog"
	"net/http"
	"time"

	"example.com/user-service/internal/platform/lifecycle"
)

// What a client has, beyond the time of the request itself, to send it, and then to take the answer.
const (
	sendTime = 10 * time.Second
	takeTime = 5 * time.Second
)

// NewServer serves handler at address. No client can hold a connection for longer than its request may take.
func NewServer(address string, handler http.Handler, requestTimeout time.Duration, log *slog.Logger) *lifecycle.HTTPServer {
	return lifecycle.NewHTTPServer(newServer(address, handler, requestTimeout, log))
}

func newServer(address string, handler http.Handler, requestTimeout time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       requestTimeout + sendTime,
		WriteTimeout:      requestTimeout + sendTime + takeTime, // the last: the problem of an earlier one must reach the client
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
