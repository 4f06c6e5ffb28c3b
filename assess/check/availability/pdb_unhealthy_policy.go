package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var pdbUnhealthyPolicy = &check.Check{
	ID: "k8s-pdb-unhealthy-policy", Name: "pdb-unhealthy-policy", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K51"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"PodDisruptionBudget"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Version() != "v1" || p.Settings.KubeMinor < 27 {
			p.Skip()
			return
		}
		for e := range o.Out(graph.Selects) {
			if e.To.Kind == "StatefulSet" {
				p.Skip() // a member that is not ready may hold the only copy of data
				return
			}
		}
		at := o.Spec().Get("unhealthyPodEvictionPolicy")
		switch {
		case at.IsNull():
			p.Fail(o.Spec(), "unhealthyPodEvictionPolicy", "pods that are not ready cannot be evicted once the budget is used up: a crash loop holds up every drain").Set("AlwaysAllow")
		case at.Text() == "IfHealthyBudget":
			p.Fail(at, "", "IfHealthyBudget keeps pods that are not ready once the budget is used up: a crash loop holds up every drain").Set("AlwaysAllow")
		}
	},
}
