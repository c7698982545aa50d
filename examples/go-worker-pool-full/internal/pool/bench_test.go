package pool_test

import (
	"sync"
	"testing"
	"time"

	"example.com/user-service/internal/pool"
)

// BenchmarkSubmit compares what jobs that do nothing cost by the ways to have them done, beside a channel between goroutines.
func BenchmarkSubmit(b *testing.B) {
	onResult := func(pool.Result[int, int]) {}
	tests := map[string]pool.Options[int, int]{
		"OnResult":   {Workers: 8, Queue: 1024, OnResult: onResult},
		"Results":    {Workers: 8, Queue: 1024},
		"JobTimeout": {Workers: 8, Queue: 1024, OnResult: onResult, JobTimeout: time.Minute},
	}
	for name, opts := range tests {
		b.Run(name, func(b *testing.B) {
			p := benchmarked(b, opts)
			go func() {
				for range p.Results() {
				}
			}()
			b.ReportAllocs()
			for b.Loop() {
				_ = p.Submit(b.Context(), 2)
			}
		})
	}
	b.Run("channel", func(b *testing.B) {
		jobs := make(chan int, 1024)
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				for job := range jobs {
					_, _ = half(b.Context(), job)
				}
			})
		}
		b.ReportAllocs()
		for b.Loop() {
			jobs <- 2
		}
		close(jobs)
		workers.Wait()
	})
}

func BenchmarkSubmitParallel(b *testing.B) {
	p := benchmarked(b, pool.Options[int, int]{Workers: 8, Queue: 1024, OnResult: func(pool.Result[int, int]) {}})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = p.Submit(b.Context(), 2)
		}
	})
}

func BenchmarkDo(b *testing.B) {
	p := benchmarked(b, pool.Options[int, int]{Workers: 8})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Do(b.Context(), 2)
	}
}

// benchmarked makes a pool that is shut down after the benchmark.
func benchmarked(b *testing.B, opts pool.Options[int, int]) *pool.Pool[int, int] {
	b.Helper()
	p, err := pool.New(b.Context(), half, opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Shutdown(b.Context()) })
	return p
}
