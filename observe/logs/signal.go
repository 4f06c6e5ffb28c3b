package logs

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// SignalKind says what is out of the ordinary.
type SignalKind string

// The kinds of signals.
const (
	// NewTemplate: lines of a kind that was never seen before.
	NewTemplate SignalKind = "new"
	// SurgingTemplate: far more lines of a kind than its own past lets expect.
	SurgingTemplate SignalKind = "surging"
)

// Signal is a template that says that something is wrong.
type Signal struct {
	Kind     SignalKind `json:"kind"`
	Template Template   `json:"template"`
	// Since is when it began, in milliseconds since 1970: the first line of a
	// new template, the bucket in which a surge began.
	Since int64 `json:"since"`
	// Lines is how many lines it has had since.
	Lines uint64 `json:"lines"`
	// Expected is how many lines a bucket of time has usually, 0 for a new one.
	Expected float64 `json:"expected"`
	// Score is how many usual deviations the present bucket is above the usual;
	// 0 for a new template.
	Score float64 `json:"score"`
}

// Surge bounds what is called a surge.
type Surge struct {
	// Least is the level from which templates give signals.
	Least Level
	// Floor is the least number of lines in a bucket.
	Floor int
	// Ratio is how many times the usual number there must be.
	Ratio float64
	// Score is how many usual deviations above the usual that must be.
	Score float64
	// Learn is the time after the first line in which nothing is new: all is.
	Learn time.Duration
	// News is how long a new template is reported.
	News time.Duration
}

// DefaultSurge returns the shipped bounds: errors, ten lines, three times the
// usual, six deviations; nothing is new in the first ten minutes, and a new
// template is reported for thirty.
func DefaultSurge() Surge {
	return Surge{Least: Error, Floor: 10, Ratio: 3, Score: 6, Learn: 10 * time.Minute, News: 30 * time.Minute}
}

// Signals returns the templates that are new or surge at a moment, in
// milliseconds since 1970, the gravest first. It changes nothing: time goes on
// with lines, and with Tick where none come.
func (m *Miner) Signals(now int64) []Signal {
	var all []Signal
	for _, n := range m.nodes() {
		if n.level < m.set.Surge.Least {
			continue
		}
		r := &n.rate
		switch {
		case n.news && now-n.first <= m.set.Surge.News.Milliseconds():
			all = append(all, Signal{Kind: NewTemplate, Template: n.view(), Since: n.first, Lines: n.count})
		case r.since != 0:
			all = append(all, Signal{SurgingTemplate, n.view(), r.since, r.lines, float64(r.level * r.level), max(0, r.score())})
		}
	}
	slices.SortFunc(all, func(a, b Signal) int {
		if a.Template.Level != b.Template.Level {
			return int(b.Template.Level) - int(a.Template.Level)
		}
		if c := cmp.Compare(b.Lines, a.Lines); c != 0 {
			return c
		}
		return strings.Compare(a.Template.Text, b.Template.Text)
	})
	return all
}

// Tick lets time go on without a line: buckets end, surges that have no more
// lines too.
func (m *Miner) Tick(now int64) {
	b := floorDiv(now, m.set.Bucket.Milliseconds())
	for _, n := range m.nodes() {
		if n.rate.begun() && b > n.rate.bucket {
			n.rate.advance(b)
		}
	}
}
