package assess

import (
	"cmp"
	"context"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// Root is what of a tree is deployed together, as one graph.
type Root struct {
	// Name is the folder of the kustomization or chart, or the values file that the chart
	// was rendered with; "" for manifests that are read as they stand.
	Name string
	// Graph holds its objects and their edges.
	Graph *graph.Graph
}

// Graphs returns the graphs that Assess would judge, without judging them, and the inputs
// that could not be read, of which nobody knows what they declare. A root without objects
// is left out.
func (e *Engine) Graphs(ctx context.Context, src Source, opts Options) (roots []Root, unread []Input, err error) {
	r := e.begin(src, opts)
	if err := r.through(ctx, r.render, r.read, r.parse, r.assemble); err != nil {
		return nil, nil, err
	}
	for _, u := range r.units {
		if len(u.graph.Objects) > 0 {
			roots = append(roots, Root{u.via, u.graph})
		}
	}
	for _, in := range r.account() {
		if in.Status == Unevaluated {
			unread = append(unread, in)
		}
	}
	return roots, unread, nil
}

// Declared is where an object of a graph that an Engine made is written: the line of its
// kind, which no tool rewrites.
func Declared(o *graph.Object) ops.Position {
	from, _ := o.Origin.(origin)
	at := o.Body.Get("kind")
	if from.tracer == nil {
		line, column := at.Position()
		return ops.Position{File: from.file, Line: line, Column: column, EndLine: line}
	}
	if place, ok := from.tracer.Trace(from.doc, at.PathFrom(from.doc)); ok {
		return ops.Position{File: place.File, Line: place.Line, Column: place.Column, EndLine: cmp.Or(place.EndLine, place.Line)}
	}
	return ops.Position{File: from.file, Line: 1, Column: 1, EndLine: 1}
}
