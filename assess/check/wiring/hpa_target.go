package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hpaTarget = &check.Check{
	ID: "k8s-hpa-target", Name: "hpa-target", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K41"},
	Practices: []string{"autoscaling", "wiring"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"HorizontalPodAutoscaler", "VerticalPodAutoscaler", "ScaledObject"},
	Object: func(p *check.Pass, o *graph.Object) {
		at, kind, name := wire.ScaleTarget(o)
		if name == "" || kind == "" {
			p.Skip()
			return
		}
		if graph.Placeholder(name) || graph.Placeholder(kind) {
			p.Unknown(at, "", "the target %s %q is filled in elsewhere", kind, name)
			return
		}
		for e := range o.Out(graph.Scales) {
			if group := (ops.Ref{APIVersion: at.Get("apiVersion").Text()}).Group(); group != "" && group != e.To.Group() && o.Kind != "ScaledObject" {
				p.Fail(at.Get("apiVersion"), "", "the target is %s of group %s, but the reference says %s: nothing is scaled", e.To, e.To.Group(), at.Get("apiVersion").Text()).Set(e.To.APIVersion)
			}
			return
		}
		if p.Elsewhere(kind, o.Namespace, name) != nil {
			return
		}
		if cr := wire.Mentioned(p.Graph, o.Namespace, name); cr != nil {
			p.Unknown(at.Get("name"), "", "%s %q is in no file; the operator of %s may make it", kind, name, cr)
			return
		}
		if !shown(p, o.Namespace) || wire.SystemNamespace(o.Namespace) {
			p.Unknown(at.Get("name"), "", "no workload of %s is in this repository, so whether %s %q exists cannot be seen", namespaceText(o.Namespace), kind, name)
			return
		}
		for _, other := range [...]string{"Deployment", "StatefulSet", "Rollout", "DaemonSet"} {
			if t := p.Graph.Find(other, o.Namespace, name); t != nil {
				p.Fail(at, "kind", "there is no %s %q in %s, but a %s of that name: nothing is scaled", kind, name, namespaceText(o.Namespace), other)
				return
			}
		}
		p.Fail(at.Get("name"), "", "there is no %s %q in %s: nothing is scaled", kind, name, namespaceText(o.Namespace))
	},
}
