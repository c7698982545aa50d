package httpserver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"uuid"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipes is a network in memory, so that time-outs take no time in a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// serve runs the server of a service whose requests may take 5 s, and returns its network. The test must be a synctest bubble.
func serve(t *testing.T, handler http.Handler, logs io.Writer) *pipes {
	t.Helper()
	network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := newServer("", handler, 5*time.Second, slog.New(slog.NewTextHandler(logs, nil)))
	served := make(chan error, 1)
	go func() { served <- s.Serve(network) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return network
}

// endOf is when the server gives the connection up, and what it sent before.
func endOf(t *testing.T, conn net.Conn) (time.Duration, string) {
	t.Helper()
	start := time.Now()
	sent, err := io.ReadAll(conn)
	require.NoError(t, err)
	return time.Since(start), string(sent)
}

func TestServerGivesSlowClientsUp(t *testing.T) {
	t.Parallel()
	readBody := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	})
	tests := map[string]struct {
		sent  string
		after time.Duration
		want  string
	}{
		"that send nothing":        {"", 5 * time.Second, ""},
		"that send half a header":  {"GET / HTTP/1.1\r\nHost: x\r\nX-Slow:", 5 * time.Second, ""},
		"that send half a body":    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", 15 * time.Second, "408 Request Timeout"},
		"that send a huge header":  {"GET / HTTP/1.1\r\nHost: x\r\nX-Huge: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", 0, "431 Request Header Fields Too Large"},
		"that have nothing to ask": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 60 * time.Second, "200 OK"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conn := serve(t, readBody, io.Discard).dial()
				go func() { _, _ = io.WriteString(conn, tt.sent) }() // it ends with the connection
				after, got := endOf(t, conn)
				assert.InDelta(t, tt.after, after, float64(time.Second))
				assert.Contains(t, got, tt.want)
			})
		})
	}
}

func TestServerGivesClientsUpThatDoNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		gaveUp := make(chan time.Duration, 1)
		conn := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 1<<20))
			assert.Error(t, err)
			gaveUp <- time.Since(start)
		}), io.Discard).dial()
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		assert.Equal(t, 20*time.Second, <-gaveUp)
	})
}

func TestServerSendsTheProblemOfADeadline(t *testing.T) {
	t.Parallel()
	rt := NewRouter(Options{RequestTimeout: 5 * time.Second})
	rt.Handle("GET /x", func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	})
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, rt, io.Discard).dial()
		_, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		after, got := endOf(t, conn)
		assert.Equal(t, 5*time.Second, after)
		assert.Contains(t, got, "504 Gateway Timeout")
		assert.Contains(t, got, "application/problem+json")
	})
}

func TestServerDoesNotAskForABodyThatIsTooLarge(t *testing.T) {
	t.Parallel()
	rt := NewRouter(Options{MaxBodyBytes: 10})
	rt.Handle("POST /x", func(_ http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	})
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, rt, io.Discard).dial()
		_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
		require.NoError(t, err)
		_, got := endOf(t, conn)
		assert.NotContains(t, got, "100 Continue")
		assert.Contains(t, got, "413 Request Entity Too Large")
		assert.Contains(t, got, "more than 10 bytes")
	})
}

func TestServerCutsAnAnswerThatPanics(t *testing.T) {
	t.Parallel()
	rt := NewRouter(Options{})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "half")
		assert.NoError(t, errors.Join(err, http.NewResponseController(w).Flush()))
		uuid.MustParse("at the disco")
		return nil
	})
	var logs bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, rt, &logs).dial()
		_, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client sees that the answer is not whole")
		require.ErrorIs(t, resp.Body.Close(), io.ErrUnexpectedEOF)
		assert.Equal(t, "half", string(body))
	})
	assert.Empty(t, logs.String(), "net/http does not log what the router has logged")
}

func TestServerStreamsThroughTheChain(t *testing.T) {
	t.Parallel()
	rt := NewRouter(Options{RequestTimeout: 5 * time.Second, MaxBodyBytes: 1 << 20, MaxInFlight: 1})
	next := make(chan struct{})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		controller := http.NewResponseController(w)
		for _, part := range []string{"one", "two"} {
			_, err := io.WriteString(w, part)
			if err = errors.Join(err, controller.Flush()); err != nil {
				return err
			}
			<-next
		}
		assert.NoError(t, controller.SetWriteDeadline(time.Time{}), "reaches the connection")
		return nil
	})
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, rt, io.Discard).dial()
		_, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		part := make([]byte, 3)
		for _, want := range []string{"one", "two"} {
			_, err = io.ReadFull(resp.Body, part)
			require.NoError(t, err)
			assert.Equal(t, want, string(part), "sent while the handler runs")
			next <- struct{}{}
		}
		require.NoError(t, resp.Body.Close())
	})
}

func TestServerSendsHintsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	rt := NewRouter(Options{Logger: slog.New(slog.NewTextHandler(&logs, nil))})
	rt.Handle("GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusEarlyHints)
		return NewProblem(http.StatusNotFound, "There is no x.")
	})
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, rt, io.Discard).dial()
		_, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		_, got := endOf(t, conn)
		assert.Contains(t, got, "103 Early Hints")
		assert.Contains(t, got, "404 Not Found")
	})
	assert.Contains(t, logs.String(), "status=404")
}

func TestNewServerServes(t *testing.T) {
	t.Parallel()
	s := NewServer("127.0.0.1:0", NewRouter(Options{}), time.Second, slog.New(slog.DiscardHandler))
	address, err := s.Listen(t.Context())
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", http.NoBody)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.NoError(t, s.Shutdown(t.Context()))
	require.NoError(t, <-served)
}
