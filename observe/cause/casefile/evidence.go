package casefile

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// line is a log template that says that something is wrong.
type line struct {
	Of       cause.Component `json:"of"`
	Kind     logs.SignalKind `json:"kind"`
	ID       string          `json:"id"`
	Text     string          `json:"template"`
	Level    string          `json:"level"`
	Example  string          `json:"example,omitempty"`
	Count    uint64          `json:"count"`
	First    int64           `json:"first"`
	Last     int64           `json:"last"`
	Former   []string        `json:"former,omitempty"`
	Since    int64           `json:"since"`
	Lines    uint64          `json:"lines"`
	Expected number64        `json:"expected"`
	Score    number64        `json:"score"`
}

func lineOf(l *cause.Log) line {
	s, t := &l.Signal, &l.Signal.Template
	x := line{Of: l.Of, Kind: s.Kind, ID: t.ID.String(), Text: t.Text, Level: t.Level.String(), Example: t.Example, Count: t.Count,
		First: t.First, Last: t.Last, Since: s.Since, Lines: s.Lines, Expected: number64(s.Expected), Score: number64(s.Score)}
	for _, id := range t.Former {
		x.Former = append(x.Former, id.String())
	}
	return x
}

var levels = []logs.Level{logs.None, logs.Debug, logs.Info, logs.Warn, logs.Error, logs.Fatal}

func (x *line) given() (l cause.Log, err error) {
	t := logs.Template{Text: x.Text, Example: x.Example, Count: x.Count, First: x.First, Last: x.Last}
	if t.ID, err = logs.ParseID(x.ID); err != nil {
		return l, err
	}
	if t.Level, err = named(levels, x.Level, "the level"); err != nil {
		return l, err
	}
	for _, word := range x.Former {
		id, err := logs.ParseID(word)
		if err != nil {
			return l, err
		}
		t.Former = append(t.Former, id)
	}
	return cause.Log{Of: x.Of, Signal: logs.Signal{Kind: x.Kind, Template: t, Since: x.Since, Lines: x.Lines, Expected: float64(x.Expected), Score: float64(x.Score)}}, nil
}

// edge is how the cost of a call differs. Durations are in nanoseconds.
type edge struct {
	Edge    trace.Edge    `json:"edge"`
	Before  cost          `json:"before"`
	After   cost          `json:"after"`
	Self    time.Duration `json:"self"`
	Latency time.Duration `json:"latency"`
	Doubt   time.Duration `json:"doubt,omitempty"`
	Wire    time.Duration `json:"wire,omitempty"`
	// WireDoubt is 0 if nothing is known of the time on the way.
	WireDoubt time.Duration `json:"wireDoubt,omitempty"`
	Failed    number64      `json:"failed"`
	Faults    number64      `json:"faults"`
	Weight    number64      `json:"weight"`
}

type cost struct {
	Calls      uint64        `json:"calls"`
	Failed     uint64        `json:"failed,omitempty"`
	Faults     uint64        `json:"faults,omitempty"`
	GaveUp     uint64        `json:"gaveUp,omitempty"`
	LatencySum time.Duration `json:"latencySum"`
	SelfSum    time.Duration `json:"selfSum"`
	Slowest    traceID       `json:"slowest"`
	LastFailed traceID       `json:"lastFailed"`
	Longest    time.Duration `json:"longest"`
}

func costOf(c *trace.Cost) cost {
	return cost{c.Calls, c.Failed, c.Faults, c.GaveUp, c.LatencySum, c.SelfSum, traceID(c.Slowest), traceID(c.LastFailed), c.Longest}
}

func (c *cost) given() trace.Cost {
	return trace.Cost{Calls: c.Calls, Failed: c.Failed, Faults: c.Faults, GaveUp: c.GaveUp, LatencySum: c.LatencySum, SelfSum: c.SelfSum,
		Slowest: trace.ID(c.Slowest), LastFailed: trace.ID(c.LastFailed), Longest: c.Longest}
}

func edgeOf(e *trace.Change) edge {
	return edge{e.Edge, costOf(&e.Before), costOf(&e.After), e.Self, e.Latency, e.Doubt, e.Wire, e.WireDoubt, number64(e.Failed), number64(e.Faults), number64(e.Weight)}
}

func (x *edge) given() trace.Change {
	return trace.Change{Edge: x.Edge, Before: x.Before.given(), After: x.After.given(), Self: x.Self, Latency: x.Latency, Doubt: x.Doubt, Wire: x.Wire, WireDoubt: x.WireDoubt,
		Failed: float64(x.Failed), Faults: float64(x.Faults), Weight: float64(x.Weight)}
}

// traceID is written in hexadecimal, "" for none.
type traceID trace.ID

// MarshalText writes the id.
func (i traceID) MarshalText() ([]byte, error) {
	if trace.ID(i).IsZero() {
		return nil, nil
	}
	return []byte(trace.ID(i).String()), nil
}

// UnmarshalText reads the id.
func (i *traceID) UnmarshalText(text []byte) error {
	*i = traceID{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != 2*len(i) {
		return fmt.Errorf("%q is no id of a trace", text)
	}
	_, err := hex.Decode(i[:], text)
	return err
}

// number64 is written as text, so that NaN and infinite ones survive.
type number64 float64

// MarshalText writes the number.
func (n number64) MarshalText() ([]byte, error) { return []byte(number(float64(n))), nil }

// UnmarshalText reads the number.
func (n *number64) UnmarshalText(text []byte) error {
	_, err := fmt.Sscan(string(text), (*float64)(n))
	return err
}
