package cause

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// EvidenceKind says where evidence comes from.
type EvidenceKind string

// The kinds of evidence.
const (
	Changed  EvidenceKind = "change"    // something was changed just before
	Inside   EvidenceKind = "internal"  // a series of what happens inside
	Seen     EvidenceKind = "external"  // a series of what callers see
	Silence  EvidenceKind = "silence"   // nothing is heard of it any more
	Template EvidenceKind = "log"       // a kind of line that is new or surges
	Traced   EvidenceKind = "trace"     // its own part of the calls
	Accused  EvidenceKind = "accused"   // nothing is known of it; who needs it suffers
	Asked    EvidenceKind = "load"      // it is asked more than before
	Victim   EvidenceKind = "victim"    // against: another explains it
	Cleared  EvidenceKind = "cleared"   // against: traces say that it waits for others
	Harmless EvidenceKind = "unnoticed" // against: nobody that needs it suffers
)

// Evidence is one reason to take a component for the cause, or not to.
type Evidence struct {
	Kind EvidenceKind
	// Weight orders evidence; below 0 it speaks against.
	Weight float64
	// Text is a clause for people.
	Text string
	// At is when it began or happened, zero if nothing tells.
	At time.Time
	// Reference is the id of a signal, of a template or of a trace, or where a
	// change leads to.
	Reference string
}

// How much of the evidence of one kind is told.
const (
	maxSeriesTold = 5
	maxLogsTold   = 3
	maxText       = 200
)

const clock = "15:04:05"

// evidence tells what speaks for and against a component.
func (j *judgement) evidence(i int, zone *time.Location) []Evidence {
	g, v, name := &j.signs[i], &j.verdicts[i], j.names.all[i].String()
	var all []Evidence
	add := func(kind EvidenceKind, weight float64, at int64, ref, format string, args ...any) {
		all = append(all, Evidence{kind, weight, clean(fmt.Sprintf(format, args...)), moment(at, zone), identity.Plain(ref)})
	}
	if v.change != nil {
		all = append(all, j.changeEvidence(i, zone))
	}
	for n, m := range g.moved {
		if n == maxSeriesTold {
			break
		}
		kind, weight := Seen, byExternal*m.strength*(1-max(v.victim, v.host))
		switch {
		case m.series.Golden == watch.Rate:
			kind, weight = Asked, 0.05*m.strength
		case m.series.Golden != watch.Errors && m.series.Golden != watch.Duration:
			kind, weight = Inside, byInternal*m.strength*(1-v.host)
		}
		add(kind, weight, m.shift.onset, m.series.ID, "%s", tellShift(name, &m, zone))
	}
	if g.silence > 0 {
		add(Silence, bySilence*g.silence, g.silentSince, "", "nothing is heard of %s since %s", name, moment(g.silentSince, zone).Format(clock))
	}
	j.tellLogs(i, add)
	if e := j.edges[i]; g.trace > 0 && e != nil {
		add(Traced, byTrace*g.trace, never, example(e), "%s", tellEdge(name, j.names.of(e.Edge.Callee) == i, e))
	}
	switch {
	case v.hidden > 0 && j.names.all[i].Kind == Node:
		add(Accused, byHidden*v.hidden, never, "", "much of what runs on %s is in trouble, and little elsewhere: %s", name, j.accusers(i))
	case v.hidden > 0:
		add(Accused, byHidden*v.hidden, never, "", "nothing is measured of %s, and what needs it is in trouble without another explanation: %s", name, j.accusers(i))
	}
	if v.victim > 0.1 {
		add(Victim, -v.victim, j.signs[v.of].onset, "", "%s, which it calls, was in trouble no later", j.names.all[v.of])
	}
	if v.host > 0.1 {
		add(Victim, -v.host, j.signs[v.hostOf].onset, "", "%s, on which it runs, was in trouble no later", j.names.all[v.hostOf])
	}
	if v.behind > 0.1 {
		add(Victim, -v.behind, never, "", "it needs %s, of which nothing is measured", j.names.all[v.behindOf])
	}
	if v.excused > 0.5 && j.names.all[i].Kind == Node && v.excused == hogged {
		add(Victim, -v.excused, j.signs[v.of].onset, "", "%s alone takes what it has", j.names.all[v.of])
	}
	if g.cleared > 0.1 && g.external > 0 {
		add(Cleared, -g.cleared, never, "", "traces show that %s itself is not slower and fails no more", name)
	}
	if j.load > 0.1 && g.more > 0 {
		add(Victim, -j.load, j.loadOnset, "", "the users ask for more")
	}
	if j.suffering && !v.matters {
		add(Harmless, -0.5, never, "", "nobody who needs %s suffers", name)
	}
	slices.SortStableFunc(all, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Text, b.Text))
	})
	return all
}

func (j *judgement) changeEvidence(i int, zone *time.Location) Evidence {
	x, onset := j.verdicts[i].change, j.signs[i].onset
	if onset == never {
		onset = j.begin
	}
	at := x.At.In(zone)
	text := fmt.Sprintf("%s %s at %s", x.Kind, identity.Plain(x.Text), at.Format(clock))
	if onset != never {
		if d := time.Duration(onset-x.At.UnixMilli()) * time.Millisecond; d >= time.Second {
			text += ", " + span(d) + " before"
		} else {
			text += ", as it began"
		}
	}
	return Evidence{Changed, byChange * j.verdicts[i].prior, clean(text), at, identity.Plain(x.Reference)}
}

// span writes a duration as people say it.
func span(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
}

func tellShift(name string, m *moved, zone *time.Location) string {
	verb := "rose"
	if m.shift.deviation < 0 {
		verb = "fell"
	}
	return fmt.Sprintf("%s of %s %s from %s to %s since %s", identity.Plain(m.series.What), name, verb,
		observe.Quantity(m.shift.before, m.series.Unit), observe.Quantity(m.shift.after, m.series.Unit), moment(m.shift.onset, zone).Format(clock))
}

func (j *judgement) tellLogs(i int, add func(EvidenceKind, float64, int64, string, string, ...any)) {
	list := j.told[i]
	slices.SortFunc(list, func(a, b told) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.log.Signal.Template.ID, b.log.Signal.Template.ID), cmp.Compare(a.by, b.by))
	})
	for n, t := range list {
		if n == maxLogsTold {
			break
		}
		s := t.log.Signal
		what := "new"
		if s.Kind == logs.SurgingTemplate {
			what = "surging"
		}
		level := s.Template.Level.String()
		if level != "" {
			level += " "
		}
		by := ""
		if t.by != i {
			by = " in " + j.names.all[t.by].String() + " that names it"
		}
		text := s.Template.Text
		add(Template, byLogs*t.weight, s.Since, s.Template.ID.String(), "%s %stemplate%s: %q, %d lines", what, level, by, cutText(text, 100), s.Lines)
	}
}

// tellEdge says what the calls of an edge tell of a component; own means that they are
// calls to it, and not its calls to another.
func tellEdge(name string, own bool, e *trace.Change) string {
	longer := max(e.Self, 0) + max(e.Wire, 0)
	failing := e.Faults > 0.005 || longer == 0
	switch {
	case !own && e.Before.Calls == 0:
		return fmt.Sprintf("%s asks %s, whom it did not ask before, and %s of these calls fail", name, e.Edge.Callee, observe.Quantity(faultShare(e.After), "share"))
	case !own:
		return fmt.Sprintf("%s takes %s longer to ask %s, and has too little to work with itself", name, observe.Quantity(longer.Seconds(), "s"), e.Edge.Callee)
	case failing:
		return fmt.Sprintf("%s of the calls of %s fail in it, %s before", observe.Quantity(faultShare(e.After), "share"), name, observe.Quantity(faultShare(e.Before), "share"))
	case e.Wire > e.Self:
		return fmt.Sprintf("calls of %s are %s longer on the way to it or back", name, observe.Quantity(e.Wire.Seconds(), "s"))
	}
	return fmt.Sprintf("%s itself takes %s longer for %s", name, observe.Quantity(e.Self.Seconds(), "s"), identity.Plain(e.Edge.Operation))
}

func faultShare(c trace.Cost) float64 {
	if c.Calls == 0 {
		return 0
	}
	return float64(max(c.Faults, c.GaveUp)) / float64(c.Calls)
}

func example(e *trace.Change) string {
	id := e.After.Slowest
	if e.Faults > 0.005 && !e.After.LastFailed.IsZero() {
		id = e.After.LastFailed
	}
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// accusers names who needs a component and suffers.
func (j *judgement) accusers(i int) string {
	var list []string
	for _, n := range j.neededBy[i] {
		if (n.kind == RunsOn && j.signs[n.on].trouble() >= 0.3 || j.unexplained(n.on) >= 0.3) && len(list) < 3 {
			list = append(list, j.names.all[n.on].String())
		}
	}
	return strings.Join(list, ", ")
}

func (j *judgement) loadEvidence(zone *time.Location) []Evidence {
	var all []Evidence
	for i := range j.signs {
		for _, m := range j.signs[i].moved {
			if m.series.Golden == watch.Rate && m.shift.deviation > 0 {
				all = append(all, Evidence{Asked, m.strength * j.load, clean(tellShift(j.names.all[i].String(), &m, zone)), moment(m.shift.onset, zone), m.series.ID})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), a.At.Compare(b.At), cmp.Compare(a.Text, b.Text))
	})
	return all[:min(len(all), maxSeriesTold)]
}

func clean(s string) string { return cutText(identity.Plain(s), maxText) }

// cutText cuts a text between characters.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}

// Sentence says why a component is thought to be the cause, in one sentence: what
// was changed, then what moved and what else speaks for it.
func (r Ranked) Sentence() string {
	head, rest, unlike := "", []string{}, map[EvidenceKind]int{}
	for _, e := range r.Evidence {
		switch {
		case e.Weight <= 0:
		case e.Kind == Changed && head == "":
			head = e.Text + ": "
		case unlike[e.Kind] < 2 && len(rest) < 4 && e.Kind != Asked || r.Component == Outside && len(rest) < 2:
			unlike[e.Kind]++
			rest = append(rest, e.Text)
		}
	}
	switch {
	case len(rest) > 0:
		return head + strings.Join(rest, "; ")
	case head != "":
		return strings.TrimSuffix(head, ": ")
	}
	return r.Component.String() + ": nothing speaks for it but what speaks against others less"
}
