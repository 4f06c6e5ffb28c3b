package api

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/schema"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var schemaFit = &check.Check{
	ID: "k8s-schema", Name: "schema", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K58"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 32, Strength: check.Supporting}},
	Unit: func(p *check.Pass) {
		var v schema.Validator
		var undefined []*graph.Object
		for _, o := range p.Graph.Objects {
			if group := o.Group(); builtIn(group) || local(group) {
				continue
			}
			if crd := definition(p, o); crd != nil {
				fit(p.On(o), o, crd, &v)
			} else if o.Name != "" { // without a name it is a tool's own file
				undefined = lacking(undefined, o)
			}
		}
		for _, o := range undefined {
			if firstOfKind(p, o) {
				p.On(o).Unknown(o.Body.Get("kind"), "", "the CustomResourceDefinition of %s in group %s is not in the repository, so the fields of such objects cannot be judged", o.Kind, o.Group()).OfKind()
			}
		}
	},
}

// lacking adds an object to those that stand for the kinds without a
// definition, which are few.
func lacking(kinds []*graph.Object, o *graph.Object) []*graph.Object {
	for _, k := range kinds {
		if sameKind(k, o) {
			return kinds
		}
	}
	return append(kinds, o)
}

// firstOfKind reports whether no other unit has such an object that comes
// before o by its source. One result for a kind is enough in a repository,
// since what is missing is one file.
func firstOfKind(p *check.Pass, o *graph.Object) bool {
	for _, g := range p.Others {
		for _, other := range g.Kind(o.Kind) {
			if sameKind(other, o) && other.Name != "" {
				if other.Source < o.Source {
					return false
				}
				break // the others of g come later
			}
		}
	}
	return true
}

func sameKind(a, b *graph.Object) bool { return a.Kind == b.Kind && a.Group() == b.Group() }

// fit validates one custom resource.
func fit(p *check.Pass, o, crd *graph.Object, v *schema.Validator) {
	s, keep := schemaOf(crd, o.Version())
	if !s.IsMap() {
		return // reported as a removed version, or the definition has no schema
	}
	v.Keep = keep
	problems := v.Resource(s, o.Body)
	if len(problems) == 0 {
		p.Good(o.Body.Get("kind"))
	}
	for i := range problems {
		q := &problems[i]
		switch q.Kind {
		case schema.Unsettled:
			p.Unknown(q.At, q.Missing, "%s", q.Message)
		case schema.Dropped:
			p.Fail(q.At, q.Missing, "%s: the API server drops it in silence", q.Message).As(ops.Medium)
		default:
			p.Fail(q.At, q.Missing, "%s: the API server refuses the object", q.Message)
		}
	}
}

// schemaOf returns the schema for a version, and whether unknown fields are
// kept.
func schemaOf(crd *graph.Object, name string) (s tree.Node, keep bool) {
	const field = "openAPIV3Schema"
	keep = crd.Spec().Get("preserveUnknownFields").True()
	if crd.Version() == "v1beta1" {
		keep = !crd.Spec().Get("preserveUnknownFields").False()
	}
	s = version(crd, name).At("schema", field)
	if !s.Exists() {
		s = crd.Spec().At("validation", field)
	}
	return s, keep
}
