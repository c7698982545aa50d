package lifecycle_test

import (
	"context"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/lifecycle"
)

// lines takes a log line per write.
type lines chan []byte

func (l lines) Write(line []byte) (int, error) {
	l <- append([]byte(nil), line...)
	return len(line), nil
}

// TestShutdownLosesNoRequest stops a busy service behind a load balancer that learns of it with a delay.
func TestShutdownLosesNoRequest(t *testing.T) {
	t.Parallel()
	const (
		clients  = 16
		answers  = 200 // before the stop
		work     = 20 * time.Millisecond
		interval = 50 * time.Millisecond // of the probes
	)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	logs := make(lines, 8)
	options := lifecycle.Options{
		Logger: slog.New(slog.NewJSONHandler(logs, nil)), DrainDelay: 20 * interval, ShutdownTimeout: 10 * time.Second,
	}
	done := make(chan error, 1)
	go func() {
		done <- lifecycle.Run(ctx, options, func(app *lifecycle.App) error {
			app.Serve("admin", lifecycle.NewHTTPServer(newHTTPServer(func(w http.ResponseWriter, r *http.Request) {
				if app.Ready(r.Context()) != nil {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			})))
			app.Serve("api", lifecycle.NewHTTPServer(newHTTPServer(func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(work):
				case <-r.Context().Done():
				}
			})))
			return nil
		})
	}()
	var ready struct{ Admin, API string }
	require.NoError(t, json.Unmarshal(<-logs, &ready, json.MatchCaseInsensitiveNames(true)))

	var (
		answered, failed atomic.Int64
		routable         atomic.Bool // what the load balancer believes
		running          sync.WaitGroup
	)
	routable.Store(true)
	running.Go(func() {
		for range time.Tick(interval) {
			if !get(ctx, ready.Admin) {
				routable.Store(false)
				return
			}
		}
	})
	for range clients {
		running.Go(func() {
			for routable.Load() {
				if !get(ctx, ready.API) {
					failed.Add(1)
				} else if answered.Add(1) == answers {
					cancel(&lifecycle.SignalError{Signal: syscall.SIGTERM})
				}
			}
		})
	}
	running.Wait()

	require.NoError(t, <-done)
	assert.Zero(t, failed.Load(), "of %d requests", answered.Load()+failed.Load())
}

func newHTTPServer(handler http.HandlerFunc) *http.Server {
	return &http.Server{Addr: "127.0.0.1:0", Handler: handler, ReadHeaderTimeout: time.Minute}
}

// get says whether a new connection to address brings a good answer.
func get(ctx context.Context, address string) bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, "http://"+address, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Body.Close() == nil && err == nil && resp.StatusCode == http.StatusOK
}

func TestHTTPServerTakesThePortWhenItListens(t *testing.T) {
	t.Parallel()
	first := lifecycle.NewHTTPServer(&http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Minute})
	address, err := first.Listen(t.Context())
	require.NoError(t, err)

	second := lifecycle.NewHTTPServer(&http.Server{Addr: address, ReadHeaderTimeout: time.Minute})
	_, err = second.Listen(t.Context())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.NoError(t, second.Close(), "without a port there is nothing to close")

	for name, end := range map[string]func() error{
		"shutdown": func() error { return first.Shutdown(t.Context()) },
		"close":    first.Close,
	} {
		require.NoError(t, end(), "%s, though it never served", name)
	}
	_, err = second.Listen(t.Context())
	require.NoError(t, err, "the port is free again")
	require.NoError(t, second.Close())
}

func TestHTTPServerClosesWhatShutdownLeaves(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := lifecycle.NewHTTPServer(newHTTPServer(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}))
	address, err := s.Listen(t.Context())
	require.NoError(t, err)
	served, answered := make(chan error, 1), make(chan bool, 1)
	go func() { served <- s.Serve() }()
	go func() { answered <- get(t.Context(), address) }()
	<-begun

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Shutdown(ended), context.Canceled)
	require.NoError(t, s.Close())
	assert.False(t, <-answered)
	require.NoError(t, <-served)
}
