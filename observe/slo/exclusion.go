package slo

import (
	"fmt"
	"time"
)

// Exclusion is a time that the budget is not charged for: maintenance, or hours
// in which nothing is promised. What happened then is kept in the ledger.
type Exclusion struct {
	// Name says why; it stands in the ledger.
	Name string
	// Start and End are a single window, if Weekly is nil.
	Start, End time.Time
	Weekly     *Weekly
}

// Weekly is a window that comes back every week.
type Weekly struct {
	// Days are those on which it begins.
	Days []time.Weekday
	// At is the time of day at which it begins, by the clock on the wall.
	At time.Duration
	// For is how long it lasts, at most a day.
	For time.Duration
	// Zone is that of the clock on the wall; nil is UTC.
	Zone *time.Location
}

func (x Exclusion) problem() string {
	switch {
	case x.Name == "":
		return "it has no name: say why nothing is charged"
	case x.Weekly == nil && !x.End.After(x.Start):
		return "it ends before it begins"
	case x.Weekly == nil:
		return ""
	case !x.Start.IsZero() || !x.End.IsZero():
		return "it is both a single window and a weekly one"
	case len(x.Weekly.Days) == 0:
		return "no days are named on which it begins"
	case x.Weekly.At < 0 || x.Weekly.At >= day:
		return fmt.Sprintf("%s is no time of day", x.Weekly.At)
	case x.Weekly.For <= 0 || x.Weekly.For > day:
		return fmt.Sprintf("%s is not above 0 and at most a day", x.Weekly.For)
	}
	for _, d := range x.Weekly.Days {
		if d < time.Sunday || d > time.Saturday {
			return fmt.Sprintf("%d is no day of the week", d)
		}
	}
	return ""
}

// window returns the occurrence that t lies in, or else where the next change
// is to be looked for: end is when the occurrence ends, or when the next one
// may begin at the earliest.
func (x Exclusion) window(t int64) (in bool, start, end int64) {
	if x.Weekly == nil {
		s, e := x.Start.UnixMilli(), x.End.UnixMilli()
		switch {
		case t < s:
			return false, 0, s
		case t < e:
			return true, s, e
		}
		return false, 0, never
	}
	return x.Weekly.window(t)
}

// never is later than any moment that is looked at.
const never = int64(1) << 62

func (w *Weekly) window(t int64) (in bool, start, end int64) {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := time.UnixMilli(t).In(zone)
	y, m, d := local.Date()
	next := never
	// An occurrence lasts a day at most: that of yesterday may still go on.
	for back := -1; back <= 7; back++ {
		date := time.Date(y, m, d+back, 0, 0, 0, 0, zone)
		if !w.on(date.Weekday()) {
			continue
		}
		hour, minute := int(w.At/time.Hour), int(w.At%time.Hour/time.Minute)
		sec := int(w.At % time.Minute / time.Second)
		s := time.Date(y, m, d+back, hour, minute, sec, 0, zone).UnixMilli()
		e := s + w.For.Milliseconds()
		if s <= t && t < e {
			return true, s, e
		}
		if s > t {
			next = min(next, s)
		}
	}
	return false, 0, next
}

func (w *Weekly) on(d time.Weekday) bool {
	for _, x := range w.Days {
		if x == d {
			return true
		}
	}
	return false
}

// ExcludedAt tells whether one of some exclusions applies at a moment.
func ExcludedAt(all []Exclusion, at time.Time) bool {
	x, _, _ := excluded(all, at.UnixMilli())
	return x != nil
}

// excluded returns the first exclusion that t lies in, and until when the
// answer stays: nil means that none applies.
func excluded(all []Exclusion, t int64) (x *Exclusion, start, until int64) {
	until = never
	for i := range all {
		in, s, e := all[i].window(t)
		if in {
			return &all[i], s, e
		}
		until = min(until, e)
	}
	return nil, 0, until
}

// Excluded is an entry of the ledger: what was not charged, and why.
type Excluded struct {
	Name string
	// Start is when the window began, End the last moment of it that was seen.
	Start, End time.Time
	// Total and Bad are what happened in it.
	Total, Bad float64
}

// maxLedger bounds the ledger; older entries of the same name are merged.
const maxLedger = 64

// charge adds what happened in an excluded time to the ledger.
func charge(ledger []Excluded, name string, start, end int64, c counts) []Excluded {
	for i := len(ledger) - 1; i >= 0; i-- {
		e := &ledger[i]
		if e.Name == name && e.Start.UnixMilli() == start {
			e.Total, e.Bad = e.Total+c.total, e.Bad+c.bad
			if t := time.UnixMilli(end).UTC(); t.After(e.End) {
				e.End = t
			}
			return ledger
		}
	}
	ledger = append(ledger, Excluded{Name: name, Start: time.UnixMilli(start).UTC(), End: time.UnixMilli(end).UTC(), Total: c.total, Bad: c.bad})
	if len(ledger) > maxLedger {
		ledger = append(ledger[:0], ledger[1:]...)
	}
	return ledger
}
