package made

import (
	"cmp"
	"slices"
)

// Precision is the mean precision of the order that scores give to rows, over
// several widths of tolerance around the events: rows near an event count as
// of it. It is 1 when all rows of events come first, and the share of event
// rows when the order is by chance.
func (s *Series) Precision(scores []float64) float64 {
	sum := 0.0
	widths := []int{0, 6, 12, 24}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	for _, w := range widths {
		sum += averagePrecision(order, s.labels(w))
	}
	return sum / float64(len(widths))
}

// labels marks the rows of events, widened by w on both sides.
func (s *Series) labels(w int) []bool {
	out := make([]bool, len(s.Values))
	for _, e := range s.Events {
		for i := max(0, e[0]-w); i <= min(len(out)-1, e[1]+w); i++ {
			out[i] = true
		}
	}
	return out
}

func averagePrecision(order []int, labels []bool) float64 {
	hits, sum := 0, 0.0
	for n, i := range order {
		if labels[i] {
			hits++
			sum += float64(hits) / float64(n+1)
		}
	}
	if hits == 0 {
		return 0
	}
	return sum / float64(hits)
}
