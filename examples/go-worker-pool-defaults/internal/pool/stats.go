package pool

// Stats are what a pool has done since its start, and its state now.
type Stats struct {
	// Accepted is the number of jobs taken. Each ends as one of Completed, Failed and Abandoned.
	Accepted, Completed, Failed, Abandoned uint64
	// Undelivered is the number of results on which OnResult panicked or called runtime.Goexit.
	Undelivered uint64
	// Queued is the number of jobs that wait, of at most Capacity.
	Queued, Capacity int
	// InFlight is the number of jobs being done.
	InFlight int
}

// Stats counts. The numbers are not of one instant, but none of the totals ever falls, and no job ends before it is accepted.
func (p *Pool[J, R]) Stats() Stats {
	s := Stats{Queued: len(p.queue), Capacity: cap(p.queue)}
	var begun uint64
	for _, w := range p.workers {
		s.Completed += w.completed.Load()
		s.Failed += w.failed.Load()
		s.Abandoned += w.abandoned.Load()
		s.Undelivered += w.undelivered.Load()
		begun += w.begun.Load() // last, so that it is not less than what has ended
	}
	s.InFlight = int(begun - s.Completed - s.Failed - s.Abandoned)
	s.Accepted = max(p.accepted.Load(), begun) // a worker may begin a job before Submit has counted it
	return s
}
