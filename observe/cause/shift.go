package cause

import (
	"math"
	"slices"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// The measures of a series. They are in usual deviations of its own past unless
// said otherwise.
const (
	leastBefore = 8   // samples that make a past
	leastAfter  = 2   // samples that make a deviation
	enough      = 100 // samples that tell the scale of a series
	clip        = 8   // what a single sample counts at most
	calm        = 5   // below it no sum of samples is out of the ordinary; two at 3.7 are above
	least       = 1.5 // a deviation that may become one when its begin is found
	beyond      = 2   // a sample that belongs to the deviation
	toDeviation = 1.349
	// relative is the share of a value below which a difference is none, when a
	// deviation of three is the least that counts.
	relative = 0.1 / 3
	// constant is the most that a deviation of a series counts that never moved:
	// nothing is known of how it moves.
	constant = 10
	// nearer is how many times the quartiles of a part may be nearer than those of all.
	nearer = 8
	// lateSteps is how many steps after the moment of notice a series may begin:
	// rates look back.
	lateSteps = 2
)

// shift is how a series differs from its own past.
type shift struct {
	onset         int64 // the first sample that differs, in milliseconds
	before, after float64
	// deviation is the distance of the medians in usual deviations, negative
	// for a fall; 0 for a series that did not move.
	deviation float64
	// flat means that the past was constant, creeps that it is still going away
	// from it.
	flat, creeps bool
	// over means that it went back again.
	over bool
	// spread is the usual deviation of the past by its quartiles.
	spread float64
}

// state is what can be said of a series at all.
type state uint8

const (
	judged state = iota
	short        // too few samples
	silent       // it was measured, and is not any more
)

// scratch is memory that is used for one series after another.
type scratch struct {
	at     []int64
	v      []float64 // the samples that are numbers
	z, buf []float64
}

// find looks for the shift of a series up to a moment of notice, and a silence
// that began before it: then onset is the last sample.
func (w *scratch) find(s *Series, notice int64) (shift, state) {
	w.take(s)
	n := len(w.v)
	if n == 0 {
		return shift{}, short
	}
	step := (w.at[n-1] - w.at[0]) / int64(max(1, n-1))
	last := w.at[n-1]
	if n < leastBefore+leastAfter {
		return shift{}, short
	}
	if notice-last > max(5*step, 60_000) {
		return shift{onset: last, before: w.v[n-1]}, silent
	}
	w.normalise(floorOf(s))
	begin, end, ok := w.split()
	if !ok {
		return shift{before: w.v[n-1], after: w.v[n-1]}, judged
	}
	d := w.measure(begin, end, floorOf(s))
	if math.Abs(d.deviation) < least {
		return d, judged
	}
	if moved := w.refine(begin, end, d, floorOf(s)); moved != begin {
		begin = moved
		d = w.measure(begin, end, floorOf(s))
	}
	d.onset, d.over = w.at[begin], end < n
	if dated := s.Since; dated >= w.at[0] && dated <= last {
		d.onset = dated // it knows the habits of the series
	}
	if d.onset > notice+lateSteps*step {
		d.deviation = 0
	}
	return d, judged
}

// take copies what is a number, in the order of time.
func (w *scratch) take(s *Series) {
	n := min(len(s.At), len(s.Values))
	from := max(0, n-MaxPoints)
	w.at, w.v = slices.Grow(w.at[:0], n-from)[:n-from], slices.Grow(w.v[:0], n-from)[:n-from]
	times, values := s.At[from:n], s.Values[from:n]
	last, k := int64(math.MinInt64), 0
	for i, v := range values {
		// Beyond it, sums and differences may not be numbers; nor is what is not
		// within either.
		if at := times[i]; v >= -1e150 && v <= 1e150 && at > last {
			w.at[k], w.v[k] = at, v
			last = at
			k++
		}
	}
	w.at, w.v = w.at[:k], w.v[:k]
}

// normalise makes z of v: the distance from the median in usual deviations,
// clipped so that no single sample decides. What lasts for more than a quarter of the
// time widens the quartiles: those of the first half, or of the first third, count if
// they are nearer, since what the trouble is lies behind.
func (w *scratch) normalise(floor float64) {
	low, middle, high := w.quartiles(w.v)
	all := high - low
	third := len(w.v) / 3
	for _, first := range [...]int{len(w.v) / 2, third} {
		// Where it ends as it began nothing widens them.
		if first >= leastBefore && math.Abs(sum(w.v[:third])-sum(w.v[len(w.v)-third:])) > all/2*float64(third) {
			if l, _, h := w.quartiles(w.v[:first]); h-l < high-low {
				low, high = 0, max(h-l, all/nearer)
			}
		}
	}
	// Of a constant series any other value is a clipped one.
	scale := max((high-low)/toDeviation, floor/3, relative*math.Abs(middle), 1e-300)
	w.z = slices.Grow(w.z[:0], len(w.v))[:len(w.v)]
	per := 1 / scale
	for i, v := range w.v {
		z := (v - middle) * per
		if z > clip {
			z = clip
		} else if z < -clip {
			z = -clip
		}
		w.z[i] = z
	}
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

// quartiles are those of some samples, as many as are enough, spread over all.
func (w *scratch) quartiles(v []float64) (low, middle, high float64) {
	w.buf = w.buf[:0]
	for i := 0; i < len(v); i += 1 + len(v)/enough {
		w.buf = append(w.buf, v[i])
	}
	return quartiles(w.buf)
}

// split finds the stretch of samples that differs most from the rest: one that
// goes on until the end, or one that is over. What is in the last third comes
// first: older moves are part of the past of what began since. ok is false if no
// stretch differs.
func (w *scratch) split() (begin, end int, ok bool) {
	n := len(w.z)
	total := 0.0
	for _, z := range w.z {
		total += z
	}
	mean := total / float64(n)
	late := max(leastBefore, n*2/3)
	sum, newest, newestAt, oldest, oldestAt := 0.0, 0.0, 0, 0.0, 0
	low, high, lowAt, highAt := 0.0, 0.0, 0, 0
	for i, z := range w.z {
		// sum is of the samples before i. Its square against what is usual is
		// compared, which needs no root.
		switch {
		case i < leastBefore || n-i < leastAfter:
		case i >= late:
			if x := sum * sum / float64(i*(n-i)); x > newest {
				newest, newestAt = x, i
			}
		default:
			if x := sum * sum / float64(i*(n-i)); x > oldest {
				oldest, oldestAt = x, i
			}
		}
		sum += z - mean
		if i+1 == n {
			sum = 0 // but for rounding
		}
		if sum < low {
			low, lowAt = sum, i+1
		}
		if sum > high {
			high, highAt = sum, i+1
		}
	}
	const differs = calm * calm
	newest, oldest = newest*float64(n), oldest*float64(n)
	from, to := min(lowAt, highAt), max(lowAt, highAt)
	if m := to - from; from >= leastBefore && m >= leastAfter && m < n/2 && to < n {
		x := (high - low) * (high - low) * float64(n) / float64(m*(n-m))
		if x >= differs && (from >= late && x > newest || newest < differs && x > oldest) {
			return from, to, true
		}
	}
	if newest >= differs && (oldest <= newest || w.apart(oldestAt, newestAt) >= differs) {
		return newestAt, n, true
	}
	return oldestAt, n, oldest >= differs
}

// apart is how far the samples from one place to another are from those behind, as split
// compares them: little if what began at the first just goes on.
func (w *scratch) apart(from, to int) float64 {
	before, after := float64(to-from), float64(len(w.z)-to)
	d := sum(w.z[from:to])/before - sum(w.z[to:])/after
	return d * d * before * after / (before + after)
}

// measure compares the samples from begin to end with those before.
func (w *scratch) measure(begin, end int, floor float64) shift {
	low, before, high := w.quartiles(w.v[:begin])
	from := begin
	if end-begin >= 4 {
		from = (begin + end) / 2 // what it came to, if it came slowly
	}
	w.buf = append(w.buf[:0], w.v[from:end]...)
	_, after, _ := quartiles(w.buf)
	d := shift{before: before, after: after, flat: high == low, spread: (high - low) / toDeviation}
	scale := max(d.spread, floor/3, relative*math.Abs(before))
	if d.flat {
		scale = max(scale, math.Abs(after-before)/constant)
	}
	scale = max(scale, w.wander(begin, before)/3)
	if scale > 0 {
		d.deviation = (after - before) / scale
	}
	if from > begin+1 {
		w.buf = append(w.buf[:0], w.v[begin:(begin+from)/2+1]...)
		_, first, _ := quartiles(w.buf)
		d.creeps = math.Abs(after-before) > 2*math.Abs(first-before) && end-begin >= 12
	}
	return d
}

// wander is how far the past went from its own middle for a while: what it did
// before is nothing new. Samples that follow each other are alike, which the
// quartiles don't tell. The furthest of all stretches is left out: one trouble of
// the past is no habit.
func (w *scratch) wander(end int, middle float64) float64 {
	const stretch = 8
	most, second := 0.0, 0.0
	for i := 0; i+stretch <= end; i += stretch {
		sum := 0.0
		for _, v := range w.v[i : i+stretch] {
			sum += v
		}
		d := math.Abs(sum/stretch - middle)
		if d > most {
			most, second = d, most
		} else if d > second {
			second = d
		}
	}
	return second
}

// refine moves the begin of a deviation to where the samples leave their past:
// the best split of a slow rise lies in its middle.
func (w *scratch) refine(begin, end int, d shift, floor float64) int {
	middle := d.before
	scale := max(d.spread, floor/3, relative*math.Abs(middle))
	side := math.Copysign(1, d.deviation)
	out := func(i int) bool { return side*(w.v[i]-middle) > beyond*scale }
	for begin > leastBefore && out(begin-1) {
		begin--
	}
	for end-begin > leastAfter && !out(begin) {
		begin++
	}
	return begin
}

// floorOf is the least deviation that matters of a series: what its watch says,
// or what nobody would care about.
func floorOf(s *Series) float64 {
	switch {
	case s.Floor > 0 && !math.IsInf(s.Floor, 0):
		return s.Floor
	case s.Unit == "s" || s.Unit == "share":
		return 0.005
	case s.Unit == "cores":
		return 0.05
	case s.Unit == "bytes":
		return 8 << 20
	}
	return 0
}

// strength is how much a shift counts, in [0, 1), beyond the deviation that the
// largest of so many harmless series has.
func (d shift) strength(s *Series, threshold float64) float64 {
	x := math.Abs(d.deviation) - threshold
	if x <= 0 {
		return 0
	}
	weight := 1 - math.Exp(-x/4)
	rises := d.deviation > 0
	switch {
	case s.Golden == watch.Rate:
	case s.Direction == anomaly.Above && !rises || s.Direction == anomaly.Below && rises:
		weight *= 0.1
	case !rises && (s.Golden == watch.Errors || s.Golden == watch.Duration):
		weight *= 0.1 // what fails at once is fast
	case !rises && s.Golden == watch.Saturation && s.Direction == anomaly.Either:
		weight *= 0.4 // who gets less work needs less
	}
	switch {
	case !s.Usual:
	case d.flat && d.before == 0:
		weight *= 0.8 // it never happened in all that time
	default:
		weight *= 0.3
	}
	return weight
}

// thresholdOf is the deviation that the largest of n harmless series may have.
func thresholdOf(n int) float64 {
	return max(3, math.Sqrt(2*math.Log(10*float64(max(1, n)))))
}
