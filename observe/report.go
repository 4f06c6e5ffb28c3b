package observe

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// Anomaly is a time in which a signal did what it never did before.
type Anomaly struct {
	Signal Signal
	// Since is when it began, Until when nothing new had been seen for long; zero
	// while it goes on.
	Since, Until time.Time
	// Probability that something out of the ordinary began, the highest so far.
	Probability float32
	Direction   anomaly.Direction
	// Value is the one furthest from what was expected, Low and High what was
	// expected when it began.
	Value, Low, High float64
	Explanation      anomaly.Explanation
}

// Open reports whether it goes on.
func (a Anomaly) Open() bool { return a.Until.IsZero() }

// State is what can be said of a signal.
type State uint8

// The states.
const (
	// Learning: there are too few samples to judge by, or none that is a number; At is
	// zero then.
	Learning State = iota
	Normal
	Abnormal
	// Silent: there were samples, and there are none any more.
	Silent
	// Unknown: the last sample cannot be right, as a share of 250 %.
	Unknown
)

// String names the state.
func (s State) String() string {
	return [...]string{"learning", "normal", "abnormal", "silent", "unknown"}[s]
}

// Standing is how a signal stands.
type Standing struct {
	Signal Signal
	State  State
	// At is when the last sample was taken, zero if there was none.
	At time.Time
	// Value is the last one, Low and High what was expected of it; NaN if
	// nothing was, or the sample cannot be right. Wrong is that sample then, NaN otherwise.
	Value, Low, High, Wrong float64
	// Surprise is how unusual the last sample is, in [0, 1).
	Surprise float32
	// Recurred is when there was last what would be an anomaly, did it not come at that
	// hour of other days; zero if there was none since Options.From.
	Recurred time.Time
	// Points are the samples since Options.From. They belong to the survey.
	Points []Point
	// Anomalies are those that were open since then, the oldest first.
	Anomalies []Anomaly
}

// Report is what a survey tells.
type Report struct {
	At time.Time
	// Signals are in the order of what is followed first.
	Signals []Standing
	// Left is how many signals were not followed for there were too many.
	Left int
}

// Over tells whether what was abnormal is so no more, and since when; false if nothing
// was, or something still is.
func (r *Report) Over() (since time.Time, over bool) {
	for i := range r.Signals {
		for _, a := range r.Signals[i].Anomalies {
			if a.Open() {
				return time.Time{}, false
			}
			if a.Until.After(since) {
				since = a.Until
			}
		}
	}
	return since, !since.IsZero()
}

// silence is after how many steps without a sample a signal is silent: what is
// scraped may miss twice, and rates reach back.
const silence = 5

// Report tells how every signal stands at a moment.
func (s *Survey) Report(now time.Time) Report {
	r := Report{At: now, Left: s.left, Signals: make([]Standing, 0, len(s.order))}
	for _, t := range s.order {
		x := Standing{Signal: t.signal, Value: nan, Low: nan, High: nan, Wrong: nan, Points: t.points}
		switch {
		case t.wrong != 0:
			x.At, x.Wrong = time.UnixMilli(t.lastAt), t.wrong
		case t.lastAt != 0:
			x.At, x.Low, x.High, x.Surprise = time.UnixMilli(t.lastAt), t.last.Low, t.last.High, t.last.Probability
			if n := len(t.points); n > 0 {
				x.Value = t.points[n-1].Value
			}
		}
		switch {
		case t.lastAt != 0 && now.Sub(x.At) > max(silence*s.options.Step, time.Minute):
			x.State = Silent
		case t.wrong != 0:
			x.State = Unknown
		case t.judged == 0:
			x.State = Learning
		case t.open:
			x.State = Abnormal
		default:
			x.State = Normal
		}
		if t.recurred != 0 && !time.UnixMilli(t.recurred).Before(s.options.From) {
			x.Recurred = time.UnixMilli(t.recurred)
		}
		for _, a := range t.found {
			if a.Open() || a.Until.After(s.options.From) {
				x.Anomalies = append(x.Anomalies, a)
			}
		}
		r.Signals = append(r.Signals, x)
	}
	return r
}

// Count is how many signals are in a state.
func (r Report) Count(s State) (n int) {
	for _, x := range r.Signals {
		if x.State == s {
			n++
		}
	}
	return n
}

// Numberless are the signals of which no sample was a number, ever: nothing is learned of
// them.
func (r Report) Numberless() (all []Signal) {
	for i := range r.Signals {
		if x := &r.Signals[i]; x.State == Learning && x.At.IsZero() {
			all = append(all, x.Signal)
		}
	}
	return all
}

// Wrong are the signals of which the last sample cannot be right.
func (r Report) Wrong() (all []Standing) {
	for i := range r.Signals {
		if r.Signals[i].State == Unknown {
			all = append(all, r.Signals[i])
		}
	}
	return all
}

// Recurring are the signals that did, since a moment, what comes at that hour of other days
// and is no anomaly for that.
func (r Report) Recurring(since time.Time) (all []Standing) {
	for i := range r.Signals {
		if at := r.Signals[i].Recurred; !at.IsZero() && !at.Before(since) {
			all = append(all, r.Signals[i])
		}
	}
	return all
}

// Anomalies are all of them: those that go on first, then the newest.
func (r Report) Anomalies() []Anomaly {
	var all []Anomaly
	for _, x := range r.Signals {
		all = append(all, x.Anomalies...)
	}
	slices.SortStableFunc(all, func(a, b Anomaly) int {
		if a.Open() != b.Open() {
			if a.Open() {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(b.Probability, a.Probability), cmp.Compare(a.Signal.ID(), b.Signal.ID()))
	})
	return all
}

// nan stands for what is not known.
var nan = math.NaN()
