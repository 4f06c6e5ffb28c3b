package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var configmapKeyMissing = &check.Check{
	ID: "k8s-configmap-key-missing", Name: "configmap-key-missing", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Pod:       func(p *check.Pass, pod *graph.Pod) { absentKey(p, pod.Object, "ConfigMap") },
}

// absentKey reports the keys that a workload reads and that the ConfigMap or
// Secret, or its producer, does not have.
func absentKey(p *check.Pass, o *graph.Object, kind string) {
	if !uses(p, o) {
		p.Skip()
		return
	}
	for r := range p.Graph.MissingFrom(o, graph.Uses) {
		if r.TargetKind != kind || r.Holder == nil || r.Optional || repeated(p, r, inPod) {
			continue
		}
		if graph.Placeholder(r.Key) {
			p.Unknown(r.At, "", "%skey %q of %s %q, which is filled in elsewhere", located(r.At), r.Key, kind, r.Name)
			continue
		}
		if r.Holder.Kind == kind {
			p.Fail(r.At, "", "%skey %q of %s %q, which has no such key: the container cannot start", located(r.At), r.Key, kind, r.Name)
			continue
		}
		p.Fail(r.At, "", "%skey %q of %s %q, but %s does not produce that key: the container cannot start", located(r.At), r.Key, kind, r.Name, r.Holder)
	}
}
