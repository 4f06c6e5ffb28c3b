package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// A limit above this many times the request is more promise than a node can
// keep. CPU time is only shared out slower, memory is not.
const (
	memoryRatio = 4
	cpuRatio    = 20
)

var requestLimitRatio = &check.Check{
	ID: "k8s-request-limit-ratio", Name: "request-limit-ratio", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K47"},
	Practices: requestsAndLimits,
	Facts:     declared,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		asked := false
		for c := range pod.Each() {
			asked = judgeRatios(p, c) || asked
		}
		if !asked {
			p.Skip()
		}
	},
}

// judgeRatios compares the limits of a container with its requests. It returns
// whether any resource has both.
func judgeRatios(p *check.Pass, c *graph.Container) (asked bool) {
	r := c.Node.Get("resources")
	for name, limit := range r.Get("limits").Fields() {
		resource := name.Text()
		request := r.Get("requests").Get(resource)
		have, ok := quantity(request)
		top, okLimit := quantity(limit)
		if !ok || !okLimit || top <= 0 {
			continue
		}
		asked = true
		most := float64(cpuRatio)
		if resource == "memory" {
			most = memoryRatio
		}
		switch {
		case have > top:
			p.Fail(request, "", "container %q requests %s of %s, more than its limit of %s: the API server refuses it", c.Name, request.Text(), resource, limit.Text()).As(ops.High).Ask(resource + " request")
		case (resource == "cpu" || resource == "memory") && have > 0 && top > have*most*1.0001:
			p.Fail(limit, "", "the %s limit of container %q, %s, is %.0f times its request of %s: nodes that are filled by requests cannot give that to all", resource, c.Name, limit.Text(), top/have, request.Text()).Ask(resource + " request nearer to the limit")
		}
	}
	return asked
}
