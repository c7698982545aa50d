package source

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errRevoked is the error of a settlement that comes too late.
var errRevoked = errors.New("the partition has gone to another worker, which gets the message again")

// assignment holds what was fetched from the partitions that this member of the group has.
type assignment struct {
	// mark is told of each offset before which all is settled, and keeps nothing of what it is called with.
	mark func(map[string]map[int32]kgo.EpochOffset)

	mu         sync.Mutex
	partitions map[string]map[int32]*partition
	// ready is what can be delivered, and waiting what is to be delivered later, by time.
	ready, waiting []*delivery
}

// partition is one from its assignment to its end.
type partition struct {
	// pending is what was fetched and cannot be committed yet, in the order of offsets.
	pending []*delivery
	// next is the offset after the last one fetched.
	next int64
	// delivered counts those that a worker has, and idle is closed when there is none, once the partition is leaving.
	delivered int
	idle      chan struct{}
	// gone is set when nothing may be committed any more.
	gone bool
	// marks is what mark is called with, made once.
	marks map[string]map[int32]kgo.EpochOffset
}

func newAssignment(mark func(map[string]map[int32]kgo.EpochOffset)) *assignment {
	return &assignment{mark: mark, partitions: make(map[string]map[int32]*partition)}
}

// assign adds partitions.
func (a *assignment) assign(added map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, ids := range added {
		if a.partitions[topic] == nil {
			a.partitions[topic] = make(map[int32]*partition)
		}
		for _, id := range ids {
			a.partitions[topic][id] = &partition{marks: map[string]map[int32]kgo.EpochOffset{topic: {}}}
		}
	}
}

// add takes what was fetched from a partition.
func (a *assignment) add(topic string, id int32, fetched []*delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.partitions[topic][id]
	if p == nil {
		return
	}
	p.pending = append(p.pending, fetched...)
	for _, d := range fetched {
		d.partition = p
		p.next = d.record.Offset + 1
		a.queue(d)
	}
}

// take returns a message whose time has come, or else the next one that was fetched.
func (a *assignment) take(now time.Time) *delivery {
	a.mu.Lock()
	defer a.mu.Unlock()
	var d *delivery
	switch {
	case len(a.waiting) > 0 && !a.waiting[0].due.After(now):
		d = a.waiting[0]
		a.waiting = slices.Delete(a.waiting, 0, 1)
	case len(a.ready) > 0:
		d = a.ready[0]
		a.ready[0] = nil
		a.ready = a.ready[1:]
	default:
		return nil
	}
	d.partition.delivered++
	return d
}

// nextDue says when the first that waits becomes due.
func (a *assignment) nextDue() (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return time.Time{}, false
	}
	return a.waiting[0].due, true
}

func (a *assignment) waits() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting)
}

// putBack has a message that was taken delivered again.
func (a *assignment) putBack(d *delivery, due time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d.due = due
	d.partition.leave()
	a.queue(d)
}

// settle ends a message that was taken, and marks what can be committed thereby.
func (a *assignment) settle(d *delivery) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := d.partition
	p.leave()
	if p.gone {
		return errRevoked
	}
	d.settled = true
	topic, id := d.record.Topic, d.record.Partition
	d.record.Value, d.record.Headers = nil, nil // what is before it may take long
	settled := slices.IndexFunc(p.pending, func(d *delivery) bool { return !d.settled })
	if settled < 0 {
		settled = len(p.pending)
	}
	if settled > 0 {
		last := p.pending[settled-1].record
		clear(p.pending[:settled])
		p.pending = p.pending[settled:]
		p.marks[topic][id] = kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1}
		a.mark(p.marks)
	}
	return nil
}

// isGone says whether the partition of a message has gone to another worker.
func (a *assignment) isGone(d *delivery) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return d.partition.gone
}

// drain stops the delivery from partitions that are to go, and returns what is closed when their messages are settled.
func (a *assignment) drain(leaving map[string][]int32) []<-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	var busy []<-chan struct{}
	a.each(leaving, func(p *partition) {
		if p.idle == nil {
			p.idle = make(chan struct{})
			if p.delivered == 0 {
				close(p.idle)
			}
		}
		busy = append(busy, p.idle)
	})
	isLeaving := func(d *delivery) bool { return d.partition.idle != nil }
	a.ready = slices.DeleteFunc(a.ready, isLeaving)
	a.waiting = slices.DeleteFunc(a.waiting, isLeaving)
	return busy
}

// forget ends partitions: of what is settled later, nothing is committed.
func (a *assignment) forget(left map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.each(left, func(p *partition) { p.gone = true })
	isGone := func(d *delivery) bool { return d.partition.gone }
	a.ready = slices.DeleteFunc(a.ready, isGone)
	a.waiting = slices.DeleteFunc(a.waiting, isGone)
	for topic, ids := range left {
		for _, id := range ids {
			delete(a.partitions[topic], id)
		}
	}
}

// behind counts the messages of a partition that were not delivered, of which committed and end are offsets at the broker.
func (a *assignment) behind(topic string, id int32, committed, end int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.partitions[topic][id]
	if p == nil || p.next <= committed {
		return end - committed
	}
	fetched := 0
	for _, queue := range [][]*delivery{a.ready, a.waiting} {
		for _, d := range queue {
			if d.partition == p {
				fetched++
			}
		}
	}
	return max(end-p.next, 0) + int64(fetched)
}

// queue puts a message where take finds it.
func (a *assignment) queue(d *delivery) {
	switch {
	case d.partition.gone || d.partition.idle != nil:
	case d.due.IsZero():
		a.ready = append(a.ready, d)
	default:
		at, _ := slices.BinarySearchFunc(a.waiting, d, func(other, d *delivery) int { return other.due.Compare(d.due) })
		a.waiting = slices.Insert(a.waiting, at, d)
	}
}

func (a *assignment) each(which map[string][]int32, do func(*partition)) {
	for topic, ids := range which {
		for _, id := range ids {
			if p := a.partitions[topic][id]; p != nil {
				do(p)
			}
		}
	}
}

// leave counts a message that no worker has any more.
func (p *partition) leave() {
	p.delivered--
	if p.delivered == 0 && p.idle != nil {
		close(p.idle)
	}
}
