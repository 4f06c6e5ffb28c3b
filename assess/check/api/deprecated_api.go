package api

import (
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var deprecatedAPI = &check.Check{
	ID: "k8s-deprecated-api", Name: "deprecated-api", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K58"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 25, Strength: check.Supporting}},
	Kinds:     []string{"*"},
	Object: func(p *check.Pass, o *graph.Object) {
		at := o.Body.Get("apiVersion")
		if l, ok := lifecycleOf(o); ok {
			minor := p.Settings.KubeMinor
			if l.deprecated == 0 || l.deprecated > minor || l.removed > 0 && l.removed <= minor {
				return
			}
			end, severity := "", ops.Low
			if l.removed > 0 {
				end = " and gone in 1." + strconv.Itoa(l.removed)
				if l.removed-minor <= 2 {
					severity = ops.Medium
				}
			}
			p.Fail(at, "", "%s of %s is deprecated since Kubernetes 1.%d%s%s", o.Kind, o.APIVersion, l.deprecated, end, l.move()).As(severity)
			return
		}
		if builtIn(o.Group()) {
			return
		}
		for e := range o.In(graph.Defines) {
			v := version(e.From, o.Version())
			if v.Get("deprecated").True() {
				says := v.Get("deprecationWarning").Text()
				if says == "" {
					says = "a later release of it will stop serving the version"
				}
				p.Fail(at, "", "CustomResourceDefinition %s calls version %q deprecated: %s", e.From.Name, o.Version(), says)
			}
			return
		}
	},
}
