package fix

import (
	"slices"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// planner makes patches of a report's deviations.
type planner struct {
	src    *sources
	values map[string]string
	only   func(ops.CheckID) bool
	// answered notes the values that something asked for.
	answered map[string]bool
}

// patches makes a patch of each finding that something is known to remove, in
// the order of the findings.
func (p *planner) patches(rep *assess.Report) []*Patch {
	changes := map[string][]assess.Change{}
	for _, d := range rep.Deviations {
		if d.Status == ops.Fail {
			changes[d.Finding] = append(changes[d.Finding], d.Changes...)
		}
	}
	var out []*Patch
	for _, f := range rep.Findings {
		if f.Status != ops.Fail || len(changes[f.Fingerprint]) == 0 || p.only != nil && !p.only(f.Check) {
			continue
		}
		out = append(out, p.patch(f, changes[f.Fingerprint]))
	}
	return out
}

func (p *planner) patch(f ops.Finding, changes []assess.Change) *Patch {
	out := &Patch{Finding: f}
	for _, c := range changes {
		if c.Set.Ask {
			name := AskName(c.Set.Value)
			p.answered[name] = true
			value, ok := p.values[name]
			if !ok {
				if !slices.Contains(out.Asks, name) {
					out.Asks = append(out.Asks, name)
				}
				continue
			}
			c.Set.Value = value
		}
		op, refused := p.op(c)
		if refused != "" {
			out.Refused, out.Ops = refused, nil
			return out
		}
		if !slices.ContainsFunc(out.Ops, op.same) {
			out.Ops = append(out.Ops, op)
		}
	}
	return out
}

// op finds the place of a change in the files; refused says why there is none.
func (p *planner) op(c assess.Change) (op Op, refused string) {
	op = Op{File: c.File, Value: c.Set.Value, Remove: c.Set.Remove}
	switch c.Origin {
	case "manifest", "base", "patch", "values", "template":
	case "generator":
		return op, "a generator of " + c.File + " makes this object"
	case "transformer":
		return op, "a field of " + c.File + " sets this value in every object"
	default:
		return op, "the place where it was written is not known"
	}
	if op.Remove && c.Origin == "values" {
		return op, "a chart's value is not taken away: its templates read it"
	}
	f := p.src.file(c.File)
	if f == nil {
		return op, c.File + " is not a file of the assessed tree"
	}
	if c.Origin == "template" {
		return p.templateOp(op, c)
	}
	at, ok := p.src.find(f, c.Line, c.Column, c.Path, c.Origin == "values")
	if !ok {
		return op, "what stands at " + c.Position.String() + " is no plain YAML value"
	}
	if len(c.Rest) == 0 && c.Value.Exists() && c.Value.Kind() < tree.List && at.node.Text() != c.Value.Text() {
		return op, "the value at " + c.Position.String() + " is only a part of it"
	}
	if len(c.Rest) == 0 && !c.Value.Exists() && lastKey(at.path) != lastKey(c.Path) {
		return op, "the chart's values do not set it directly"
	}
	op.Part, op.Doc = at.part, at.doc
	op.Path = append(slices.Clip(at.path), c.Rest...)
	return op, ""
}

func (p *planner) templateOp(op Op, c assess.Change) (Op, string) {
	op.Template, op.Line, op.Column, op.Path = true, c.Line, c.Column, c.Rest
	op.Key = lastKey(c.Path)
	if len(c.Rest) == 0 {
		op.Was = c.Value.Text()
		if op.Key == "" || c.Value.Kind() >= tree.List {
			return op, "a whole block of a template"
		}
	}
	for _, s := range c.Rest {
		if s.Index >= 0 {
			return op, "a list's entry of a template"
		}
	}
	return op, ""
}

// lastKey is the key at the end of a path, "" for a list's entry.
func lastKey(p tree.Path) string {
	if len(p) == 0 || p[len(p)-1].Index >= 0 {
		return ""
	}
	return p[len(p)-1].Key
}
