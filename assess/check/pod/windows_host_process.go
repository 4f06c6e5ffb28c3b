package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var windowsHostProcess = &check.Check{
	ID: "k8s-windows-host-process", Name: "windows-host-process", Pages: pages,
	Severity:  ops.Critical,
	Ideas:     []string{"K09"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if at := podsecurity.HostProcess(pod.Security()); at.Exists() {
			p.Fail(at, "", "the pod's containers are processes of the Windows node itself, with access to all of it").Set("false")
		}
		for c := range pod.Each() {
			if at := podsecurity.HostProcess(c.Security()); at.Exists() {
				p.Fail(at, "", "container %q is a process of the Windows node itself, with access to all of it", c.Name).Set("false")
			}
		}
	},
}
