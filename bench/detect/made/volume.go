package made

import (
	"cmp"
	"math"
	"slices"
)

// Volume is the volume under the surface of precision and recall (VUS-PR) of
// the order that scores give to rows: labels are widened by buffers of 0 to
// buffer rows, in which they fade, and an event that no row finds costs recall.
func Volume(scores []float64, events [][2]int, buffer int) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	sum := 0.0
	const widths = 6
	for k := range widths {
		sum += surface(scores, order, events, buffer*k/(widths-1))
	}
	return sum / widths
}

// surface is one buffer's area.
func surface(scores []float64, order []int, events [][2]int, width int) float64 {
	n := len(scores)
	label := make([]float64, n)
	part := make([]int, n) // which event, from 1
	parts, end := 0, -1
	hard := 0.0
	for _, e := range events {
		from, to := max(0, e[0]-width/2), min(n-1, e[1]+width/2)
		if from > end {
			parts++
		}
		end = max(end, to)
		for i := from; i <= to; i++ {
			d := max(e[0]-i, i-e[1], 0)
			x := 1.0
			if d > 0 {
				x = math.Sqrt(1 - float64(d)/float64(width))
			}
			label[i] = max(label[i], x)
			part[i] = parts
		}
		hard += float64(e[1] - e[0] + 1)
	}
	soft := 0.0
	for _, x := range label {
		soft += x
	}
	positive := (hard + soft) / 2
	if positive == 0 {
		return 0
	}
	found := make([]bool, parts+1)
	hits, seen, area, before := 0.0, 0, 0.0, 0.0
	for k, i := range order {
		hits += label[i]
		if p := part[i]; p > 0 && !found[p] {
			found[p] = true
			seen++
		}
		if k+1 < n && scores[order[k+1]] == scores[i] {
			continue
		}
		recall := min(hits/positive, 1) * float64(seen) / float64(parts)
		area += (recall - before) * hits / float64(k+1)
		before = recall
	}
	return area
}
