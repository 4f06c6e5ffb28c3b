package logs

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Mark holds how many lines each template had at a moment.
type Mark struct {
	// At is the moment, in milliseconds since 1970.
	At     int64
	counts map[ID]uint64
}

// Mark notes how many lines each template has had so far.
func (m *Miner) Mark(at int64) Mark {
	k := Mark{at, make(map[ID]uint64, m.count)}
	for _, n := range m.nodes() {
		k.counts[n.id] += n.count
	}
	return k
}

// Shift is a template that is more frequent, or less, in one window of time
// than in the one before.
type Shift struct {
	Template Template `json:"template"`
	// Before and After are the numbers of lines in the windows, Expected is
	// what After would be at the rate of before.
	Before   uint64  `json:"before"`
	After    uint64  `json:"after"`
	Expected float64 `json:"expected"`
	// Score is the strength of the evidence that the rate changed, in usual
	// deviations: above 0 for more lines, below for fewer.
	Score float64 `json:"score"`
}

// Shifts compares the window between the marks a and b with the one from b to
// c and returns the templates whose rate changed with a score of least or more
// in either direction, the strongest first. Templates that became more general
// in between are followed; those that were forgotten are left out.
func (m *Miner) Shifts(a, b, c Mark, least float64) ([]Shift, error) {
	if a.At >= b.At || b.At >= c.At {
		return nil, fault.New(fault.Invalid, "compare frequencies of log templates", "", "the marks are not in the order of time", "give three marks, the oldest first")
	}
	first, middle, last := m.resolved(a), m.resolved(b), m.resolved(c)
	long := time.Duration(c.At-b.At) * time.Millisecond
	share := float64(long) / float64(time.Duration(b.At-a.At)*time.Millisecond)
	var all []Shift
	for id, n := range last {
		before, after := less(middle[id], first[id]), less(n, middle[id])
		t, ok := m.Template(id)
		if !ok {
			continue
		}
		s := Shift{Template: t, Before: before, After: after, Expected: float64(before) * share, Score: evidence(before, after, share)}
		if math.Abs(s.Score) >= least && s.Score != 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(x, y Shift) int {
		if d := math.Abs(y.Score) - math.Abs(x.Score); d != 0 {
			return int(math.Copysign(1, d))
		}
		return strings.Compare(x.Template.Text, y.Template.Text)
	})
	return all, nil
}

// resolved are the counts of a mark under the names of today.
func (m *Miner) resolved(k Mark) map[ID]uint64 {
	out := make(map[ID]uint64, len(k.counts))
	for id, n := range k.counts {
		out[m.Resolve(id)] += n
	}
	return out
}

func less(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// evidence is the signed root of the likelihood ratio of two rates against one
// rate for both windows, the second share times as long as the first.
func evidence(before, after uint64, share float64) float64 {
	x, y := float64(before), float64(after)
	if x+y == 0 {
		return 0
	}
	ex, ey := (x+y)/(1+share), (x+y)*share/(1+share)
	term := func(o, e float64) float64 {
		if o == 0 {
			return 0
		}
		return o * math.Log(o/e)
	}
	g := math.Sqrt(math.Max(0, 2*(term(x, ex)+term(y, ey))))
	if y < ey {
		return -g
	}
	return g
}
