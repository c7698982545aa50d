package user

import (
	"errors"
	"fmt"
	"sync"
)

// watchBuffer is how many changes a watcher may be behind.
const watchBuffer = 256

// ErrChangesMissed ends a watch that would have a gap. Whoever needs the users as they are now watches again and lists them.
var ErrChangesMissed = errors.New("changes may have been missed")

// EventKind says what happened to a user.
type EventKind int

// The kinds of events.
const (
	Created EventKind = iota + 1
	Updated
	Deleted
)

// Event is one change. User is as the change left it, or, where it was deleted, as it was before.
type Event struct {
	Kind EventKind
	User User
}

// Feed passes the changes of users on to those who watch. It never waits for them: a watch that falls behind ends.
type Feed struct {
	mu          sync.Mutex
	interrupted error // nil while the feed hears of every change
	watches     map[*Watch]struct{}
}

// NewFeed returns a Feed that nobody watches.
func NewFeed() *Feed {
	return &Feed{watches: make(map[*Watch]struct{})}
}

// Watch begins a watch of every change that is made from now on. It fails with ErrChangesMissed while the feed is interrupted.
func (f *Feed) Watch() (*Watch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.interrupted != nil {
		return nil, f.interrupted
	}
	w := &Watch{feed: f, events: make(chan Event, watchBuffer)}
	f.watches[w] = struct{}{}
	return w, nil
}

func (f *Feed) publish(event Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watches {
		select {
		case w.events <- event:
		default:
			f.end(w, fmt.Errorf("%w: the watcher is more than %d behind", ErrChangesMissed, watchBuffer))
		}
	}
}

// interrupt ends every watch and admits no other until resume.
func (f *Feed) interrupt(cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.interrupted = fmt.Errorf("%w: %w", ErrChangesMissed, cause)
	for w := range f.watches {
		f.end(w, f.interrupted)
	}
}

func (f *Feed) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.interrupted = nil
}

func (f *Feed) end(w *Watch, err error) {
	w.err = err
	close(w.events)
	delete(f.watches, w)
}

// Watch receives events until it is stopped or ends by itself.
type Watch struct {
	feed   *Feed
	events chan Event
	err    error
}

// Events are the changes in the order in which they were made. The channel is closed when the watch ends by itself.
func (w *Watch) Events() <-chan Event {
	return w.events
}

// Err says why Events was closed, and is to be asked only then.
func (w *Watch) Err() error {
	return w.err
}

// Stop ends the watch.
func (w *Watch) Stop() {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	delete(w.feed.watches, w)
}
