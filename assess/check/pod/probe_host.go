package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var probeHost = &check.Check{
	ID: "k8s-probe-host", Name: "probe-host", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K13"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		podsecurity.HandlerHosts(c, func(handler string, host tree.Node) {
			shared := c.Pod.Spec.Get("hostNetwork").True()
			if local := host.Str() == "127.0.0.1" || host.Str() == "localhost" || host.Str() == "::1"; local && shared {
				p.Fail(host, "", "%s of container %q names the host %s: it works here, as the pod uses its node's network, but the baseline standard forbids it since v1.34", handler, c.Name, host.Str()).As(ops.Low)
				return
			}
			p.Fail(host, "", "%s of container %q makes the kubelet call %s instead of the pod", handler, c.Name, host.Str()).Remove()
		})
	},
}
