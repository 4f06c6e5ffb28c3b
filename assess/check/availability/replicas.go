package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var replicas = &check.Check{
	ID: "k8s-replicas", Name: "replicas", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K50"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Direct}},
	Kinds:     []string{"Deployment", "StatefulSet", "Rollout"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Pod == nil || scaler(o) != nil {
			return // how many an autoscaler keeps is looked at there
		}
		at, missing := o.Spec().Get("replicas"), ""
		if at.IsNull() {
			at, missing = o.Spec(), "replicas"
		}
		n, known := atLeast(o)
		switch {
		case !known:
			p.Unknown(at, missing, "replicas is %q: how many there are is not known from the repository", at.Text())
			return
		case n == 0:
			p.Skip() // switched off
			return
		case n > 1:
			return
		}
		written := "replicas is 1"
		if missing != "" {
			written = "no replicas are set, so there is 1"
		}
		s := serves(o)
		switch {
		case claims(o.Pod):
			p.Fail(at, missing, "%s: while its node is drained or its pod restarts nobody answers (its volume may have to be replicated first)", written).As(ops.Low).Ask("number of replicas")
		case s == nil:
			p.Fail(at, missing, "%s: while its node is drained or its pod restarts the work stands still", written).As(ops.Low).Ask("number of replicas")
		default:
			p.Fail(at, missing, "%s: while its node is drained or its pod restarts, Service %s has nobody to send requests to", written, s.Name).Ask("number of replicas")
		}
	},
}
