package cause

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// moved is a series of a component that differs from its past.
type moved struct {
	series   *Series
	shift    shift
	strength float64
}

// never is the onset of what did not begin.
const never = math.MaxInt64

// signs are what speaks for a component to be in trouble, each in [0, 1].
type signs struct {
	moments
	counts
	// internal is what happens inside, external what its callers see, more (or
	// fewer) that it is asked more (or less).
	internal, external, more, fewer float64
	silence, logs                   float64
	// down is what its containers say that do not run: who is down says nothing of how
	// it answers.
	down float64
	// trace is its part of the time and the failures that traces attribute;
	// cleared is how far they say that it is not the one.
	trace, cleared float64
	moved          []moved
	// seen means that what its callers see is measured.
	seen bool
}

// moments are when something began, in milliseconds; never if it did not. onset
// is that of the first of what is strong, inside and outside of either kind.
type moments struct {
	onset, inside, outside, rateOnset, silentSince int64
}

// counts are the series of a component by what could be said of them.
type counts struct{ judged, silent, short int }

// blind reports whether nothing is known of a component from series.
func (s *signs) blind() bool { return s.judged == 0 }

// trouble is how sure it is that something is wrong with a component, whoever
// is to blame.
func (s *signs) trouble() float64 {
	return max(s.internal, s.external, s.trace, s.silence, 0.8*s.logs, min(0.95, 1.6*s.down))
}

// fold is how much less each further series of a component counts: any number of
// weak ones stays weak.
const fold = 0.4

// pool adds strengths: the strongest counts most, and the sum never exceeds it
// by more than others that are as strong.
func pool(strengths []float64) float64 {
	slices.SortFunc(strengths, func(a, b float64) int { return cmp.Compare(b, a) })
	sum, weight := 0.0, 1-fold
	for _, s := range strengths {
		sum += weight * s
		weight *= fold
	}
	// A single one that is sure must be enough to be sure of.
	if len(strengths) > 0 {
		sum = (sum + strengths[0]) / 2
	}
	return sum
}

// readSeries finds what moved, for every component. It returns the number of
// series that could be judged, were silent and were too short.
func (j *judgement) readSeries(c *Case) {
	threshold := thresholdOf(len(c.Series))
	findings := find(c.Series, j.at)
	for i := range c.Series {
		s := &c.Series[i]
		k := j.names.of(s.Of)
		if k < 0 {
			j.out.Left++
			continue
		}
		g := &j.signs[k]
		d := findings[i].shift
		switch findings[i].state {
		case short:
			g.short++
		case silent:
			g.silent++
			g.silentSince = max(g.silentSince, d.onset)
		default:
			g.judged++
			g.seen = g.seen || s.Golden == watch.Errors || s.Golden == watch.Duration
			if x := d.strength(s, threshold); x > 0 {
				g.moved = append(g.moved, moved{s, d, x})
			}
		}
	}
	heard := false
	for i := range j.signs {
		g := &j.signs[i]
		heard = heard || g.judged > 0
		j.out.Judged += g.judged
		j.out.Silent += g.silent
		j.out.Short += g.short
	}
	for i := range j.signs {
		// That nothing at all is heard any more says something of who listens.
		if g := &j.signs[i]; heard && g.judged == 0 && g.silent > 0 {
			g.silence = 0.5
			g.onset = min(g.onset, g.silentSince)
		}
	}
}

// gather makes the signs of every component out of what moved in time.
func (j *judgement) gather() {
	for i := range j.signs {
		g := &j.signs[i]
		for k := range g.moved {
			if m := &g.moved[k]; !m.shift.creeps || m.shift.onset > j.begin {
				m.strength *= j.inTime(m.shift.onset)
			}
		}
		g.gather()
	}
}

func (g *signs) gather() {
	slices.SortFunc(g.moved, func(a, b moved) int {
		return cmp.Or(
			cmp.Compare(b.strength, a.strength), cmp.Compare(a.shift.onset, b.shift.onset),
			cmp.Compare(a.series.What, b.series.What), cmp.Compare(a.series.ID, b.series.ID),
		)
	})
	ratio := 0.0
	for _, m := range g.moved {
		if m.series.Golden != watch.Rate {
			continue
		}
		if m.shift.deviation > 0 {
			g.more = max(g.more, m.strength)
		} else {
			g.fewer = max(g.fewer, m.strength)
		}
		if ratio == 0 {
			ratio, g.rateOnset = ratioOf(m.shift), m.shift.onset
		}
	}
	var inside, outside []float64
	strongest := 0.0
	for i := range g.moved {
		m := &g.moved[i]
		switch {
		case m.series.Golden == watch.Rate:
			continue
		case m.series.Golden.Internal():
			if followsLoad(ratioOf(m.shift), ratio) {
				m.strength *= 0.25
			}
			inside = append(inside, m.strength)
			if watch.CountsDown(m.series.What) && m.shift.deviation > 0 && !m.shift.over {
				g.down = max(g.down, m.strength)
			}
		case m.series.Golden == watch.Monitor:
			// Nobody says which side it is seen from.
			inside = append(inside, m.strength/2)
			outside = append(outside, m.strength/2)
		default:
			outside = append(outside, m.strength)
		}
		strongest = max(strongest, m.strength)
	}
	g.internal, g.external = pool(inside), pool(outside)
	g.inside, g.outside = never, never
	for _, m := range g.moved {
		if m.series.Golden == watch.Rate || m.strength < strongest/2 {
			continue
		}
		g.onset = min(g.onset, m.shift.onset)
		if m.series.Golden == watch.Errors || m.series.Golden == watch.Duration {
			g.outside = min(g.outside, m.shift.onset)
		} else {
			g.inside = min(g.inside, m.shift.onset)
		}
	}
}

// first is what is inside and moved no later than what callers see: what piles up
// after that is an effect.
func (g *signs) first() float64 {
	if g.outside != never && g.inside > g.outside+2*slack {
		return 0.4 * g.internal
	}
	return g.internal
}

// ratioOf is by how much a series grew or shrank, as a logarithm; 0 if that
// cannot be told.
func ratioOf(d shift) float64 {
	if d.before > 0 && d.after > 0 {
		return math.Log(d.after / d.before)
	}
	return 0
}

// followsLoad reports whether a change of what a component needs is what a
// change of its requests explains.
func followsLoad(need, load float64) bool {
	return need*load > 0 && math.Abs(need) <= 1.3*math.Abs(load)+0.1
}

// readLogs adds what templates say. A line that names what its component calls
// says more of that one.
func (j *judgement) readLogs(c *Case) {
	for _, l := range c.Logs {
		k := j.names.of(l.Of)
		if k < 0 {
			j.out.Left++
			continue
		}
		x := weightOfLog(l.Signal)
		if x == 0 || l.Signal.Since > j.at+60_000 {
			continue
		}
		g := &j.signs[k]
		named := false
		for _, d := range j.needs[k] {
			if mentions(l.Signal, j.names.all[d.on].Key.Service) {
				o := &j.signs[d.on]
				o.logs = max(o.logs, 0.7*x)
				o.onset = min(o.onset, l.Signal.Since)
				j.told[d.on] = append(j.told[d.on], told{l, 0.7 * x, k})
				named = true
			}
		}
		if named {
			x *= 0.3
		}
		g.logs = max(g.logs, x)
		if x >= 0.3 {
			g.onset = min(g.onset, l.Signal.Since)
		}
		j.told[k] = append(j.told[k], told{l, x, k})
	}
}

// told is a template that speaks of a component, and who wrote it.
type told struct {
	log    Log
	weight float64
	by     int
}

func weightOfLog(s logs.Signal) float64 {
	level := 0.1
	switch {
	case s.Template.Level >= logs.Fatal:
		level = 1
	case s.Template.Level == logs.Error:
		level = 0.8
	case s.Template.Level == logs.Warn:
		level = 0.4
	}
	lines := 1 - math.Exp(-float64(s.Lines)/5)
	if s.Kind == logs.SurgingTemplate {
		lines *= 1 - math.Exp(-max(0, known(s.Score)-3)/4)
	}
	return level * lines
}

// known is a number, 0 for what is none.
func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// mentions reports whether a line names a service, as a word.
func mentions(s logs.Signal, service string) bool {
	if len(service) < 3 {
		return false
	}
	return hasWord(s.Template.Text, service) || hasWord(s.Template.Example, service)
}

func hasWord(text, word string) bool {
	letter := func(i int) bool {
		if i < 0 || i >= len(text) {
			return false
		}
		b := text[i] | 0x20
		return b >= 'a' && b <= 'z' || text[i] >= '0' && text[i] <= '9' || text[i] == '_' || text[i] == '-' || text[i] >= 0x80
	}
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		if !letter(i-1) && !letter(i+len(word)) {
			return true
		}
		from = i + 1
	}
}
