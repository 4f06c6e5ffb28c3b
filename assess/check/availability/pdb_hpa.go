package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var pdbHPA = &check.Check{
	ID: "k8s-pdb-hpa", Name: "pdb-hpa", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K51"},
	Practices: []string{"availability", "autoscaling"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"PodDisruptionBudget"},
	Object: func(p *check.Pass, o *graph.Object) {
		b := newBudget(o)
		if b.scaler == nil || !b.at.Exists() || b.never() {
			p.Skip()
			return
		}
		if !b.known || graph.Placeholder(b.at.Text()) {
			p.Unknown(b.at, "", "the limits of the budget or of %s are filled in elsewhere", b.scaler)
			return
		}
		spare, ok := b.spare(b.low)
		if most, _ := b.spare(b.high); !ok || spare > 0 || b.low == 0 || most == 0 {
			return
		}
		field := b.at.Key().Text()
		r := p.Fail(b.at, "", "%s: %s allows no eviction while %s keeps the minimum of %d pods: node drains hang at quiet times", field, b.at.Text(), b.scaler, b.low).
			Fix("Replace %s by maxUnavailable: 1, or raise the minimum of %s.", field, b.scaler)
		b.allowOne(r, b.low)
	},
}
