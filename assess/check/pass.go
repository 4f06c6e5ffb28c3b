package check

import (
	"fmt"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Settings are what a user may decide about the evaluation.
type Settings struct {
	// KubeMinor is the minor version of the target cluster, 37 for v1.37.
	KubeMinor int
	// PodSecurity is the level ("privileged", "baseline" or "restricted") that
	// is asked where no namespace label says, and PodSecurityMinor the minor
	// version of the standard, -1 for the latest.
	PodSecurity      string
	PodSecurityMinor int
	// Registries are the allowed image registries or prefixes; empty means
	// that any is allowed.
	Registries []string
}

// Result is one answer of a check about one place.
type Result struct {
	Check    *Check
	Object   *graph.Object
	Status   ops.Status
	Severity ops.Severity
	// At is the value that the answer is about, or, when Missing is set, the
	// map in which the dotted path Missing would be added.
	At      tree.Node
	Missing string
	Message string
	// FixText replaces the page's fix sentence when set.
	FixText string
	// Whole means that the answer is about the object as a whole, though it
	// is shown at one place: the place is no part of its identity.
	Whole bool
	// ByKind means that the answer is about a kind of object and shown at one
	// of them: which one is no part of its identity.
	ByKind bool
	// Sets are changes that remove the finding; see Result.Set.
	Sets []Set
}

// Set is one change to a value: at Path (relative to the result's place, ""
// for the place itself) put the YAML text Value; with Remove, take it away.
// With Ask the value is a person's to choose, and Value says what is asked.
type Set struct {
	// At replaces the result's place when it exists.
	At     tree.Node
	Path   string
	Value  string
	Remove bool
	Ask    bool
}

// Path is where the answer stands in its object.
func (r *Result) Path() tree.Path {
	return r.At.PathFrom(r.Object.Body).Join(r.Missing)
}

// Set adds the change that puts value (YAML flow text, such as `false` or
// `{drop: [ALL]}`) at the place of the finding.
func (r *Result) Set(value string) *Result {
	r.Sets = append(r.Sets, Set{Value: value})
	return r
}

// SetAt adds a change at a dotted path below the finding's At value,
// independent of Missing.
func (r *Result) SetAt(path, value string) *Result {
	r.Sets = append(r.Sets, Set{Path: path, Value: value})
	return r
}

// SetIn adds a change at a dotted path below another value of the object; ""
// means at itself. A map put where a map is adds its keys to it.
func (r *Result) SetIn(at tree.Node, path, value string) *Result {
	r.Sets = append(r.Sets, Set{At: at, Path: path, Value: value})
	return r
}

// Remove adds the change that takes the place of the finding away.
func (r *Result) Remove() *Result {
	r.Sets = append(r.Sets, Set{Remove: true})
	return r
}

// Ask says that a person must choose the value, for example "cpu request".
func (r *Result) Ask(what string) *Result {
	r.Sets = append(r.Sets, Set{Value: what, Ask: true})
	return r
}

// Fix replaces the page's general fix sentence by one for this place.
func (r *Result) Fix(format string, args ...any) *Result {
	r.FixText = fmt.Sprintf(format, args...)
	return r
}

// OfWhole says that the result is about the object as a whole.
func (r *Result) OfWhole() *Result {
	r.Whole = true
	return r
}

// OfKind says that the result is about all objects of its object's kind.
func (r *Result) OfKind() *Result {
	r.Whole, r.ByKind = true, true
	return r
}

// As gives this result a severity other than its check's.
func (r *Result) As(s ops.Severity) *Result {
	r.Severity = s
	return r
}

// Pass is one evaluation of one check; the check reports on it. It is used by
// one goroutine.
type Pass struct {
	Settings *Settings
	// Graph holds the objects of the deployable unit.
	Graph *graph.Graph
	// Others are the graphs of the repository's other units, to look up
	// what the unit itself does not contain.
	Others []*graph.Graph
	// OnPass, when set, is told of each check that found nothing to report on
	// an object. It is a callback because passes are many and rarely kept.
	OnPass func(*Check, *graph.Object)

	check   *Check
	object  *graph.Object
	skipped bool
	good    bool
	results []*Result
}

// NewPass returns a Pass over g.
func NewPass(s *Settings, g *graph.Graph, others []*graph.Graph) *Pass {
	return &Pass{Settings: s, Graph: g, Others: others}
}

// Begin sets the check and object that the next reports are about.
func (p *Pass) Begin(c *Check, o *graph.Object) {
	p.check, p.object, p.skipped, p.good = c, o, false, false
}

// End returns the results since Begin. If the check reported nothing and did
// not skip, that is a pass.
func (p *Pass) End() []*Result {
	if len(p.results) == 0 && !p.skipped && !p.good && p.OnPass != nil && p.check.Unit == nil {
		p.OnPass(p.check, p.object)
	}
	rs := p.results
	p.results = nil
	return rs
}

// On makes the next reports be about o; for checks of a whole unit.
func (p *Pass) On(o *graph.Object) *Pass {
	p.object = o
	return p
}

// Fail reports a deviation. If missing is "" it is about the value at; else
// about the dotted path missing below at, which need not exist: the deepest
// existing value on the way is the place that is shown.
func (p *Pass) Fail(at tree.Node, missing, format string, args ...any) *Result {
	return p.report(ops.Fail, at, missing, fmt.Sprintf(format, args...))
}

// Unknown reports that the check could not be evaluated here; the message
// names the input that is missing.
func (p *Pass) Unknown(at tree.Node, missing, format string, args ...any) *Result {
	return p.report(ops.Unknown, at, missing, fmt.Sprintf(format, args...))
}

// Good reports a pass at a place worth showing as evidence.
func (p *Pass) Good(at tree.Node) {
	p.report(ops.Pass, at, "", "")
	p.good = true
}

// Skip says that the check does not apply here, so that silence is no pass.
func (p *Pass) Skip() { p.skipped = true }

func (p *Pass) report(s ops.Status, at tree.Node, missing, message string) *Result {
	if !at.Exists() {
		at = p.object.Body
	}
	r := &Result{Check: p.check, Object: p.object, Status: s, Severity: p.check.Severity, At: at, Missing: missing, Message: message}
	p.results = append(p.results, r)
	return r
}

// Elsewhere returns the object as another unit of the repository has it, nil
// if none does.
func (p *Pass) Elsewhere(kind, namespace, name string) *graph.Object {
	for _, g := range p.Others {
		if o := g.Find(kind, namespace, name); o != nil {
			return o
		}
	}
	return nil
}
