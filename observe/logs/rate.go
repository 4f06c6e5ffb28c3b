package logs

import (
	"math"
	"time"
)

// rate follows how many lines a template has in a bucket of time, against its
// own past. Counts are kept as square roots: their chance variation is then the
// same at every height, about a half. Its size does not depend on its age.
type rate struct {
	bucket int64  // the number of the bucket that is being filled
	now    uint32 // lines in it
	age    uint32 // buckets that were closed
	// level is the usual root of a count and spread its usual distance from
	// that. What is far off is learned slowly, so that an outage does not become
	// the norm before it is noticed.
	level, spread float32
	// peak is the highest root of late outside surges, burst that of all.
	peak, burst float32
	// habit counts the surges of late: what surges often does so by habit.
	habit float32
	// since is when the surge began that goes on, in ms, and quiet the number of
	// buckets without one since; lines are those of the surge.
	since int64
	quiet uint8
	lines uint64
}

const (
	learnRate  = 0.04   // of level and spread
	farRoots   = 1.0    // how much of a distance is learned at most, in roots
	peakKeep   = 0.9995 // of peaks a bucket: half is gone after 1,386
	fewBuckets = 10     // with fewer there is no past to compare with
	calmAfter  = 5      // buckets without a surge end it
)

// add counts a line. One that is later than the bucket before is of the past: what comes
// of an old log at once is no surge of now.
func (r *rate) add(at int64, bucket time.Duration, s *Surge) {
	n := floorDiv(at, bucket.Milliseconds())
	switch {
	case !r.begun():
		r.bucket = n
	case n > r.bucket:
		r.advance(n)
	case n < r.bucket-maxBack:
		// The clock went back for long: go on from there.
		r.close()
		r.bucket = n
	case n < r.bucket-1:
		return
	}
	if r.now < math.MaxUint32 {
		r.now++
	}
	if r.since != 0 {
		r.lines++
	} else if r.now >= uint32(s.Floor) && r.age >= fewBuckets && r.surges(s) {
		r.since, r.quiet, r.lines = r.bucket*bucket.Milliseconds(), 0, uint64(r.now)
		r.habit++
	}
}

// begun tells whether a line was counted.
func (r *rate) begun() bool { return r.now > 0 || r.age > 0 }

// maxBack is how many buckets late a line may be without it being the clock.
const maxBack = 60

// advance closes buckets up to bucket n.
func (r *rate) advance(n int64) {
	gap := n - r.bucket
	r.close()
	// The buckets between had no line. After many, the rest is as nothing.
	for i := int64(1); i < gap && i < 200; i++ {
		r.close()
	}
	if gap > 200 {
		rest := float64(gap - 200)
		keep := float32(math.Pow(peakKeep, rest))
		r.peak, r.burst, r.habit = r.peak*keep, r.burst*keep, r.habit*keep
		r.age = uint32(min(math.MaxUint32, int64(r.age)+gap-200))
	}
	r.bucket = n
}

// close learns the bucket that ends.
func (r *rate) close() {
	y := float32(math.Sqrt(float64(r.now)))
	r.burst, r.habit = max(y, r.burst*peakKeep), r.habit*peakKeep
	if r.since == 0 {
		r.peak = max(y, r.peak*peakKeep)
	}
	d := y - r.level
	step := max(-farRoots, min(farRoots, d))
	rate := float32(learnRate)
	if r.age < 25 {
		// The first buckets count alike.
		rate, step = 1/float32(r.age+1), d
	}
	r.spread += rate * (min(abs(d), r.spread*3+farRoots) - r.spread)
	r.level += rate * step
	if r.since != 0 {
		if abs(d) <= 3*max(r.spread, halfRoot) || d < 0 {
			r.quiet++
		} else {
			r.quiet = 0
		}
		if r.quiet >= calmAfter {
			r.since, r.lines = 0, 0
		}
	}
	r.now = 0
	if r.age < math.MaxUint32 {
		r.age++
	}
}

// halfRoot is the deviation that chance alone gives to the root of a count.
const halfRoot = 0.5

// surges tells whether the bucket that is being filled has far more lines than
// its past lets expect.
func (r *rate) surges(s *Surge) bool {
	y := float32(math.Sqrt(float64(r.now)))
	top := r.peak
	if r.habit >= 3 {
		top = r.burst
	}
	return float64(r.now) >= s.Ratio*float64(r.level*r.level) && r.score() >= s.Score && y > 1.25*top
}

// score is how many usual deviations the bucket is above the usual.
func (r *rate) score() float64 {
	y := math.Sqrt(float64(r.now))
	return (y - float64(r.level)) / math.Max(1.25*float64(r.spread), halfRoot)
}

// merge takes the past of another template in.
func (r *rate) merge(o *rate) {
	if !o.begun() {
		return
	}
	if o.bucket > r.bucket || !r.begun() {
		if r.begun() {
			r.advance(o.bucket)
		} else {
			r.bucket = o.bucket
		}
	} else if o.bucket < r.bucket {
		past := *o
		past.advance(r.bucket)
		o = &past
	}
	root := func(a, b float32) float32 { return float32(math.Sqrt(float64(a*a + b*b))) }
	r.now += o.now
	r.age = max(r.age, o.age)
	r.level, r.spread = root(r.level, o.level), root(r.spread, o.spread)
	r.peak, r.burst, r.habit = root(r.peak, o.peak), root(r.burst, o.burst), max(r.habit, o.habit)
	if r.since == 0 || o.since != 0 && o.since < r.since {
		r.since, r.quiet = o.since, o.quiet
	}
	r.lines += o.lines
}

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
