package health

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var identicalProbes = &check.Check{
	ID: "k8s-identical-probes", Name: "identical-probes", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K48"},
	Practices: []string{"liveness", "readiness"},
	Facts:     available,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		both := false
		for c := range pod.Each() {
			live, ready := c.Node.Get("livenessProbe"), c.Node.Get("readinessProbe")
			if live.IsNull() || ready.IsNull() {
				continue
			}
			both = true
			h := handlerOf(c, live)
			if h.kind == "" || h != handlerOf(c, ready) || pendingTiming(live).Exists() || pendingTiming(ready).Exists() {
				continue
			}
			// The same question is fine if the pod loses its traffic well
			// before it is restarted.
			l, r := timingOf(live).tolerates(), timingOf(ready).tolerates()
			if l > r {
				continue
			}
			p.Fail(live, "", "liveness and readiness of container %q ask the same (%s), and liveness gives up after %d s, no later than readiness after %d s: under load it is restarted instead of relieved", c.Name, h.kind, l, r)
		}
		if !both {
			p.Skip()
		}
	},
}
