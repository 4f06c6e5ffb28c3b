package fix

import (
	"context"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// MaxAssessments bounds how often a run assesses a copy of the tree.
const MaxAssessments = 64

// maxRounds bounds how often a run looks for more to mend in what it mended.
const maxRounds = 5

// Options are what a run of Run needs to know.
type Options struct {
	// Assess judges a tree, with deviations kept (assess.Options.Deviations).
	Assess func(context.Context, assess.Source) (*assess.Report, error)
	Parser assess.Parser
	// Only says which checks' findings to mend; nil means all.
	Only func(ops.CheckID) bool
	// Values answer what patches ask for, by name.
	Values map[string]string
	// Progress, when set, is told of each assessment.
	Progress func(stage string, done, total int)
}

// Op is one change to one file.
type Op struct {
	File string
	// Part numbers the part of the file (assess.Parser.Split) and Doc the
	// document in it, both from 0.
	Part, Doc int
	// Path leads from the source document's root to the value, which need not
	// exist. In a template it leads from the line Line.
	Path tree.Path
	// Value is YAML flow text; with Remove the value is taken away instead.
	Value  string
	Remove bool

	// Template is true for a file that is no YAML. At Line and Column begins
	// the deepest literal key on the way, called Key, "" for a list's entry;
	// Was is the deployed value that is replaced.
	Template     bool
	Line, Column int
	Key, Was     string
}

// Patch is what would mend one finding: all of its Ops or none.
type Patch struct {
	Finding ops.Finding
	Ops     []Op
	// Refused says why there are no Ops, "" if there are.
	Refused string
	// Asks names the values that a person must give first.
	Asks []string
}

// File is a file that a run changed.
type File struct {
	Path          string
	Before, After []byte
}

// Dropped is a finding that was not mended, and why.
type Dropped struct {
	Finding ops.Finding
	Reason  string
}

// Ask is a value that a person must choose.
type Ask struct {
	// Name is what --set takes.
	Name string
	// Findings is how many wait for it.
	Findings int
}

// Outcome is what a run of Run proved. Nothing is written.
type Outcome struct {
	Files   []File
	Fixed   []ops.Finding
	Dropped []Dropped
	Asks    []Ask
	// Waiting is how many findings wait for a value.
	Waiting int
	// Unasked names the given values that nothing asked for.
	Unasked []string
	// Assessments is how often the tree was judged.
	Assessments int
}

// AskName makes the name of a value that a check asks for: "cpu request"
// becomes cpu-request.
func AskName(what string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(what), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

// Run looks for the patches that hold.
func Run(ctx context.Context, src assess.Source, o Options) (*Outcome, error) {
	r := &runner{ctx: ctx, opts: o, src: src, budget: MaxAssessments}
	first, err := r.assess(src)
	if err != nil {
		return nil, err
	}
	out, last, err := r.rounds(first, true)
	if err != nil {
		return nil, err
	}
	// A mended finding may bring out another one that can be mended too, and
	// is meant to be in the next round. If it was not, nothing may come up.
	if fresh := compare(first, last, nil).fresh; len(fresh) > 0 {
		r.budget = max(r.budget, MaxAssessments/2)
		if out, _, err = r.rounds(first, false); err != nil {
			return nil, err
		}
	}
	out.Assessments = r.done
	return out, nil
}

// rounds mends, judges the result and mends that, until nothing is left that
// can be. With lenient, a new finding that can be mended does not count.
func (r *runner) rounds(first *state, lenient bool) (*Outcome, *state, error) {
	out, now := &Outcome{}, first
	r.lenient = lenient
	r.dropped, r.refusals = map[string]bool{}, nil
	var patches []*Patch
	for round := 0; round < maxRounds; round++ {
		var err error
		if patches, err = r.plan(now); err != nil {
			return nil, nil, err
		}
		ready := slices.DeleteFunc(slices.Clone(patches), func(p *Patch) bool {
			return len(p.Ops) == 0 || len(p.Asks) > 0 || r.dropped[p.Finding.Fingerprint]
		})
		if len(ready) == 0 || r.budget == 0 {
			break
		}
		next, held, err := r.prove(now, ready)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range held {
			out.Fixed = append(out.Fixed, p.Finding)
		}
		if len(held) == 0 {
			continue // what did not hold is dropped; the others are tried again
		}
		now = next
	}
	r.conclude(out, patches)
	err := r.changed(out, now)
	return out, now, err
}

// conclude says what was not mended, and what is asked for.
func (r *runner) conclude(out *Outcome, patches []*Patch) {
	out.Dropped = r.refusals
	asks := map[string]int{}
	asked := map[string]bool{}
	for _, p := range patches {
		switch {
		case len(p.Asks) > 0 && p.Refused == "":
			out.Waiting++
			for _, a := range p.Asks {
				asks[a]++
			}
		case p.Refused != "":
			out.Dropped = append(out.Dropped, Dropped{p.Finding, p.Refused})
		}
	}
	for name, n := range asks {
		out.Asks = append(out.Asks, Ask{name, n})
	}
	slices.SortFunc(out.Asks, func(a, b Ask) int { return strings.Compare(a.Name, b.Name) })
	for name := range r.answered {
		asked[name] = true
	}
	for name := range r.opts.Values {
		if !asked[name] {
			out.Unasked = append(out.Unasked, name)
		}
	}
	slices.Sort(out.Unasked)
	slices.SortStableFunc(out.Fixed, func(a, b ops.Finding) int { return a.Position.Compare(b.Position) })
	slices.SortStableFunc(out.Dropped, func(a, b Dropped) int { return a.Finding.Position.Compare(b.Finding.Position) })
}
