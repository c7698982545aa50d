// Command pool has jobs done in one of several ways, and prints what one job cost.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	workers = 8
	queue   = 1024
)

// cost is of one job: the time on the clock and of the processors in nanoseconds, and allocations.
type cost struct {
	Wall        float64 `json:"wall"`
	Processor   float64 `json:"processor"`
	Allocations float64 `json:"allocations"`
}

func main() {
	way := flag.String("way", "", "how the jobs are done")
	jobs := flag.Int("jobs", 1_000_000, "number of jobs")
	submitters := flag.Int("submitters", 1, "number of goroutines that submit them")
	turns := flag.Int("turns", 0, "how long a job is")
	flag.Parse()
	measured, err := measure(*way, *jobs, *submitters, *turns)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(measured)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measure has some jobs done first, so that the goroutines are there when the clock starts.
func measure(name string, jobs, submitters, turns int) (cost, error) {
	start, ok := ways()[name]
	if !ok {
		return cost{}, fmt.Errorf("no way %q", name)
	}
	w, err := start(func(job int) { spin(turns + job) })
	if err != nil {
		return cost{}, err
	}
	submit(w.submit, jobs/10, submitters)
	before, err := now()
	if err != nil {
		return cost{}, err
	}
	submit(w.submit, jobs, submitters)
	if err := w.finish(); err != nil {
		return cost{}, err
	}
	after, err := now()
	if err != nil {
		return cost{}, err
	}
	each := float64(jobs)
	return cost{
		Wall:        float64(after.wall.Sub(before.wall)) / each,
		Processor:   float64(after.processor-before.processor) / each,
		Allocations: float64(after.allocations-before.allocations) / each,
	}, nil
}

func submit(one func(job int), jobs, submitters int) {
	var wait sync.WaitGroup
	for range submitters {
		wait.Go(func() {
			for range jobs / submitters {
				one(0)
			}
		})
	}
	wait.Wait()
}

// spin keeps a processor busy.
func spin(turns int) {
	x := turns
	for i := range turns {
		x = x*31 + i
	}
	runtime.KeepAlive(x)
}

type reading struct {
	wall        time.Time
	processor   time.Duration
	allocations uint64
}

func now() (reading, error) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return reading{}, fmt.Errorf("ask for the time of the processors: %w", err)
	}
	return reading{time.Now(), time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), memory.Mallocs}, nil
}
