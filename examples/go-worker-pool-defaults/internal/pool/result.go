package pool

import (
	"iter"
	"sync"
)

// Result is what became of a job.
type Result[J, R any] struct {
	Job   J
	Value R
	Err   error
}

// Results yields the results of the jobs that Submit and TrySubmit accepted, as they end, until the pool is shut down. They have to be
// read unless OnResult takes them: as many as jobs can be queued wait for the loop, then the workers do. None is dropped: what was not read
// when the pool is shut down is kept until it is. A loop that was left can be taken up again, and several loops share the results.
func (p *Pool[J, R]) Results() iter.Seq[Result[J, R]] {
	return func(yield func(Result[J, R]) bool) {
		for {
			r, ok := p.next()
			if !ok || !yield(r) {
				return
			}
		}
	}
}

func (p *Pool[J, R]) next() (Result[J, R], bool) {
	select {
	case r := <-p.results:
		return r, true
	case <-p.over:
	}
	select {
	case r := <-p.results:
		return r, true
	default:
		return p.late.take()
	}
}

// put waits until there is room for the result, but no longer when the intake is closed: there are no more than the late ones then.
func (p *Pool[J, R]) put(r Result[J, R]) {
	select {
	case p.results <- r:
	default:
		select {
		case p.results <- r:
		case <-p.closing:
			p.late.put(r)
		}
	}
}

// late keeps the results that are not read while the pool is shut down: at most one for each worker and each place in the queue.
type late[J, R any] struct {
	mu      sync.Mutex
	results []Result[J, R]
}

func (l *late[J, R]) put(r Result[J, R]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results = append(l.results, r)
}

func (l *late[J, R]) take() (r Result[J, R], ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.results) == 0 {
		return r, false
	}
	r, l.results = l.results[0], l.results[1:]
	return r, true
}
