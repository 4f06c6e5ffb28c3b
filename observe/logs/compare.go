package logs

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/fault"
)

// Windows are two stretches of time that are compared, in milliseconds since
// 1970: from From to Mid, and from there to To. From and Mid belong to theirs; To
// belongs to none.
type Windows struct {
	From, Mid, To int64
	// Gap is how long before Mid the earlier window ends: what is between was not
	// read.
	Gap int64
}

// Line is one line, or several that belong together as Joiner makes them.
type Line struct {
	// At is when it was written, in milliseconds since 1970.
	At   int64
	Text []byte
	// Source names whose line it is: a workload, a file.
	Source string
	// Level is what is known of its level besides the text; None for nothing.
	Level Level
	// Trace is the trace that it belongs to, "" to look for one in the text.
	Trace string
}

// ChangeKind says in which way a template is not what it was.
type ChangeKind string

// The kinds of changes.
const (
	// Appeared: lines of a kind that its source did not write before.
	Appeared ChangeKind = "new"
	// Vanished: the source wrote them before, and would have written some if it
	// went on.
	Vanished ChangeKind = "gone"
	// More and Fewer lines than at the rate of before.
	More  ChangeKind = "more"
	Fewer ChangeKind = "fewer"
	// Unjudged: no line of the source is known from before, so that all it
	// writes is seen for the first time.
	Unjudged ChangeKind = "unjudged"
)

// Change is a template of one source that is not what it was.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Source string     `json:"source"`
	Shift
	// First and Last are when the source wrote its first and last line of it in
	// both windows, in milliseconds since 1970.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Since is when it began: the first line of what is new, the part of the later
	// window from which on there are more or fewer, a sixteenth of it; the last line
	// of what is gone.
	Since int64 `json:"since"`
	// Traces are some that lines of the later window belong to, at most three.
	Traces []string `json:"traces,omitempty"`
}

// Bad reports whether it speaks of something that is wrong: lines of level error
// and above that are new or more.
func (c *Change) Bad() bool {
	return c.Template.Level >= Error && (c.Kind == Appeared || c.Kind == More)
}

// Counted says what became of the lines that were given.
type Counted struct {
	// Lines is the number of all lines given, Before and After that of those in
	// the windows.
	Lines  uint64 `json:"lines"`
	Before uint64 `json:"before"`
	After  uint64 `json:"after"`
	// Older and Newer lines are in neither window, those of a gap are older.
	Older uint64 `json:"older"`
	Newer uint64 `json:"newer"`
	// Binary lines hold NULs: they are no text, and not used.
	Binary uint64 `json:"binary"`
	// Invalid lines hold bytes that are no UTF-8; they are used.
	Invalid uint64 `json:"invalid"`
	// Empty lines have no word.
	Empty uint64 `json:"empty"`
	// Cut lines were too long, and used up to there.
	Cut uint64 `json:"cut"`
	// Lost lines are of templates that were forgotten, or there was no room to
	// count them: there are too many kinds.
	Lost uint64 `json:"lost"`
}

// Comparison counts the lines of two windows by template and source. Lines may come
// in any order. Its memory is bounded: by the miner's, and by MaxTallies. It is not
// safe for concurrent use.
type Comparison struct {
	windows Windows
	end     int64 // that of the later window before it was narrowed
	whole   bool
	miner   *Miner
	counted Counted
	sources map[string]*source
	tallies map[tallyKey]*account
}

type source struct {
	name          string
	first         int64
	before, after uint64
}

type tallyKey struct {
	source *source
	id     ID
}

// account is what a source wrote of a template.
type account struct {
	before, after      uint64
	first, last, since int64
	level              Level
	traces             []string
	parts              [parts]uint32 // lines in each part of the later window
}

// parts is into how many the later window is divided, to tell when rates changed.
const parts = 16

// The bounds of a comparison. Sources above the bound are one, Others.
const (
	MaxTallies = 50_000
	MaxSources = 2_000
	Others     = "(others)"
	maxTraces  = 3
	maxSource  = 253 // bytes of a name
)

// NewComparison makes a comparison. whole says that all lines of the windows are
// given: else a source's time before begins with its first line, since older ones
// may be gone.
func NewComparison(set Settings, w Windows, whole bool) (*Comparison, error) {
	if w.Gap < 0 || w.From >= w.Mid-w.Gap || w.Mid >= w.To {
		return nil, fault.New(fault.Invalid, "compare logs", "", "the windows of time are empty", "give the moments in their order")
	}
	m, err := New(set)
	if err != nil {
		return nil, err
	}
	return &Comparison{windows: w, end: w.To, whole: whole, miner: m, sources: map[string]*source{}, tallies: map[tallyKey]*account{}}, nil
}

// Add counts a line. It is not retained.
func (c *Comparison) Add(l Line) {
	c.counted.Lines++
	switch {
	case l.At < c.windows.From, l.At < c.windows.Mid && l.At >= c.windows.Mid-c.windows.Gap:
		c.counted.Older++
		return
	case l.At >= c.windows.To:
		c.counted.Newer++
		return
	}
	after := l.At >= c.windows.Mid
	if after {
		c.counted.After++
	} else {
		c.counted.Before++
	}
	s := c.source(l.Source)
	s.first = min(s.first, l.At)
	if after {
		s.after++
	} else {
		s.before++
	}
	if bytes.IndexByte(l.Text, 0) >= 0 {
		c.counted.Binary++
		return
	}
	if !utf8.Valid(l.Text) {
		c.counted.Invalid++
	}
	hit := c.miner.Add(l.Text, l.At)
	if hit.ID == 0 {
		return // the miner counts it as empty
	}
	a := c.account(tallyKey{s, hit.ID})
	if a == nil {
		c.counted.Lost++
		return
	}
	a.first, a.last, a.level = min(a.first, l.At), max(a.last, l.At), max(a.level, l.Level)
	if !after {
		a.before++
		return
	}
	a.after++
	a.since = min(a.since, l.At)
	a.parts[(l.At-c.windows.Mid)*parts/(c.end-c.windows.Mid)]++
	if len(a.traces) < maxTraces {
		trace := l.Trace
		if trace == "" {
			trace = TraceOf(l.Text)
		}
		if trace = harmless(trace); trace != "" && !slices.Contains(a.traces, trace) {
			a.traces = append(a.traces, trace)
		}
	}
}

// harmless is the identifier of a trace, "" if it is none: letters, digits and
// dashes.
func harmless(trace string) string {
	if len(trace) > 64 {
		return ""
	}
	for i := range len(trace) {
		if b := trace[i]; (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && b != '-' {
			return ""
		}
	}
	return trace
}

func (c *Comparison) source(name string) *source {
	if len(name) > maxSource {
		name = name[:maxSource]
	}
	s := c.sources[name]
	if s == nil {
		if len(c.sources) >= MaxSources && name != Others {
			return c.source(Others)
		}
		s = &source{name: name, first: math.MaxInt64}
		c.sources[name] = s
	}
	return s
}

func (c *Comparison) account(k tallyKey) *account {
	a := c.tallies[k]
	if a == nil {
		if len(c.tallies) >= MaxTallies {
			c.settle()
			if len(c.tallies) >= MaxTallies*15/16 {
				return nil
			}
		}
		a = &account{first: math.MaxInt64, last: math.MinInt64, since: math.MaxInt64}
		c.tallies[k] = a
	}
	return a
}

// settle puts accounts under the names that templates have today, and drops those
// of templates that were forgotten.
func (c *Comparison) settle() {
	for k, a := range c.tallies {
		now := tallyKey{k.source, c.miner.Resolve(k.id)}
		if _, ok := c.miner.byID[now.id]; !ok {
			c.counted.Lost += a.before + a.after
			delete(c.tallies, k)
			continue
		}
		if now == k {
			continue
		}
		delete(c.tallies, k)
		into := c.tallies[now]
		if into == nil {
			c.tallies[now] = a
			continue
		}
		into.before, into.after = into.before+a.before, into.after+a.after
		into.first, into.last, into.since, into.level = min(into.first, a.first), max(into.last, a.last), min(into.since, a.since), max(into.level, a.level)
		for i, n := range a.parts {
			into.parts[i] += n
		}
		for _, t := range a.traces {
			if len(into.traces) < maxTraces && !slices.Contains(into.traces, t) {
				into.traces = append(into.traces, t)
			}
		}
	}
}

// Narrow says that no lines of the earlier window from until on were given, and none
// of the later one from to on: rates are those of what is left. Moments that leave
// nothing of a window are not taken.
func (c *Comparison) Narrow(until, to int64) {
	if until > c.windows.From && until < c.windows.Mid {
		c.windows.Gap = c.windows.Mid - until
	}
	if to > c.windows.Mid && to < c.windows.To {
		c.windows.To = to
	}
}

// Counted tells what became of the lines so far.
func (c *Comparison) Counted() Counted {
	out := c.counted
	lost := c.miner.Lost()
	out.Empty, out.Cut = lost.Empty, lost.Cut
	return out
}

// Templates is how many templates there are.
func (c *Comparison) Templates() int { return c.miner.count }

// Without returns the sources that have lines in the later window and none in the
// one before, sorted by name.
func (c *Comparison) Without() (out []string) {
	for _, s := range c.sources {
		if s.before == 0 && s.after > 0 {
			out = append(out, s.name)
		}
	}
	slices.Sort(out)
	return out
}

// Sources is how many sources have lines in the windows.
func (c *Comparison) Sources() int { return len(c.sources) }

// Changes returns the templates that are new, gone, or whose rate changed with a
// score of least or more in either direction: errors before others, new before
// more, then the strongest first.
func (c *Comparison) Changes(least float64) []Change {
	c.settle()
	var all []Change
	for k, a := range c.tallies {
		t, _ := c.miner.Template(k.id)
		t.Level = max(t.Level, a.level)
		from := c.windows.From
		if !c.whole {
			from = max(from, k.source.first)
		}
		x := Change{Source: k.source.name, Shift: Shift{Template: t, Before: a.before, After: a.after}, First: a.first, Last: a.last, Since: a.first, Traces: a.traces}
		if k.source.before == 0 {
			x.Kind = Unjudged
			all = append(all, x)
			continue
		}
		// A source that wrote its first line just now tells little of its rate.
		before := float64(max(c.windows.Mid-c.windows.Gap-from, 1000))
		share := float64(c.windows.To-c.windows.Mid) / before
		x.Expected, x.Score = float64(a.before)*share, evidence(a.before, a.after, share)
		switch {
		case a.before == 0:
			x.Kind = Appeared
		case math.Abs(x.Score) < least:
			continue
		case a.after == 0:
			x.Kind, x.Since = Vanished, a.last
		case x.Score > 0:
			x.Kind, x.Since = More, c.since(a, before, 1)
		default:
			x.Kind, x.Since = Fewer, c.since(a, before, -1)
		}
		all = append(all, x)
	}
	for i := range all {
		all[i].Template.Text = Redact(all[i].Template.Text)
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(b.weight(), a.weight()),
			cmp.Compare(math.Abs(b.Score), math.Abs(a.Score)), cmp.Compare(b.After, a.After),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Template.Text, b.Template.Text), cmp.Compare(a.Template.ID, b.Template.ID))
	})
	return all
}

// since is the start of that part of the later window from which on the evidence is
// strongest that the rate is higher, or lower for a sign of -1, than until then.
func (c *Comparison) since(a *account, before float64, sign float64) int64 {
	best, at := math.Inf(-1), c.windows.Mid
	until, length := a.before, float64(c.end-c.windows.Mid)/parts
	left := a.after
	for i := range parts {
		start := float64(i) * length
		rest := float64(c.windows.To-c.windows.Mid) - start
		if rest <= 0 {
			break
		}
		if g := sign * evidence(until, left, rest/(before+start)); g > best {
			best, at = g, c.windows.Mid+int64(start)
		}
		until, left = until+uint64(a.parts[i]), left-uint64(a.parts[i])
	}
	return at
}

// weight orders changes: those that speak of something wrong come first, and what
// could not be judged comes last.
func (c *Change) weight() int {
	switch {
	case c.Kind == Unjudged && c.Template.Level >= Error:
		return 1
	case c.Kind == Unjudged:
		return 0
	case c.Bad() && c.Kind == Appeared:
		return 5
	case c.Bad():
		return 4
	case c.Kind == Appeared && c.Template.Level == Warn:
		return 3
	}
	return 2
}
