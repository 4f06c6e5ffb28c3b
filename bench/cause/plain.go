package main

import (
	"cmp"
	"math"
	"slices"

	"github.com/autoecoops/autoecoops/observe/cause"
)

// largest is the simplest ranking there is, to compare with: by the largest
// deviation of the last minute from the mean of all before, in standard
// deviations.
func largest(c cause.Case) []cause.Component {
	top := map[cause.Component]float64{}
	for _, s := range c.Series {
		split := c.At.UnixMilli() - 60_000
		var n, sum, squares, m, after float64
		for i, v := range s.Values {
			if s.At[i] < split {
				n, sum, squares = n+1, sum+v, squares+v*v
			} else {
				m, after = m+1, after+v
			}
		}
		if n == 0 || m == 0 {
			continue
		}
		mean := sum / n
		deviation := math.Sqrt(max(0, squares/n-mean*mean)) + 1e-9
		top[s.Of] = max(top[s.Of], math.Abs(after/m-mean)/deviation)
	}
	var all []cause.Component
	for p := range top {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b cause.Component) int {
		return cmp.Or(cmp.Compare(top[b], top[a]), cmp.Compare(a.Key.Service, b.Key.Service))
	})
	return all
}
