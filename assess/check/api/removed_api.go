package api

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var removedAPI = &check.Check{
	ID: "k8s-removed-api", Name: "removed-api", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K58"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 25, Strength: check.Supporting}, {Number: 32, Strength: check.Supporting}},
	Kinds:     []string{"*"},
	Object: func(p *check.Pass, o *graph.Object) {
		at := o.Body.Get("apiVersion")
		if l, ok := lifecycleOf(o); ok {
			if l.removed > 0 && l.removed <= p.Settings.KubeMinor {
				p.Fail(at, "", "%s of %s is not served since Kubernetes 1.%d%s", o.Kind, o.APIVersion, l.removed, l.move())
			}
			return
		}
		if builtIn(o.Group()) {
			return
		}
		for e := range o.In(graph.Defines) {
			v := version(e.From, o.Version())
			if !v.Exists() {
				p.Fail(at, "", "CustomResourceDefinition %s has no version %q", e.From.Name, o.Version())
			} else if v.Get("served").False() {
				p.Fail(at, "", "CustomResourceDefinition %s no longer serves version %q", e.From.Name, o.Version())
			}
			return
		}
	},
}
