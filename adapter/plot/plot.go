// Package plot draws signals over time: what was measured, what was expected,
// when something was abnormal and what was changed, on one axis of time, as SVG,
// as PNG or in a terminal.
package plot

import (
	"math"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
)

// Chart is what is drawn.
type Chart struct {
	Title string
	// Unit is that of the values: "s", "share", "bytes" or any other word.
	Unit   string
	Points []observe.Point
	// Abnormal are times in which something was.
	Abnormal []Span
	// Marks are moments with a word: what was changed.
	Marks []Mark
	// Location is whose clock is shown. Nil is UTC.
	Location *time.Location
}

// Span is a stretch of time.
type Span struct{ From, To time.Time }

// Mark is a moment with a word.
type Mark struct {
	At   time.Time
	Text string
}

// extent is where the values of a chart lie.
type extent struct {
	from, to  time.Time
	low, high float64
}

// extent finds the bounds of a chart; it fails when there is nothing to draw.
func (c Chart) extent() (extent, error) {
	e := extent{low: math.Inf(1), high: math.Inf(-1)}
	for _, p := range c.Points {
		if !finite(p.Value) {
			continue
		}
		at := time.UnixMilli(p.At)
		if e.from.IsZero() {
			e.from = at
		}
		e.to = at
		e.low, e.high = min(e.low, p.Value), max(e.high, p.Value)
	}
	if !e.to.After(e.from) {
		return e, fault.New(fault.NotFound, "draw", c.Title, "there are not two samples", "look further back, with --since")
	}
	// What was expected is drawn as far as it does not flatten what was.
	room := e.high - e.low
	for _, p := range c.Points {
		if finite(p.Low) && finite(p.High) {
			e.low = min(e.low, max(p.Low, e.low-room))
			e.high = max(e.high, min(p.High, e.high+room))
		}
	}
	if e.high == e.low {
		pad := max(math.Abs(e.high)*0.1, 1e-9)
		e.low, e.high = e.low-pad, e.high+pad
	}
	return e, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
