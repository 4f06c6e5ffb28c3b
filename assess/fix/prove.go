package fix

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// state is a tree and what was found in it.
type state struct {
	src     assess.Source
	texts   map[string][]byte // what differs from the tree on the disk
	rep     *assess.Report
	found   map[found]tally
	unknown map[string]bool // inputs that could not be evaluated, with the reason
}

// found is a deviation without its severity.
type found struct {
	check  ops.CheckID
	status ops.Status
	unit   string
	object ops.Ref
	path   string
}

type tally struct {
	n        int
	severity ops.Severity
	// mendable is true if something is known to remove it.
	mendable bool
}

// group is the deviation's check and object, whatever the field.
func (k found) group() found {
	k.path = ""
	return k
}

func (t tally) plus(o tally) tally {
	t.n += o.n
	t.severity = max(t.severity, o.severity)
	return t
}

// runner is one run of Run.
type runner struct {
	ctx    context.Context
	opts   Options
	src    assess.Source
	budget int
	done   int

	lenient  bool
	dropped  map[string]bool
	refusals []Dropped
	answered map[string]bool
}

func (r *runner) assess(src assess.Source) (*state, error) {
	r.budget--
	r.done++
	if r.opts.Progress != nil {
		r.opts.Progress("prove", r.done, r.done+max(r.budget, 0))
	}
	rep, err := r.opts.Assess(r.ctx, src)
	if err != nil {
		return nil, err
	}
	s := &state{src: src, rep: rep, found: map[found]tally{}, unknown: map[string]bool{}}
	excepted := map[string]bool{}
	for _, f := range rep.Findings {
		if f.Status == ops.Excepted {
			excepted[f.Fingerprint] = true
		}
	}
	for _, d := range rep.Deviations {
		if excepted[d.Finding] {
			continue
		}
		t := s.found[keyOf(d)]
		t.n++
		t.severity = max(t.severity, d.Severity)
		t.mendable = len(d.Changes) > 0 && !slices.ContainsFunc(d.Changes, func(c assess.Change) bool { return c.Set.Ask })
		s.found[keyOf(d)] = t
	}
	for _, in := range rep.Inputs {
		if in.Status == assess.Unevaluated {
			s.unknown[in.File+"\x00"+withoutNumbers(in.Reason)] = true
		}
	}
	return s, nil
}

func keyOf(d assess.Deviation) found { return found{d.Check, d.Status, d.Unit, d.Object, d.Path} }

// withoutNumbers makes reasons comparable though lines moved.
func withoutNumbers(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, s)
}

func (r *runner) planner(s *sources) *planner {
	if r.answered == nil {
		r.answered = map[string]bool{}
	}
	return &planner{src: s, values: r.opts.Values, only: r.opts.Only, answered: r.answered}
}

// sourcesOf reads the files of a state.
func (r *runner) sourcesOf(s *state) (*sources, error) {
	entries, err := s.src.Entries(r.ctx)
	if err != nil {
		return nil, err
	}
	return newSources(s.src, r.opts.Parser, entries), nil
}

func (r *runner) plan(s *state) ([]*Patch, error) {
	src, err := r.sourcesOf(s)
	if err != nil {
		return nil, err
	}
	return r.planner(src).patches(s.rep), nil
}

// verdict is what an assessment says of a set of patches.
type verdict struct {
	// left are the patches whose finding is still there.
	left []*Patch
	// fresh are findings that were not there before.
	fresh []found
	// broken are inputs, by file, that cannot be evaluated any more.
	broken []string
	lost   bool // objects are missing
}

func (v *verdict) ok() bool {
	return len(v.left) == 0 && len(v.fresh) == 0 && len(v.broken) == 0 && !v.lost
}

// why says what is wrong, for a person.
func (v *verdict) why() string {
	switch {
	case len(v.broken) > 0:
		return v.broken[0] + " could not be evaluated any more"
	case v.lost:
		return "objects would be missing"
	case len(v.fresh) > 0:
		return fmt.Sprintf("it would bring %s of %s at %s", v.fresh[0].check, v.fresh[0].object, cmp.Or(v.fresh[0].path, "its top"))
	}
	return "the finding would still be there"
}

// compare judges what patches made of a state.
func compare(before, after *state, patches []*Patch) *verdict {
	v := &verdict{lost: after.rep.Summary.Objects < before.rep.Summary.Objects}
	byFinding := map[string]*Patch{}
	for _, p := range patches {
		byFinding[p.Finding.Fingerprint] = p
	}
	allowed := map[found]int{}
	aimed := map[found][]*Patch{}
	groups := map[found]tally{} // by object, whatever the field
	for k, t := range before.found {
		allowed[k] = t.n
		groups[k.group()] = groups[k.group()].plus(t)
	}
	for _, d := range before.rep.Deviations {
		if p := byFinding[d.Finding]; p != nil {
			k := keyOf(d)
			allowed[k]--
			aimed[k] = append(aimed[k], p)
			g := groups[k.group()]
			g.n--
			groups[k.group()] = g
		}
	}
	now := map[found]tally{}
	for k, t := range after.found {
		now[k.group()] = now[k.group()].plus(t)
	}
	for k, t := range after.found {
		was, group := before.found[k], groups[k.group()]
		switch {
		case len(aimed[k]) > 0 && t.n > max(allowed[k], 0):
			v.left = append(v.left, aimed[k]...)
		case t.n > was.n && now[k.group()].n <= group.n && t.severity <= group.severity:
			// A finding about the whole object moved to the next field.
		case t.n > was.n || k.status == ops.Fail && t.severity > was.severity:
			v.fresh = append(v.fresh, k)
		}
	}
	for in := range after.unknown {
		if !before.unknown[in] {
			file, _, _ := strings.Cut(in, "\x00")
			v.broken = append(v.broken, file)
		}
	}
	slices.Sort(v.broken)
	slices.SortFunc(v.fresh, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.check, b.check), cmp.Compare(a.object.String(), b.object.String()), cmp.Compare(a.path, b.path))
	})
	return v
}

// search looks for the largest set of patches of one state that holds.
type search struct {
	*runner
	from  *state
	files *sources
	// accepted is the state of the last set that held.
	accepted *state
}

// prove returns the patches that hold together and the state that they make.
func (r *runner) prove(from *state, ready []*Patch) (*state, []*Patch, error) {
	files, err := r.sourcesOf(from)
	if err != nil {
		return nil, nil, err
	}
	s := &search{runner: r, from: from, files: files, accepted: from}
	held, err := s.grow(nil, ready)
	return s.accepted, held, err
}

func (r *runner) drop(p *Patch, reason string) {
	if !r.dropped[p.Finding.Fingerprint] {
		r.dropped[p.Finding.Fingerprint] = true
		r.refusals = append(r.refusals, Dropped{p.Finding, reason})
	}
}

// grow adds to good, which holds, as many of the candidates as hold with it.
func (s *search) grow(good, candidates []*Patch) ([]*Patch, error) {
	for len(candidates) > 0 {
		if s.budget <= 0 {
			for _, p := range candidates {
				s.drop(p, fmt.Sprintf("it was not tried: %d assessments found no larger set that holds; mend it alone with --check %s", MaxAssessments, p.Finding.Check))
			}
			return good, nil
		}
		v, after, applied, err := s.try(good, candidates)
		if err != nil {
			return nil, err
		}
		candidates = applied
		switch {
		case len(candidates) == 0:
			return good, nil
		case v.ok():
			s.accepted = after
			return append(slices.Clip(good), candidates...), nil
		case len(candidates) == 1:
			s.drop(candidates[0], v.why())
			return good, nil
		}
		if blamed := blame(v, candidates); len(blamed) > 0 {
			candidates = slices.DeleteFunc(slices.Clone(candidates), func(p *Patch) bool {
				why, ok := blamed[p]
				if ok {
					s.drop(p, why)
				}
				return ok
			})
			continue
		}
		first, second := split(v, candidates)
		if good, err = s.grow(good, first); err != nil {
			return nil, err
		}
		candidates = second
	}
	return good, nil
}

// blame tells which candidates are to blame without a doubt, and why: those
// that leave their finding, and for each new finding the only one at its field
// or, if none is, the only one at its object.
func blame(v *verdict, candidates []*Patch) map[*Patch]string {
	if len(v.broken) > 0 || v.lost {
		return nil
	}
	blamed := map[*Patch]string{}
	for _, p := range v.left {
		if slices.Contains(candidates, p) {
			blamed[p] = (&verdict{}).why()
		}
	}
	byObject := map[ops.Ref][]*Patch{}
	for _, p := range candidates {
		byObject[p.Finding.Object] = append(byObject[p.Finding.Object], p)
	}
	for _, k := range v.fresh {
		all := byObject[k.object]
		near := slices.DeleteFunc(slices.Clone(all), func(p *Patch) bool { return !related(stable(p.Finding.Path), stable(k.path)) })
		if len(near) == 0 {
			near = all
		}
		if len(near) == 1 {
			blamed[near[0]] = (&verdict{fresh: []found{k}}).why()
		}
	}
	return blamed
}

// stable takes the entries out of a path, which are written in two ways.
func stable(path string) string {
	var b strings.Builder
	depth := 0
	for _, c := range path {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// related reports whether two paths are the same or one leads to the other.
func related(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// try applies good and the candidates to a copy and has it assessed. Patches
// that cannot be applied are dropped; applied are the other candidates.
func (s *search) try(good, candidates []*Patch) (v *verdict, after *state, applied []*Patch, err error) {
	d := newDraft(s.files)
	for _, p := range good {
		if err := d.add(p); err != nil {
			return nil, nil, nil, err
		}
	}
	for _, p := range candidates {
		if err := d.add(p); err != nil {
			s.drop(p, err.Error())
			continue
		}
		applied = append(applied, p)
	}
	if len(applied) == 0 {
		return &verdict{}, s.accepted, nil, nil
	}
	texts := maps.Clone(s.from.texts)
	if texts == nil {
		texts = map[string][]byte{}
	}
	maps.Copy(texts, d.texts())
	if after, err = s.assess(over(s.runner.src, texts)); err != nil {
		return nil, nil, nil, err
	}
	after.texts = texts
	all := append(slices.Clip(good), applied...)
	v = compare(s.from, after, all)
	if s.lenient {
		v.fresh = slices.DeleteFunc(v.fresh, func(k found) bool { return after.found[k].mendable && (s.opts.Only == nil || s.opts.Only(k.check)) })
	}
	return v, after, applied, nil
}

// split parts candidates so that those who may be to blame come last: first by
// what they touch, then by file, then in the middle.
func split(v *verdict, candidates []*Patch) (first, second []*Patch) {
	suspect := func(p *Patch) bool {
		for _, k := range v.fresh {
			if k.object == p.Finding.Object {
				return true
			}
		}
		return slices.Contains(v.left, p) || slices.ContainsFunc(p.Ops, func(op Op) bool { return slices.Contains(v.broken, op.File) })
	}
	for _, p := range candidates {
		if suspect(p) {
			second = append(second, p)
		} else {
			first = append(first, p)
		}
	}
	if len(first) > 0 && len(second) > 0 {
		return first, second
	}
	var files []string
	for _, p := range candidates {
		if f := p.Ops[0].File; !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	if len(files) > 1 {
		half := files[:len(files)/2]
		first, second = nil, nil
		for _, p := range candidates {
			if slices.Contains(half, p.Ops[0].File) {
				first = append(first, p)
			} else {
				second = append(second, p)
			}
		}
		return first, second
	}
	return candidates[:len(candidates)/2], candidates[len(candidates)/2:]
}

// changed lists the files that a state changed.
func (r *runner) changed(out *Outcome, s *state) error {
	for _, name := range slices.Sorted(maps.Keys(s.texts)) {
		before, err := fs.ReadFile(r.src, name)
		if err != nil {
			return err
		}
		if string(before) != string(s.texts[name]) {
			out.Files = append(out.Files, File{name, before, s.texts[name]})
		}
	}
	return nil
}
