// Package workers does many things at a time, for benchmarks.
package workers

import (
	"sync"
	"sync/atomic"
)

// Each calls f with 0 to n-1, from so many goroutines, and returns the first error.
// After one nothing more is begun.
func Each(n, workers int, f func(int) error) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed atomic.Bool
	var once sync.Once
	var first error
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && !failed.Load(); i = next.Add(1) - 1 {
				if err := f(int(i)); err != nil {
					once.Do(func() { first = err })
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return first
}
