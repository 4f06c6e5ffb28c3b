package health

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var readinessProbe = &check.Check{
	ID: "k8s-readiness-probe", Name: "readiness-probe", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K48"},
	Practices: []string{"readiness"},
	Facts:     available,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if !serves(pod) {
			p.Skip()
			return
		}
		regular := 0
		for c := range pod.Each() {
			if c.Type == graph.Regular {
				regular++
			}
		}
		for c := range pod.Each() {
			// A container beside others that listens nowhere takes no traffic.
			if c.Type != graph.Regular || c.Node.Has("readinessProbe") || (regular > 1 && c.Node.Get("ports").Len() == 0) {
				continue
			}
			if service := serviceOf(c, regular == 1); service != "" {
				p.Fail(c.Node, "readinessProbe", "container %q has no readiness probe: Service %q sends it requests from its first moment, before it can answer", c.Name, service).Ask("readiness probe")
				continue
			}
			p.Fail(c.Node, "readinessProbe", "container %q has no readiness probe: a rollout goes on as soon as its process runs, whether or not it works", c.Name).As(ops.Low).Ask("readiness probe")
		}
	},
}

// serviceOf returns the name of a Service that sends requests to a container,
// "" if none here does. The only container of a pod gets them all; of several
// it is the one that declares the port.
func serviceOf(c *graph.Container, only bool) string {
	for e := range c.Pod.Object.In(graph.Selects) {
		if e.From.Kind != "Service" {
			continue
		}
		for _, port := range e.From.Spec().Get("ports").Items() {
			target := port.Get("targetPort")
			if target.IsNull() {
				target = port.Get("port")
			}
			number, _ := target.Int()
			if only || portNamed(c, target.Str()).Exists() || declares(c, number) {
				return e.From.Name
			}
		}
	}
	return ""
}

// declares reports whether a container declares a port number.
func declares(c *graph.Container, number int64) bool {
	for _, d := range c.Node.Get("ports").Items() {
		if d.Get("containerPort").IntOr(0) == number {
			return true
		}
	}
	return false
}
