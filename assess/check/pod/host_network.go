package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hostNetwork = &check.Check{
	ID: "k8s-host-network", Name: "host-network", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K09"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		at := pod.Spec.Get("hostNetwork")
		if !at.True() {
			return
		}
		if podsecurity.HostProcess(pod.Security()).Exists() {
			p.Fail(at, "", "the pod uses its node's network, as the HostProcess containers of Windows have to").As(ops.Low).
				Fix("Run the containers without `hostProcess`; then `hostNetwork` can go too.")
			return
		}
		r := p.Fail(at, "", "the pod uses its node's network: it reaches what listens on the node's loopback, and no NetworkPolicy holds it")
		if pod.Object.Kind == "DaemonSet" {
			r.As(ops.Medium) // an agent of the node may have to
		}
	},
}
