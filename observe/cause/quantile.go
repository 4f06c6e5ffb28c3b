package cause

import "github.com/autoecoops/autoecoops/observe/quickselect"

// quartiles returns the quartiles of values and reorders them. There must be one
// at least.
func quartiles(v []float64) (low, middle, high float64) {
	n := len(v)
	m := n / 2
	middle = quickselect.Kth(v, m)
	low, high = quickselect.Kth(v[:m+1], n/4), middle
	if h := n * 3 / 4; h > m {
		high = quickselect.Kth(v[m:], h-m)
	}
	if n%2 == 0 && m > 0 {
		middle = (middle + maxOf(v[:m])) / 2
	}
	return low, middle, high
}

func maxOf(v []float64) float64 {
	m := v[0]
	for _, x := range v[1:] {
		m = max(m, x)
	}
	return m
}
