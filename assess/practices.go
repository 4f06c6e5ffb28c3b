package assess

import (
	"cmp"
	"slices"

	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// judgePractices makes the scorecard from the findings, the passes and what
// the look at all files found.
func (r *run) judgePractices(findings []ops.Finding) []scorecard.Judged {
	f := scorecard.Facts{Scan: r.scan, Locate: r.placeOf}
	for _, rd := range r.renders {
		switch {
		case rd.Tool == Kustomize:
			f.Kustomizations++
		case rd.Variant == "":
			f.Charts++
		}
	}
	for _, u := range r.units {
		f.Graphs = append(f.Graphs, u.graph)
	}
	byCheck := map[ops.CheckID][]ops.Finding{}
	good := map[ops.CheckID][]ops.Finding{}
	for _, fd := range findings {
		if fd.Status == ops.Pass {
			good[fd.Check] = append(good[fd.Check], fd)
		} else {
			byCheck[fd.Check] = append(byCheck[fd.Check], fd)
		}
	}
	for _, c := range r.opts.Checks {
		o := scorecard.Outcome{Check: c.ID, Practices: c.Practices, Findings: byCheck[c.ID]}
		for _, fd := range good[c.ID] {
			o.Passed++
			if len(o.Sample) < evidencePerCheck {
				o.Sample = append(o.Sample, scorecard.Evidence{File: fd.File, Line: fd.Line, Object: fd.Object.String(), Check: c.ID, Status: ops.Pass})
			}
		}
		if ps := r.passes[c]; ps != nil && !r.opts.KeepPassed {
			o.Passed += ps.n
			for _, obj := range ps.first[:min(len(ps.first), max(0, evidencePerCheck-len(o.Sample)))] {
				pos := r.placeOf(obj, obj.Body)
				o.Sample = append(o.Sample, scorecard.Evidence{File: pos.File, Line: pos.Line, Object: obj.Ref.String(), Check: c.ID, Status: ops.Pass})
			}
		}
		f.Outcomes = append(f.Outcomes, o)
	}
	slices.SortFunc(f.Outcomes, func(a, b scorecard.Outcome) int { return cmp.Compare(a.Check, b.Check) })
	return scorecard.Judge(f)
}

// placeOf finds the authoring place of a value.
func (r *run) placeOf(o *graph.Object, at tree.Node) ops.Position {
	res := &located{Result: atNode(o, at)}
	pos, _, _ := r.locate(res, at.PathFrom(o.Body))
	pos.EndLine = pos.Line
	return pos
}
