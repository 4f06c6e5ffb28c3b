package slo

import (
	"math"
	"time"
)

// Role says what a sample counts. A series may have several roles: that of
// the errors is often one of those of all requests too.
type Role uint8

// The roles.
const (
	Total Role = 1 << iota
	Good
	Bad
	// Gauge samples are compared, not counted up.
	Gauge
)

// Sample is one value of one series.
type Sample struct {
	// Series tells the series from all others of the objective.
	Series string
	Role   Role
	// At is when the value was read, in milliseconds since 1970.
	At    int64
	Value float64
	// Created is when the counter began at zero, in milliseconds since 1970; 0 if
	// the source does not say.
	Created int64
}

// Batch is one answer of the source of an objective's samples.
type Batch struct {
	// At is when the source was asked.
	At time.Time
	// Lost says that there was no answer, or none that can be used. No samples
	// in a batch that is not lost mean that there are no series.
	Lost    bool
	Samples []Sample
}

// Rejected counts samples that were not used, by reason.
type Rejected struct {
	// NaN counts values that are no finite number, Negative counters below zero.
	NaN, Negative uint64
	// Late counts samples older than one that was seen, Duplicate those of the
	// same moment, Future those that are ahead of the clock.
	Late, Duplicate, Future uint64
	// Overflow counts samples of series beyond MaxSeries.
	Overflow uint64
	// Invalid counts batches with more good events than events.
	Invalid uint64
}

// MaxSeries bounds the series that a Monitor follows. An objective with more
// cannot be measured, and says so.
const MaxSeries = 10_000

// staleNaN is the value by which Prometheus marks the end of a series.
const staleNaN = 0x7ff0000000000002

// StaleMarker returns the value by which Prometheus marks the end of a series.
func StaleMarker() float64 { return math.Float64frombits(staleNaN) }

// counter is what is known of one series.
type counter struct {
	at, created int64
	value       float64
}

// delta is what one series contributes: n events, evenly over (from, to].
type delta struct {
	from, to int64
	n        float64
	role     Role
}

// usable reports whether a sample can be used at all, and counts it if not.
func (r *Rejected) usable(s Sample, now, tolerance int64) bool {
	switch {
	case math.Float64bits(s.Value) == staleNaN:
		return false // the end of a series is no fault
	case math.IsNaN(s.Value) || math.IsInf(s.Value, 0):
		r.NaN++
	case s.Value < 0 && s.Role&Gauge == 0:
		r.Negative++
	case s.At > now+tolerance:
		r.Future++
	case s.At < 0:
		r.Late++
	default:
		return true
	}
	return false
}

// follow returns what a sample adds to what is known of its series. born says
// that the series was not known: its first value then is n, which only the
// caller can judge.
func (c *counter) follow(s Sample, r *Rejected) (d delta, ok bool) {
	switch {
	case s.At < c.at:
		r.Late++
		return d, false
	case s.At == c.at:
		r.Duplicate++
		return d, false
	}
	d = delta{from: c.at, to: s.At, role: s.Role, n: s.Value - c.value}
	// A newer created timestamp is a reset even if the value has already grown
	// past the old one. Those within what is known are noise of exporters.
	restarted := s.Created > c.created && s.Created > c.at && s.Created <= s.At
	if d.n < 0 || restarted {
		d.n = s.Value
		if restarted {
			d.from = min(s.Created, s.At-1)
		}
	}
	c.at, c.value = s.At, s.Value
	c.created = max(c.created, s.Created)
	return d, true
}

func isStale(v float64) bool { return math.Float64bits(v) == staleNaN }
