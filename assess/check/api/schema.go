package api

import (
	"strconv"

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
		var undefined []undefinedKind
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
		for i := range undefined {
			undefined[i].report(p)
		}
	},
}

// undefinedKind is a kind whose definition is nowhere in the repository. One
// result for all its objects is enough: what is missing is one file.
type undefinedKind struct {
	first  *graph.Object
	others int
}

// lacking adds an object to the kinds without definition, which are few.
func lacking(kinds []undefinedKind, o *graph.Object) []undefinedKind {
	for i := range kinds {
		if k := &kinds[i]; k.first.Kind == o.Kind && k.first.Group() == o.Group() {
			k.others++
			return kinds
		}
	}
	return append(kinds, undefinedKind{first: o})
}

func (k *undefinedKind) report(p *check.Pass) {
	o, whose := k.first, "its fields"
	if k.others == 1 {
		whose = "its fields and those of 1 other here"
	} else if k.others > 1 {
		whose = "its fields and those of " + strconv.Itoa(k.others) + " others here"
	}
	p.On(o).Unknown(o.Body.Get("kind"), "", "the CustomResourceDefinition of %s in group %s is not in the repository, so %s cannot be judged", o.Kind, o.Group(), whose)
}

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
