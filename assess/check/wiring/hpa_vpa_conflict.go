package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var hpaVPAConflict = &check.Check{
	ID: "k8s-hpa-vpa-conflict", Name: "hpa-vpa-conflict", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K42"},
	Practices: []string{"autoscaling"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"VerticalPodAutoscaler"},
	Object: func(p *check.Pass, o *graph.Object) {
		mode := o.Spec().At("updatePolicy", "updateMode")
		for e := range o.Out(graph.Scales) {
			scaler := horizontal(e.To)
			if scaler == nil {
				continue
			}
			if graph.Placeholder(mode.Text()) {
				p.Unknown(mode, "", "updateMode is filled in elsewhere")
				return
			}
			if mode.Text() == "Off" || mode.Text() == "Initial" || mode.False() {
				return // an unquoted Off is a boolean, which the API server refuses
			}
			metrics, _ := resourceMetrics(scaler)
			for _, m := range metrics {
				if !vertical(o.Spec().Get("resourcePolicy"), m.resource) {
					continue
				}
				at, missing := mode, ""
				if !at.Exists() {
					at, missing = o.Spec(), "updatePolicy.updateMode"
				}
				p.Fail(at, missing, "changes the %s requests of %s, while %s scales it by %s: each works against the other", m.resource, e.To, scaler, m.resource).Set(`"Off"`)
				return
			}
			return
		}
		p.Skip()
	},
}

// vertical reports whether a VerticalPodAutoscaler with this resourcePolicy
// controls the resource in any container.
func vertical(policy tree.Node, resource string) bool {
	list := policy.Get("containerPolicies")
	if list.Len() == 0 {
		return true
	}
	all := true
	for _, c := range list.Items() {
		off := c.Get("mode").Text() == "Off" || c.Get("mode").False()
		if rs := c.Get("controlledResources"); rs.Exists() && !off {
			off = true
			for _, r := range rs.Items() {
				off = off && r.Text() != resource
			}
		}
		if !off {
			return true
		}
		all = all && c.Get("containerName").Text() != "*"
	}
	return all // containers without a policy of their own are controlled
}
