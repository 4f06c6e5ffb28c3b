package scorecard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// goodShare is how many of the places listed speak for a practice, at least,
// where that many do.
const goodShare = 5

// places are the first few of many places, in order.
type places struct {
	list []Evidence
}

// add keeps e if it is among the first MaxEvidence.
func (p *places) add(e Evidence) {
	i, _ := slices.BinarySearchFunc(p.list, e, compareEvidence)
	if i >= MaxEvidence {
		return
	}
	p.list = slices.Insert(p.list, i, e)
	p.list = p.list[:min(len(p.list), MaxEvidence)]
}

func compareEvidence(a, b Evidence) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object, b.Object),
		cmp.Compare(a.Check, b.Check), cmp.Compare(a.Note, b.Note))
}

// seenKey tells two pieces of evidence apart. The namespace is no part of it,
// so that one authored object counts once however many overlays bring it out.
type seenKey struct {
	file               string
	line               int
	object, note, stat string
}

// tally collects what speaks for and against one practice.
type tally struct {
	good, bad, unknown, excepted int

	forIt, against, unclear places

	// lead is the first part of the reason, where the rule knows a better one
	// than the counts.
	lead string
	// gaps are parts of the practice that nothing seen proves: with one, the
	// practice is partly followed at best.
	gaps []string
	// also is said at the end of the reason and changes nothing.
	also []string
	// elsewhere is set where nothing was seen and files could not have shown
	// it: the reason for unknown.
	elsewhere string
	// failing counts the findings of each check.
	failing []checkCount

	seen  map[seenKey]bool
	notes map[ops.Status]map[string]int
}

type checkCount struct {
	id ops.CheckID
	n  int
}

// note adds one place, once.
func (t *tally) note(e Evidence) {
	obj := e.Object
	if i, j := strings.IndexByte(obj, ' '), strings.IndexByte(obj, '/'); i >= 0 && j > i {
		obj = obj[:i+1] + obj[j+1:]
	}
	k := seenKey{e.File, e.Line, obj, e.Note, string(e.Status)}
	if t.seen[k] {
		return
	}
	if t.seen == nil {
		t.seen, t.notes = map[seenKey]bool{}, map[ops.Status]map[string]int{}
	}
	t.seen[k] = true
	if e.Note != "" {
		if t.notes[e.Status] == nil {
			t.notes[e.Status] = map[string]int{}
		}
		t.notes[e.Status][e.Note]++
	}
	t.count(e)
}

func (t *tally) count(e Evidence) {
	switch e.Status {
	case ops.Pass:
		t.good++
		t.forIt.add(e)
	case ops.Fail:
		t.bad++
		t.against.add(e)
	default:
		t.unknown++
		t.unclear.add(e)
	}
}

// evidence returns the places to list: against, unclear, then for.
func (t *tally) evidence() []Evidence {
	room := MaxEvidence - min(len(t.forIt.list), goodShare)
	out := make([]Evidence, 0, MaxEvidence)
	out = append(out, t.against.list[:min(len(t.against.list), room)]...)
	out = append(out, t.unclear.list[:min(len(t.unclear.list), room-len(out))]...)
	return append(out, t.forIt.list[:min(len(t.forIt.list), MaxEvidence-len(out))]...)
}

// gap adds a part that is not proved if seen is false.
func (t *tally) gap(seen bool, what string) {
	if !seen {
		t.gaps = append(t.gaps, what)
	}
}

// balance is what decide decides on: which sides have evidence.
type balance struct {
	good, bad, unknown, gaps bool
	// absent: the practice's subject is not there.
	absent bool
	// unlooked: nothing of ours judges the practice as a whole.
	unlooked bool
	// elsewhere: the practice cannot be told from files at all.
	elsewhere bool
}

// decide is the table of statuses.
func decide(c balance) Status {
	switch {
	case c.good && (c.bad || c.unknown || c.gaps) && !c.elsewhere:
		return Partly
	case c.good && !c.elsewhere && c.unlooked:
		return Partly
	case c.good && !c.elsewhere:
		return Implemented
	case c.bad && !c.elsewhere:
		return Missing
	case c.absent:
		return NotApplicable
	case c.unknown, c.elsewhere:
		return Unknown
	case c.unlooked:
		return NotEvaluated
	}
	return Missing
}
