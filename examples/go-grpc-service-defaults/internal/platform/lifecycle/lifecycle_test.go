package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/lifecycle"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// diary notes what happens, and when.
type diary struct {
	start time.Time

	mu      sync.Mutex
	entries []string
}

func newDiary() *diary { return &diary{start: time.Now()} }

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, fmt.Sprintf("%s %s", time.Since(d.start), what))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.entries
}

// server is a lifecycle.Server whose work begun takes a while to end.
type server struct {
	name      string
	diary     *diary
	stopped   chan struct{}
	listenErr error
	fails     <-chan error  // ends Serve
	work      time.Duration // left when Shutdown is called
	stuck     bool          // Serve does not end
}

func newServer(name string, d *diary) *server {
	return &server{name: name, diary: d, stopped: make(chan struct{})}
}

func (s *server) Listen(context.Context) (string, error) {
	s.diary.note("listen " + s.name)
	return s.name + ":1", s.listenErr
}

func (s *server) Serve() error {
	select {
	case err := <-s.fails:
		return err
	case <-s.stopped:
		return nil
	}
}

func (s *server) Shutdown(ctx context.Context) error {
	s.diary.note("shutdown " + s.name)
	select {
	case <-time.After(s.work):
	case <-ctx.Done():
		return ctx.Err()
	}
	s.end()
	return nil
}

func (s *server) Close() error {
	s.diary.note("close " + s.name)
	s.end()
	return nil
}

func (s *server) end() {
	if !s.stuck {
		close(s.stopped)
	}
}

func options() lifecycle.Options {
	return lifecycle.Options{
		Logger: slog.New(slog.DiscardHandler), DrainDelay: 5 * time.Second, ShutdownTimeout: 20 * time.Second,
	}
}

func releases(d *diary, name string) func(context.Context) error {
	return func(context.Context) error {
		d.note("release " + name)
		return nil
	}
}

func TestRunStopsInReverseOrder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		signal os.Signal
		want   []string
	}{
		"SIGTERM drains first": {syscall.SIGTERM, []string{
			"0s listen admin", "0s listen http",
			"1m5s shutdown http", "1m7s shutdown admin", "1m7s release database", "1m7s release traces",
		}},
		"SIGINT does not wait": {os.Interrupt, []string{
			"0s listen admin", "0s listen http",
			"1m0s shutdown http", "1m2s shutdown admin", "1m2s release database", "1m2s release traces",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				d := newDiary()
				admin, http := newServer("admin", d), newServer("http", d)
				http.work = 2 * time.Second
				time.AfterFunc(time.Minute, func() { cancel(&lifecycle.SignalError{Signal: tt.signal}) })

				err := lifecycle.Run(ctx, options(), func(app *lifecycle.App) error {
					app.OnStop("traces", releases(d, "traces"))
					app.OnStop("database", releases(d, "database"))
					app.Serve("admin", admin)
					app.Serve("http", http)
					require.ErrorContains(t, app.Ready(ctx), "starting")
					time.AfterFunc(59*time.Second, func() { assert.NoError(t, app.Ready(ctx)) })
					time.AfterFunc(61*time.Second, func() { assert.ErrorContains(t, app.Ready(ctx), "stopping") })
					return nil
				})

				require.NoError(t, err)
				assert.Equal(t, tt.want, d.read())
			})
		})
	}
}

func TestRunReportsEveryFailure(t *testing.T) {
	t.Parallel()
	failure := errors.New("disk full")
	failed := func(err error) <-chan error {
		c := make(chan error, 1)
		c <- err
		return c
	}
	tests := map[string]struct {
		admin, http server
		wire        error
		want        []string // parts of the error
		diary       []string
	}{
		"an address in use": {
			http:  server{listenErr: failure},
			want:  []string{"start http: disk full"},
			diary: []string{"0s listen admin", "0s listen http", "0s shutdown http", "0s shutdown admin", "0s release database"},
		},
		"a part that cannot be made": {
			wire:  failure,
			want:  []string{"disk full"},
			diary: []string{"0s release database"},
		},
		"a server that fails takes the others down without a drain": {
			admin: server{fails: failed(failure)},
			want:  []string{"serve admin: disk full"},
			diary: []string{"0s listen admin", "0s listen http", "0s shutdown http", "0s shutdown admin", "0s release database"},
		},
		"a server that ends by itself stops the service": {
			http:  server{fails: failed(nil)},
			diary: []string{"0s listen admin", "0s listen http", "0s shutdown http", "0s shutdown admin", "0s release database"},
		},
		"work that does not end is abandoned, and the rest still stops": {
			http: server{work: time.Hour, fails: failed(failure)},
			want: []string{"serve http: disk full", "stop http: context deadline exceeded"},
			diary: []string{
				"0s listen admin", "0s listen http", "0s shutdown http", "20s close http", "20s shutdown admin", "20s release database",
			},
		},
		"every part has a moment to stop, however late it is": {
			admin: server{work: 500 * time.Millisecond},
			http:  server{work: time.Hour, fails: failed(nil)},
			want:  []string{"stop http: context deadline exceeded"},
			diary: []string{
				"0s listen admin", "0s listen http", "0s shutdown http", "20s close http", "20s shutdown admin", "20.5s release database",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				admin, http := tt.admin, tt.http
				admin.name, admin.diary, admin.stopped = "admin", d, make(chan struct{})
				http.name, http.diary, http.stopped = "http", d, make(chan struct{})

				err := lifecycle.Run(t.Context(), options(), func(app *lifecycle.App) error {
					app.OnStop("database", releases(d, "database"))
					if tt.wire != nil {
						return tt.wire
					}
					app.Serve("admin", &admin)
					app.Serve("http", &http)
					return nil
				})

				for _, want := range tt.want {
					require.ErrorContains(t, err, want)
				}
				if tt.want == nil {
					require.NoError(t, err)
				}
				assert.Equal(t, tt.diary, d.read())
			})
		})
	}
}

func TestRunStopsWhileStarting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	d := newDiary()
	released := false
	err := lifecycle.Run(ctx, options(), func(app *lifecycle.App) error {
		app.OnStop("traces", func(context.Context) error { released = true; return nil })
		cancel(&lifecycle.SignalError{Signal: syscall.SIGTERM})
		return fmt.Errorf("connect: %w", ctx.Err())
	})
	require.NoError(t, err, "to be told to stop is no failure")
	assert.True(t, released)
	assert.Empty(t, d.read())
}

func TestRunEndsTheDrainWhenAServerFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := newDiary()
		fails := make(chan error)
		http := newServer("http", d)
		http.fails = fails
		time.AfterFunc(time.Minute, cancel)
		time.AfterFunc(61*time.Second, func() { fails <- errors.New("disk full") })

		err := lifecycle.Run(ctx, options(), func(app *lifecycle.App) error {
			app.Serve("http", http)
			return nil
		})

		require.ErrorContains(t, err, "serve http: disk full")
		assert.Equal(t, []string{"0s listen http", "1m1s shutdown http"}, d.read())
	})
}

func TestRunDoesNotWaitForAServerThatNeverEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d := newDiary()
		http := newServer("http", d)
		http.stuck = true
		defer close(http.stopped)

		err := lifecycle.Run(ctx, options(), func(app *lifecycle.App) error {
			app.Serve("http", http)
			return nil
		})

		require.ErrorContains(t, err, "still runs")
		assert.Equal(t, []string{"0s listen http", "5s shutdown http"}, d.read())
		assert.Equal(t, 6*time.Second, time.Since(d.start))
	})
}

func TestReadyNamesTheCheckThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := lifecycle.Run(ctx, options(), func(app *lifecycle.App) error {
			app.ReadyWhen("cache", func(context.Context) error { return nil })
			app.ReadyWhen("database", func(context.Context) error { return errors.New("no answer") })
			app.Serve("http", newServer("http", newDiary()))
			go func() {
				synctest.Wait()
				assert.EqualError(t, app.Ready(ctx), "database: no answer")
				cancel()
			}()
			return nil
		})
		require.NoError(t, err)
	})
}
