package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hostPID = &check.Check{
	ID: "k8s-host-pid", Name: "host-pid", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K09"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if at := pod.Spec.Get("hostPID"); at.True() {
			r := p.Fail(at, "", "the pod sees every process of its node, with their arguments and environments").Remove()
			switch {
			case podsecurity.HostProcess(pod.Security()).Exists():
				r.As(ops.Low) // what matters is hostProcess, which has a check of its own
			case pod.Object.Kind == "DaemonSet":
				r.As(ops.Medium) // an agent of the node may have to
			}
		}
	},
}
