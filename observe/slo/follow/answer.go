package follow

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// Point is the value of a series at a moment, in milliseconds since 1970. It may
// be NaN or infinite.
type Point struct {
	At    int64
	Value float64
}

// Selector picks the series that have a role.
type Selector struct {
	Text string
	Role slo.Role
}

// Selectors are those of an indicator that can be followed.
func Selectors(i slo.Indicator) []Selector {
	var out []Selector
	for _, s := range []Selector{{i.Total.Selector, slo.Total}, {i.Good.Selector, slo.Good}, {i.Bad.Selector, slo.Bad}, {i.Gauge.Selector, slo.Gauge}} {
		if s.Text != "" {
			out = append(out, s)
		}
	}
	return out
}

// MaxPoints bounds what an Answer holds: less is to be asked for at once.
const MaxPoints = 4_000_000

// Answer gathers what the selectors of an indicator gave for the same time.
type Answer struct {
	series map[string]*found
	points int
}

type found struct {
	role   slo.Role
	points []Point
}

// Add adds points of a series, in the order of time. The same points of another
// selector give the series one more role.
func (a *Answer) Add(role slo.Role, labels map[string]string, points []Point) error {
	if a.points += len(points); a.points > MaxPoints {
		return fault.New(fault.Invalid, "read the samples of", "an objective", fmt.Sprintf("there are more than %d", MaxPoints), "select fewer series")
	}
	if a.series == nil {
		a.series = map[string]*found{}
	}
	key := Key(labels)
	f := a.series[key]
	if f == nil {
		f = &found{}
		a.series[key] = f
	}
	f.role |= role
	f.points = append(f.points, points...)
	return nil
}

// Series is how many series there are.
func (a *Answer) Series() int { return len(a.series) }

// First is the time of the oldest point; false if there is none.
func (a *Answer) First() (first time.Time, ok bool) {
	least := int64(math.MaxInt64)
	for _, f := range a.series {
		for _, p := range f.points {
			least = min(least, p.At)
		}
	}
	return time.UnixMilli(least).UTC(), least < math.MaxInt64
}

// Samples are what is newer than what a Monitor knows, in the order of time.
func (a *Answer) Samples(m *slo.Monitor) []slo.Sample {
	var out []slo.Sample
	for _, key := range slices.Sorted(maps.Keys(a.series)) {
		f, known := a.series[key], m.Newest(key)
		slices.SortStableFunc(f.points, func(x, y Point) int { return cmp.Compare(x.At, y.At) })
		for _, p := range f.points {
			if p.At > known {
				out = append(out, slo.Sample{Series: key, Role: f.role, At: p.At, Value: p.Value})
				known = p.At
			}
		}
	}
	slices.SortStableFunc(out, func(x, y slo.Sample) int { return cmp.Compare(x.At, y.At) })
	return out
}

// Key writes labels so that equal ones, and only those, give the same text.
func Key(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name + "=" + strconv.Quote(labels[name]) + ",")
	}
	return b.String()
}

// Replay feeds a Monitor with the past from a moment on, step by step, as if it
// had been followed all the time. A step without samples is one that nobody
// can tell about: the source itself may have been away.
func Replay(m *slo.Monitor, a *Answer, from, to time.Time, step time.Duration) (last slo.Status) {
	samples := a.Samples(m)
	// What was answered for is counted, also of series that are not known any more.
	n, _ := slices.BinarySearchFunc(samples, m.Answered().UnixMilli()+1, func(s slo.Sample, t int64) int { return cmp.Compare(s.At, t) })
	samples = samples[n:]
	for at := from.Add(step); !at.After(to); at = at.Add(step) {
		if at.Before(m.Answered()) {
			continue
		}
		n, _ := slices.BinarySearchFunc(samples, at.UnixMilli()+1, func(s slo.Sample, t int64) int { return cmp.Compare(s.At, t) })
		m.Observe(slo.Batch{At: at, Lost: n == 0, Samples: samples[:n]})
		samples = samples[n:]
		last = m.Evaluate(at)
	}
	return last
}

// Rhythm is when and how an objective is asked about.
type Rhythm struct {
	// Every is the time between two questions, Interval what its Monitor takes
	// for the usual time between two samples.
	Every, Interval time.Duration
}

// NewRhythm returns the rhythm of an objective whose series are sampled at an
// interval: ten questions in the shortest window that decides, but not more than
// there are samples, and at least one a minute.
func NewRhythm(o *slo.Objective, scrape time.Duration) Rhythm {
	every := max(scrape, time.Minute)
	for _, t := range o.Alerting.Tiers {
		every = min(every, t.Short/10)
	}
	if o.Budgeting == slo.TimeSlices {
		every = min(every, o.Slice.Width)
	}
	every = max(every, min(scrape, time.Minute)/2, time.Second)
	return Rhythm{Every: every, Interval: max(every, scrape)}
}

// Phase spreads the first questions about many objectives over the time between
// two: it is the same for the same identity.
func (r Rhythm) Phase(identity string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(identity)) // never fails, says its documentation
	// What differs at its end only has to differ at the front of the sum too.
	x := h.Sum32()
	x = (x ^ x>>15) * 0x2c1b3c6d
	x = (x ^ x>>12) * 0x297a2d39
	x ^= x >> 15
	return time.Duration(float64(r.Every) * float64(x) / (1 << 32))
}

// Window is how far back a question has to reach that follows one of a moment:
// twice what two samples are apart, so that what came late is seen too.
func (r Rhythm) Window(last, now time.Time) time.Duration {
	return (max(now.Sub(last), 0) + 2*r.Interval).Truncate(time.Second) + time.Second
}

// Missed tells whether so much was missed since the last answer that it has to
// be asked for as a range.
func (r Rhythm) Missed(last, now time.Time) bool { return now.Sub(last) > 4*r.Interval }

// Steps are how many steps of the past are asked for at once if each has as many
// series.
//
// They are no more than a Prometheus answers to one question.
func Steps(series int) int { return min(max(MaxPoints/8/max(series, 1), 10), 10_000) }

// Due tells whether something that is done at an interval, at another phase for
// each identity, is to be done at a moment when it was done last at another.
func Due(identity string, every time.Duration, last, now time.Time) bool {
	phase := Rhythm{Every: every}.Phase(identity)
	return !last.Add(phase).Truncate(every).Equal(now.Add(phase).Truncate(every))
}

// Whole is how many whole steps there are between two moments.
func Whole(from, to time.Time, step time.Duration) int { return int(max(0, to.Sub(from)/step)) }
