package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var configmapMissing = &check.Check{
	ID: "k8s-configmap-missing", Name: "configmap-missing", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		absent(p, pod.Object, "ConfigMap", wire.MakeConfigMaps)
	},
}

// inPod tells uses by the pods themselves from uses as a pull credential.
func inPod(r *graph.Reference) bool {
	return r.Role == "env" || r.Role == "envFrom" || r.Role == "volume"
}

// absent reports the ConfigMaps or Secrets that a workload reads and nothing
// produces.
func absent(p *check.Pass, o *graph.Object, kind string, power wire.Power) {
	if !uses(p, o) {
		p.Skip()
		return
	}
	for r := range p.Graph.MissingFrom(o, graph.Uses) {
		if r.TargetKind != kind || r.Holder != nil || r.Optional || !inPod(r) || repeated(p, r, inPod) {
			continue
		}
		if graph.Placeholder(r.Name) {
			p.Unknown(r.At, "", "%s%s %q, whose name is filled in elsewhere", located(r.At), kind, r.Name)
			continue
		}
		if exists(p, kind, r.Namespace, r.Name) || runtimeMade(p, r, power) {
			continue
		}
		p.Fail(r.At, "", "%s%s %q, which nothing in this repository produces: the pod cannot start until somebody makes it by hand", located(r.At), kind, r.Name)
	}
}
