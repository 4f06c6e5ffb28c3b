package scorecard

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/autoecoops/autoecoops/ops"
)

// rule says how one practice is judged.
type rule struct {
	// subject reports whether what the practice is about is there; nil means
	// that it always is. absent is the reason where it is not.
	subject func(*judge) bool
	absent  string
	// checks: the practice rests on checks; where none was run, it is not
	// evaluated, and where none applied, it is not applicable.
	checks bool
	// marker: passes of checks count only where something else was seen too.
	marker bool
	// collect adds what the objects and the files show.
	collect func(*judge, *tally)
	// missing is the reason where nothing was seen.
	missing string
	// elsewhere is set where files cannot tell: the reason for unknown.
	elsewhere string
	// unlooked is set where nothing of ours looks at the practice as a whole:
	// what it is that is not looked at.
	unlooked string
	// beyond is what can only be seen elsewhere, said after what was seen.
	beyond string
}

// Judge returns every practice with its verdict, in the order of Practices.
// The same facts give the same answer.
func Judge(f Facts) []Judged {
	j := newJudge(f)
	out := make([]Judged, len(practices))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(practices); i = int(next.Add(1)) - 1 {
				out[i] = j.practice(&practices[i])
			}
		})
	}
	wg.Wait()
	return out
}

func (j *judge) practice(p *Practice) Judged {
	r := rules[p.ID]
	t := &tally{}
	applies := r.subject == nil || r.subject(j)
	for _, s := range j.scan.signals[p.ID] {
		t.note(s)
	}
	if r.collect != nil && applies {
		r.collect(j, t)
	}
	seen := t.good > 0
	outcomes := j.outcomes[p.ID]
	if applies {
		j.take(outcomes, t, !r.marker || seen)
	}
	c := balance{good: t.good > 0, bad: t.bad > 0, unknown: t.unknown > 0, gaps: len(t.gaps) > 0 || t.excepted > 0,
		absent: !applies, elsewhere: r.elsewhere+t.elsewhere != "", unlooked: r.unlooked != ""}
	out := Judged{ID: p.ID, Area: p.Area, Title: p.Title, Good: t.good, Bad: t.bad, Evidence: t.evidence()}
	nothing := t.good+t.bad+t.unknown+t.excepted == 0
	switch {
	case r.checks && applies && nothing && len(outcomes) == 0:
		out.Status, out.Reason = NotEvaluated, "not evaluated: no check of this practice was run"
	case r.checks && applies && nothing:
		out.Status = NotApplicable
		out.Reason = fmt.Sprintf("none of its %s found anything that it applies to", count(len(outcomes), "check"))
	default:
		out.Status = decide(c)
		out.Reason = j.reason(&r, out.Status, t, len(outcomes))
	}
	return out
}

// take adds what the checks said. Passes count only if trusted.
func (j *judge) take(outcomes []*Outcome, t *tally, trusted bool) {
	for _, o := range outcomes {
		n := 0
		for i := range o.Findings {
			f := &o.Findings[i]
			switch f.Status {
			case ops.Excepted:
				t.excepted++
				continue
			case ops.Fail:
				n++
			}
			t.count(Evidence{File: f.File, Line: f.Line, Object: f.Object.String(), Check: f.Check, Status: f.Status})
		}
		if n > 0 {
			t.failing = append(t.failing, checkCount{o.Check, n})
		}
		if trusted && o.Passed > 0 {
			t.good += o.Passed
			for _, e := range o.Sample {
				t.forIt.add(e)
			}
		}
	}
	slices.SortFunc(t.failing, func(a, b checkCount) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id)) })
	passed := slices.ContainsFunc(outcomes, func(o *Outcome) bool { return trusted && o.Passed > 0 })
	switch {
	case len(t.failing) == 0 && (!passed || t.lead != "" || len(t.notes[ops.Pass]) > 0):
	case t.lead == "":
		t.lead = j.checksLead(outcomes, t)
	default:
		t.lead += "; " + j.checksLead(outcomes, t)
	}
}

// checksLead sums up what the checks said, in workloads where the findings
// are about them.
func (j *judge) checksLead(outcomes []*Outcome, t *tally) string {
	checks := count(len(outcomes), "check")
	if len(t.failing) == 0 {
		if t.unknown > 0 {
			return fmt.Sprintf("nothing fails its %s, but %s could not be judged", checks, count(t.unknown, "place"))
		}
		return fmt.Sprintf("%s in order, nothing fails its %s", are(t.good, "place"), checks)
	}
	failing, others := map[string]bool{}, map[ops.Ref]bool{}
	for _, o := range outcomes {
		for i := range o.Findings {
			if f := &o.Findings[i]; f.Status == ops.Fail {
				if key := j.workloadOf[f.Object]; key != "" {
					failing[key] = true
				} else {
					others[f.Object] = true
				}
			}
		}
	}
	var parts []string
	if len(failing) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s", len(failing), count(len(j.workloads), "workload")))
	}
	if len(others) > 0 {
		word := "object"
		if len(failing) > 0 {
			word = "other object"
		}
		parts = append(parts, count(len(others), word))
	}
	verb := verb(len(failing)+len(others), "fail")
	most := fmt.Sprintf("most often %s (%d)", t.failing[0].id, t.failing[0].n)
	if len(t.failing) == 1 {
		return fmt.Sprintf("%s %s %s (%s)", strings.Join(parts, " and "), verb, t.failing[0].id, count(t.failing[0].n, "finding"))
	}
	return fmt.Sprintf("%s %s %d of its %s, %s", strings.Join(parts, " and "), verb, len(t.failing), checks, most)
}

// reason is the sentence that goes with a status.
func (j *judge) reason(r *rule, s Status, t *tally, checks int) string {
	var parts []string
	lead := t.lead
	if lead == "" && t.good+t.bad > 0 {
		lead = counts(t)
	}
	switch s {
	case NotApplicable:
		return r.absent
	case NotEvaluated:
		return "not evaluated: checks for " + r.unlooked + " do not exist yet"
	case Missing:
		if t.bad == 0 {
			lead = r.missing
			if lead == "" {
				lead = "nothing speaks for it"
			}
			t.gaps = nil
		}
		parts = append(parts, lead)
	case Unknown:
		if where := cmp.Or(t.elsewhere, r.elsewhere); where != "" {
			parts = append(parts, where)
		} else {
			parts = append(parts, fmt.Sprintf("%s could not be judged, and nothing else was seen", count(t.unknown, "place")))
		}
	default:
		parts = append(parts, lead)
		if t.unknown > 0 && len(t.failing)+t.bad > 0 {
			parts = append(parts, count(t.unknown, "place")+" could not be judged")
		}
	}
	parts = append(parts, t.gaps...)
	if r.unlooked != "" {
		parts = append(parts, "not evaluated: checks for "+r.unlooked+" do not exist yet")
	}
	if t.excepted > 0 {
		parts = append(parts, are(t.excepted, "finding")+" excepted")
	}
	parts = append(parts, t.also...)
	if r.beyond != "" && t.good+t.bad > 0 {
		parts = append(parts, r.beyond)
	}
	return strings.Join(parts, "; ")
}

// counts is the reason where no rule knows a better one: what was seen.
func counts(t *tally) string {
	good, bad := brief(t.notes[ops.Pass]), brief(t.notes[ops.Fail])
	switch {
	case good == "" && bad == "":
		return fmt.Sprintf("%d for it, %d against", t.good, t.bad)
	case bad == "":
		return good
	case good == "":
		return bad
	}
	return good + ", but " + bad
}

// brief joins the most frequent notes.
func brief(notes map[string]int) string {
	type said struct {
		note string
		n    int
	}
	var all []said
	for note, n := range notes {
		all = append(all, said{note, n})
	}
	slices.SortFunc(all, func(a, b said) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.note, b.note)) })
	var parts []string
	for i, s := range all {
		if i == 3 {
			return strings.Join(parts, ", ") + fmt.Sprintf(" and %d more", len(all)-3)
		}
		if s.n > 1 {
			s.note += fmt.Sprintf(" (%d×)", s.n)
		}
		parts = append(parts, s.note)
	}
	return strings.Join(parts, ", ")
}

// count is "1 workload", "2 workloads", "no workload".
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return strconv.Itoa(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// verb is "fails" for one and "fail" for many.
func verb(n int, word string) string {
	if n == 1 {
		return word + "s"
	}
	return word
}

// are is "1 workload is", "2 workloads are".
func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}
