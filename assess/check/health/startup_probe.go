package health

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// longDelay is an initial delay, in seconds, from which on a startup probe
// serves better.
const longDelay = 30

var startupProbe = &check.Check{
	ID: "k8s-startup-probe", Name: "startup-probe", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K48"},
	Practices: []string{"startup"},
	Facts:     available,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		asked := false
		for c := range pod.Each() {
			live := c.Node.Get("livenessProbe")
			if live.IsNull() || !c.LongRunning() {
				continue
			}
			asked = true
			if t := timingOf(live); t.delay >= longDelay && !c.Node.Has("startupProbe") {
				p.Fail(live, "initialDelaySeconds", "the liveness probe of container %q waits %d s at every start, also when the container is up sooner, and fails it when it is up later", c.Name, t.delay).
					Fix("Add a startupProbe with the same action, periodSeconds: %d and failureThreshold: %d or more, and drop initialDelaySeconds.", min(t.period, 10), (2*t.delay+min(t.period, 10)-1)/min(t.period, 10))
			}
		}
		if !asked {
			p.Skip()
		}
	},
}
