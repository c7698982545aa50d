package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	conc "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"example.com/pool-benchmark/internal/pool"
)

// way is how jobs are done: submit waits while there is no room, finish until all are done.
type way struct {
	submit func(job int)
	finish func() error
}

// ways returns, by name, what starts each way.
func ways() map[string]func(do func(job int)) (way, error) {
	return map[string]func(do func(int)) (way, error){
		"channel":          channel,
		"pool":             func(do func(int)) (way, error) { return ours(do, 0) },
		"pool, JobTimeout": func(do func(int)) (way, error) { return ours(do, time.Minute) },
		"pond":             pondPool,
		"conc":             concPool,
		"errgroup":         group,
		"ants":             antsPool,
		"ants, function":   antsFunction,
	}
}

// channel is what one writes by hand: no context, no errors, and a panic ends the program.
func channel(do func(int)) (way, error) {
	jobs := make(chan int, queue)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for job := range jobs {
				do(job)
			}
		})
	}
	return way{func(job int) { jobs <- job }, func() error {
		close(jobs)
		wait.Wait()
		return nil
	}}, nil
}

func ours(do func(int), timeout time.Duration) (way, error) {
	ctx := context.Background()
	p, err := pool.New(ctx, func(_ context.Context, job int) (struct{}, error) {
		do(job)
		return struct{}{}, nil
	}, pool.Options[int, struct{}]{
		Workers: workers, Queue: queue, JobTimeout: timeout, OnResult: func(pool.Result[int, struct{}]) {},
	})
	if err != nil {
		return way{}, fmt.Errorf("start: %w", err)
	}
	return way{func(job int) { must(p.Submit(ctx, job)) }, func() error { return p.Shutdown(ctx) }}, nil
}

func group(do func(int)) (way, error) {
	var g errgroup.Group
	g.SetLimit(workers)
	return way{func(job int) {
		g.Go(func() error {
			do(job)
			return nil
		})
	}, g.Wait}, nil
}

func concPool(do func(int)) (way, error) {
	p := conc.New().WithMaxGoroutines(workers)
	return way{func(job int) { p.Go(func() { do(job) }) }, func() error {
		p.Wait()
		return nil
	}}, nil
}

func antsPool(do func(int)) (way, error) {
	p, err := ants.NewPool(workers)
	if err != nil {
		return way{}, fmt.Errorf("start: %w", err)
	}
	var wait sync.WaitGroup
	return way{func(job int) {
		wait.Add(1)
		must(p.Submit(func() {
			do(job)
			wait.Done()
		}))
	}, func() error {
		wait.Wait()
		p.Release()
		return nil
	}}, nil
}

// antsFunction is the pool of ants for one function, which needs no closure for a job.
func antsFunction(do func(int)) (way, error) {
	var wait sync.WaitGroup
	p, err := ants.NewPoolWithFuncGeneric(workers, func(job int) {
		do(job)
		wait.Done()
	})
	if err != nil {
		return way{}, fmt.Errorf("start: %w", err)
	}
	return way{func(job int) {
		wait.Add(1)
		must(p.Invoke(job))
	}, func() error {
		wait.Wait()
		p.Release()
		return nil
	}}, nil
}

func pondPool(do func(int)) (way, error) {
	p := pond.NewPool(workers, pond.WithQueueSize(queue))
	return way{func(job int) { must(p.Go(func() { do(job) })) }, func() error {
		p.StopAndWait()
		return nil
	}}, nil
}

// must ends the program if a job was refused.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // no figure is better than that of something else
	}
}
