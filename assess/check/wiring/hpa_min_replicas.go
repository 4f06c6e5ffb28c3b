package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hpaMinReplicas = &check.Check{
	ID: "k8s-hpa-min-replicas", Name: "hpa-min-replicas", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K41"},
	Practices: []string{"autoscaling", "availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}, {Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"HorizontalPodAutoscaler"},
	Object: func(p *check.Pass, o *graph.Object) {
		low, high := o.Spec().Get("minReplicas"), o.Spec().Get("maxReplicas")
		if low.IsString() {
			p.Unknown(low, "", "minReplicas is %q, which is filled in elsewhere", low.Text())
			return
		}
		n, m := low.IntOr(1), high.IntOr(0)
		switch {
		case m > 0 && n > m:
			p.Fail(low, "", "minReplicas %d is above maxReplicas %d: the API server refuses the object", n, m).As(ops.High)
		case m > 0 && n == m:
			p.Fail(high, "", "minReplicas and maxReplicas are both %d: nothing is ever scaled", n).As(ops.Low).Ask("maxReplicas above minReplicas")
		case n == 0: // scaling to zero is a decision of its own
		case n < 2 && low.IsNull():
			p.Fail(o.Spec(), "minReplicas", "minReplicas is not set, so it is 1: at quiet times a single pod is left").Set("2")
		case n < 2:
			p.Fail(low, "", "minReplicas is %d: at quiet times a single pod is left", n).Set("2")
		}
	},
}
