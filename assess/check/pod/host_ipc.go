package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hostIPC = &check.Check{
	ID: "k8s-host-ipc", Name: "host-ipc", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K09"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if at := pod.Spec.Get("hostIPC"); at.True() {
			p.Fail(at, "", "the pod shares memory segments and semaphores with the processes of its node").Remove()
		}
	},
}
