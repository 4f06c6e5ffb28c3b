package main

import (
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/bench/cause/recorded"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// between is after how long without a fault it is another recording, of other shops.
const between = 30 * time.Minute

// attention is what the shipped detector makes of the signals of all shops, one fault
// after the other, as in an aeod that goes on. What was recorded does not hold the time
// from which a signal was abnormal, and of each fault minutes only: the detector sees the
// minutes of all faults of a shop, with what is between them left out.
type attention struct {
	signals map[signalOf]*attended
	last    time.Time // when the last fault was injected
}

type signalOf struct {
	of cause.Component
	id string
}

// attended is a signal with what is known of it.
type attended struct {
	detector *anomaly.Detector
	series   anomaly.Series
	last     int64
	// since is when the last incident began, 0 if there was none.
	since int64
}

// onset has the detector see the samples of a case, and returns from when on the first
// incident that it opens after the fault was injected lasts.
func (a *attention) onset(c cause.Case, injected time.Time) (since time.Time, err error) {
	told := int64(0)
	for i := range c.Series {
		s := &c.Series[i]
		x := a.signals[signalOf{s.Of, s.ID}]
		if x == nil {
			x = &attended{}
			if x.detector, err = anomaly.New(watch.Watch{Direction: s.Direction, MinEffect: s.Floor}.Settings()); err != nil {
				return since, err
			}
			a.signals[signalOf{s.Of, s.ID}] = x
		}
		for k, at := range s.At {
			if at <= x.last {
				continue // the case before has it, too
			}
			x.last = at
			v := x.detector.Observe(&x.series, anomaly.Sample{At: at, Value: s.Values[k]})
			if v.Onset {
				x.since = v.Since
			}
			if v.Onset && at >= injected.UnixMilli() && (told == 0 || at < told) {
				told, since = at, time.UnixMilli(v.Since).In(c.At.Location())
			}
		}
	}
	return since, nil
}

// dated is a case of which the series that the detector found abnormal since the fault are
// dated by it.
func (a *attention) dated(c cause.Case, injected time.Time) cause.Case {
	c.Series = slices.Clone(c.Series)
	for i := range c.Series {
		s := &c.Series[i]
		if x := a.signals[signalOf{s.Of, s.ID}]; x != nil && x.since >= injected.Add(-time.Minute).UnixMilli() {
			s.Since = x.since
		}
	}
	return c
}

// begin forgets what was learned if a fault is of another recording than the last.
func (a *attention) begin(x recorded.Label) {
	if d := x.Injected.Sub(a.last); a.signals == nil || d > between || d < -between {
		a.signals = map[signalOf]*attended{}
	}
	a.last = x.Injected
}

// noticing scores causes where a detector noticed something.
type noticing struct {
	attention
	// onset is judged from the onset that the detector gives, fixed the same cases when
	// all are: a minute after the injection. called are those in which the survey of the
	// recording called something abnormal, a minute after, too.
	onset, fixed, called score
	// dated is judged at the same moment as fixed is, with the onsets of series that the
	// detector gives.
	dated score
}

// add takes the next recorded fault and its place a minute after the injection.
func (n *noticing) add(x recorded.Fault, place int) error {
	if x.Label.Abnormal > 0 {
		n.called.add(place)
	}
	n.attention.begin(x.Label)
	// Nobody asks before there is something to ask for: what is known is that of the
	// minute in which it was noticed.
	var found cause.Case
	var dated cause.Case
	for i, c := range []cause.Case{x.Soon, x.Late} {
		since, err := n.attention.onset(c, x.Label.Injected)
		if err != nil {
			return err
		}
		if i == 0 {
			dated = n.attention.dated(c, x.Label.Injected)
		}
		if found.At.IsZero() && !since.IsZero() {
			found = c
			found.At = since
		}
	}
	if found.At.IsZero() {
		return nil
	}
	n.fixed.add(place)
	n.dated.add(placeOf(cause.Rank(dated), x.Label.Truth))
	n.onset.add(placeOf(cause.Rank(found), x.Label.Truth))
	return nil
}

// note tells the figures; those of no case are left out.
func (n *noticing) note(r *record.Results) {
	for _, of := range []struct {
		name string
		score
	}{
		{"recorded, judged from the onset that the detector gives", n.onset},
		{"recorded, the same cases a minute after the injection", n.fixed},
		{"recorded, the same cases a minute after, with the onsets of series that the detector gives", n.dated},
		{"recorded, where the survey called something abnormal, a minute after the injection", n.called},
	} {
		r.Note(of.name+": cases", float64(of.all), "")
		if of.all > 0 {
			r.Note(of.name+": first", of.top1(), "")
			r.Note(of.name+": among three", of.top3(), "")
		}
	}
}
