// Package lifecycle starts the parts of a service, says when it is ready, and stops the parts in order without losing work.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// lastCall is what a part has to stop in when those before it used up the time.
const lastCall = time.Second

// Server is a part that works until it is stopped: an HTTP or gRPC server, a consumer of a queue.
type Server interface {
	// Listen claims what Serve needs, so that an address in use fails the start at once. It returns the address bound, if any.
	Listen(ctx context.Context) (string, error)
	// Serve works until Shutdown or Close. An error means that it cannot go on.
	Serve() error
	// Shutdown takes no more work and returns when the work begun is done, or with ctx.
	Shutdown(ctx context.Context) error
	// Close abandons the work begun. It also follows a Listen that no Serve came after.
	Close() error
}

// Options say how an App stops.
type Options struct {
	Logger *slog.Logger
	// DrainDelay is how long the service goes on serving after it said that it is not ready.
	DrainDelay time.Duration
	// ShutdownTimeout is how long the work begun has to end.
	ShutdownTimeout time.Duration
}

// App is a service as a list of parts: started in the order in which they were added, stopped in the reverse order.
type App struct {
	opts   Options
	parts  []part
	checks []check
	ready  atomic.Bool

	// running counts the servers that have not yet reported their end.
	running int
	ended   chan error
}

type part struct {
	name   string
	server Server
	stop   func(ctx context.Context) error
}

type check struct {
	name  string
	ready func(ctx context.Context) error
}

// Serve adds a server, under the name that its address has in the log.
func (a *App) Serve(name string, s Server) {
	a.parts = append(a.parts, part{name: name, server: s, stop: func(ctx context.Context) error {
		err := s.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, s.Close())
		}
		return err
	}})
}

// OnStop adds what has to be released after the servers that are added later.
func (a *App) OnStop(name string, stop func(ctx context.Context) error) {
	a.parts = append(a.parts, part{name: name, stop: stop})
}

// ReadyWhen adds a condition of Ready.
func (a *App) ReadyWhen(name string, ready func(ctx context.Context) error) {
	a.checks = append(a.checks, check{name: name, ready: ready})
}

// Ready says why the service should get no requests now, or nil.
func (a *App) Ready(ctx context.Context) error {
	if !a.ready.Load() {
		return errors.New("starting or stopping")
	}
	for _, c := range a.checks {
		if err := c.ready(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// Run adds the parts by wire, starts them and serves until ctx ends or a server fails; then it stops them all. Unless ctx ended by
// SIGINT (see Signals), it serves on for the drain delay, no longer ready. The error joins everything that went wrong.
func Run(ctx context.Context, opts Options, wire func(app *App) error) error {
	app := &App{opts: opts}
	err := wire(app)
	if err == nil {
		err = app.run(ctx)
	} else if ctx.Err() != nil { // told to stop, not failed
		opts.Logger.InfoContext(ctx, "stopping before ready", causeOf(ctx), slog.Any("error", err))
		err = nil
	}
	err = errors.Join(err, app.stop(ctx), app.wait())
	opts.Logger.InfoContext(ctx, "stopped")
	return err
}

// run starts the servers and returns when they should stop, or have stopped.
func (a *App) run(ctx context.Context) error {
	addresses, err := a.listen(ctx)
	if err != nil {
		return err
	}
	a.serve()

	a.ready.Store(true)
	defer a.ready.Store(false)
	a.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "ready", addresses...)

	select {
	case err := <-a.ended:
		a.running--
		return err
	case <-ctx.Done():
	}
	a.ready.Store(false)
	a.opts.Logger.InfoContext(ctx, "stopping", causeOf(ctx))
	if interrupted(ctx) {
		return nil
	}
	select {
	case err := <-a.ended:
		a.running--
		return err
	case <-time.After(a.opts.DrainDelay): // until load balancers have seen it
		return nil
	}
}

func (a *App) listen(ctx context.Context) ([]slog.Attr, error) {
	var addresses []slog.Attr
	for _, p := range a.parts {
		if p.server == nil {
			continue
		}
		address, err := p.server.Listen(ctx)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", p.name, err)
		}
		if address != "" {
			addresses = append(addresses, slog.String(p.name, address))
		}
	}
	return addresses, nil
}

func (a *App) serve() {
	a.ended = make(chan error, len(a.parts))
	for _, p := range a.parts {
		if p.server == nil {
			continue
		}
		a.running++
		go func() {
			err := p.server.Serve()
			if err != nil {
				err = fmt.Errorf("serve %s: %w", p.name, err)
			}
			a.ended <- err
		}()
	}
}

// stop stops every part, the last one first, within the shutdown timeout.
func (a *App) stop(ctx context.Context) error {
	deadline := time.Now().Add(a.opts.ShutdownTimeout)
	var errs []error
	for _, p := range slices.Backward(a.parts) {
		left := max(time.Until(deadline), lastCall)
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), left)
		if err := p.stop(stopCtx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", p.name, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}

// wait collects the errors of the servers that stop has ended.
func (a *App) wait() error {
	late := time.After(lastCall)
	var errs []error
	for range a.running {
		select {
		case err := <-a.ended:
			errs = append(errs, err)
		case <-late:
			return errors.Join(append(errs, errors.New("a server still runs after it was closed"))...)
		}
	}
	return errors.Join(errs...)
}
