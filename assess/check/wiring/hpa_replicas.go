package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hpaReplicas = &check.Check{
	ID: "k8s-hpa-replicas", Name: "hpa-replicas", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K41"},
	Practices: []string{"autoscaling"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"Deployment", "StatefulSet", "ReplicaSet", "Rollout"},
	Object: func(p *check.Pass, o *graph.Object) {
		scaler := horizontal(o)
		if scaler == nil {
			p.Skip()
			return
		}
		at := o.Spec().Get("replicas")
		if n, ok := at.Int(); !ok || n == 0 {
			return // zero switches the autoscaler off on purpose
		}
		p.Fail(at, "", "replicas: %s is put back on every apply, against %s, which scales this workload", at.Text(), scaler).Remove()
	},
}

// horizontal returns the autoscaler that changes o's number of replicas, nil
// if there is none.
func horizontal(o *graph.Object) *graph.Object {
	for e := range o.In(graph.Scales) {
		if e.From.Kind != "VerticalPodAutoscaler" {
			return e.From
		}
	}
	return nil
}
