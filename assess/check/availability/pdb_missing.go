package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var pdbMissing = &check.Check{
	ID: "k8s-pdb-missing", Name: "pdb-missing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K51"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Direct}},
	Kinds:     serviceKinds,
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Pod == nil {
			p.Skip()
			return
		}
		low, _, known := span(o)
		if low < 2 {
			if !known {
				p.Unknown(o.Spec().Get("replicas"), "", "the number of replicas is filled in elsewhere, so whether a disruption budget is needed cannot be seen")
				return
			}
			p.Skip()
			return
		}
		if budgeted(p, o) {
			return
		}
		at := o.Spec().Get("replicas")
		if !at.Exists() {
			at = o.Body.At("metadata", "name")
		}
		p.Fail(at, "", "runs %d replicas, but no PodDisruptionBudget selects its pods: a drain may evict all of them at once", low).
			Fix("Add a PodDisruptionBudget with maxUnavailable: 1 for %s.", o)
	},
}
