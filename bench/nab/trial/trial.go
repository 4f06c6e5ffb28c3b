// Package trial runs the detector over the benchmark.
package trial

import (
	"context"
	"math"
	"runtime"
	"sync"

	"github.com/autoecoops/autoecoops/bench/nab/score"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// Run gives every row of every series its probability. The detector sees one
// row after the other and nothing of the file: not its length, least or
// greatest value. Rows of which it can make no use score 0.
func Run(ctx context.Context, c *score.Corpus, set anomaly.Settings) ([][]float64, error) {
	d, err := anomaly.New(set)
	if err != nil {
		return nil, err
	}
	all := make([][]float64, len(c.Series))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				all[i] = series(d, c.Series[i])
			}
		})
	}
	for i := range c.Series {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return all, ctx.Err()
}

func series(d *anomaly.Detector, s *score.Series) []float64 {
	var state anomaly.Series
	out := make([]float64, len(s.Values))
	for i, v := range s.Values {
		p := float64(d.Observe(&state, anomaly.Sample{At: s.Times[i] * 1000, Value: v}).Score)
		// Eight digits: the result files hold no more.
		out[i] = math.Round(p*1e8) / 1e8
	}
	return out
}
