package assess

import (
	"context"
	"io/fs"
	"slices"

	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// JudgeRender judges one rendering on its own, as the gate before a sync does:
// the same checks, exceptions and authoring lines as Assess, of nothing but what
// would be applied. around are objects (YAML or JSON) that are there already:
// what the rendering refers to may be among them; they are not judged.
func (e *Engine) JudgeRender(ctx context.Context, files fs.ReadFileFS, rd *Render, around [][]byte, target Target, opts Options) (*Report, error) {
	read := slices.Clone(rd.Read)
	slices.Sort(read)
	src := renderedSource{files, slices.Compact(read)}
	r := &run{Engine: e, opts: opts, src: src, inputs: map[string]*Input{}, scan: scorecard.NewScan(), renders: []*Render{rd}}
	var err error
	if r.entries, err = src.Entries(ctx); err != nil {
		return nil, err
	}
	r.accountRender(rd)
	if err := r.read(ctx); err != nil {
		return nil, interrupted(err)
	}
	r.units = []*unit{r.renderedUnit(rd)}
	if u := r.aroundUnit(around); u != nil {
		r.units = append(r.units, u)
	}
	for _, u := range r.units {
		wire.Link(u.graph)
	}
	r.objects = len(r.units[0].graph.Objects)
	if err := r.evaluate(ctx); err != nil {
		return nil, interrupted(err)
	}
	rep := &Report{APIVersion: APIVersion, Target: target, Findings: r.findings()}
	if rep.Notices, err = r.except(rep.Findings); err != nil {
		return nil, err
	}
	rep.Findings = slices.DeleteFunc(rep.Findings, func(f ops.Finding) bool { return f.Status == ops.Pass })
	rep.Inputs = r.account()
	rep.Summary = Summary{Coverage: coverage(rep.Inputs), Objects: r.objects, Checks: len(opts.Checks), Passed: r.passed}
	rep.Count()
	return rep, nil
}

// aroundUnit makes a unit of objects that are only there to be linked to.
func (r *run) aroundUnit(texts [][]byte) *unit {
	if len(texts) == 0 {
		return nil
	}
	u := &unit{name: "cluster", graph: graph.New(), around: true}
	for _, t := range texts {
		for _, part := range r.Parser.Split(t) {
			for _, d := range r.Parser.Parse(part) {
				if d.Doc != nil {
					r.addDocument(u, d, "cluster", origin{file: "cluster"})
				}
			}
		}
	}
	return u
}

// renderedSource is the part of a tree that a rendering read.
type renderedSource struct {
	fs.ReadFileFS
	read []string
}

// Entries implements Source.
func (s renderedSource) Entries(context.Context) ([]Entry, error) {
	out := make([]Entry, len(s.read))
	for i, f := range s.read {
		out[i].Path = f
	}
	return out, nil
}
