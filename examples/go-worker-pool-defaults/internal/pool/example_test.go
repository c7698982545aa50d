package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"example.com/user-service/internal/pool"
)

// The results of a known number of jobs: submit from a goroutine, and read until the pool is shut down.
func ExamplePool_Results() {
	ctx := context.Background()
	double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
	p, err := pool.New(ctx, double, pool.Options[int, int]{Workers: 4, Queue: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for n := range 100 {
			if err := p.Submit(ctx, n); err != nil {
				fmt.Println(err)
			}
		}
		if err := p.Shutdown(ctx); err != nil {
			fmt.Println(err)
		}
	}()
	sum := 0
	for r := range p.Results() {
		sum += r.Value
	}
	fmt.Println(sum)
	// Output: 9900
}

// A service: jobs come until it is told to stop, and then have ten seconds.
func ExamplePool_Shutdown() {
	ctx := context.Background()
	p, err := pool.New(ctx, func(_ context.Context, text string) (int, error) { return strconv.Atoi(text) }, pool.Options[string, int]{
		Workers:    1,
		Queue:      8,
		JobTimeout: 5 * time.Second,
		OnResult: func(r pool.Result[string, int]) {
			switch {
			case errors.Is(r.Err, pool.ErrAbandoned):
				fmt.Println(r.Job, "is to be done again")
			case r.Err != nil:
				fmt.Println(r.Err)
			default:
				fmt.Println(r.Value)
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"1", "two", "3"} {
		if err := p.Submit(ctx, text); err != nil {
			fmt.Println(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", p.Stats())
	// Output:
	// 1
	// strconv.Atoi: parsing "two": invalid syntax
	// 3
	// {Accepted:3 Completed:2 Failed:1 Abandoned:0 Undelivered:0 Queued:0 Capacity:8 InFlight:0}
}

// Calls from many goroutines, of which no more than two are handled at the same time.
func ExamplePool_Do() {
	ctx := context.Background()
	p, err := pool.New(ctx, func(_ context.Context, a int) (int, error) { return 100 / a, nil }, pool.Options[int, int]{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Do(ctx, 5))
	fmt.Println(p.Do(ctx, 0))
	fmt.Println(p.Shutdown(ctx))
	fmt.Println(p.Do(ctx, 5))
	// Output:
	// 20 <nil>
	// 0 panic: runtime error: integer divide by zero
	// <nil>
	// 0 pool is shut down
}

// A handler that is called up to four times, unless the error is one that stays.
func ExampleRetry() {
	errBusy, errUnknown := errors.New("busy"), errors.New("unknown")
	attempts := 0
	handler := pool.Retry(func(_ context.Context, name string) (string, error) {
		attempts++
		switch {
		case name != "ada":
			return "", errUnknown
		case attempts < 3:
			return "", errBusy
		}
		return "Ada Lovelace", nil
	}, pool.RetryPolicy{
		Attempts:  4,
		Backoff:   pool.Backoff{First: time.Millisecond, Max: time.Second},
		Permanent: func(err error) bool { return errors.Is(err, errUnknown) },
	})
	fmt.Println(handler(context.Background(), "ada"))
	fmt.Println(attempts)
	fmt.Println(handler(context.Background(), "bob"))
	fmt.Println(attempts)
	// Output:
	// Ada Lovelace <nil>
	// 3
	//  unknown
	// 4
}
