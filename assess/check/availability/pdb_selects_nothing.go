package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var pdbSelectsNothing = &check.Check{
	ID: "k8s-pdb-selects-nothing", Name: "pdb-selects-nothing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K51"},
	Practices: []string{"availability", "wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"PodDisruptionBudget"},
	Object: func(p *check.Pass, o *graph.Object) {
		for range o.Out(graph.Selects) {
			return
		}
		s, at := wire.BudgetSelector(o)
		if !at.Exists() {
			p.Fail(o.Spec(), "selector", "has no selector: the budget protects nothing")
			return
		}
		if wire.SystemPods(o.Namespace, at.Get("matchLabels")) && at.Get("matchExpressions").Len() == 0 {
			return
		}
		shown := wire.HasPods(p.Graph, o.Namespace)
		for _, g := range p.Others {
			if len(wire.Pick(g, o.Namespace, s)) > 0 {
				return
			}
			shown = shown || (o.Namespace != "" && len(g.Pods(o.Namespace)) > 0)
		}
		for _, v := range at.Get("matchLabels").Fields() {
			if graph.Placeholder(v.Text()) {
				p.Unknown(at, "", "a label of the selector is filled in elsewhere")
				return
			}
			if cr := wire.Mentioned(p.Graph, o.Namespace, v.Text()); cr != nil {
				p.Unknown(at, "", "no pod template here has these labels; the operator of %s may make such pods", cr)
				return
			}
		}
		if !shown || wire.SystemNamespace(o.Namespace) {
			p.Unknown(at, "", "what runs in the budget's namespace is not in this repository, so what it selects cannot be seen")
			return
		}
		p.Fail(at, "", "no pod template of its namespace has these labels: the budget protects nothing")
	},
}
