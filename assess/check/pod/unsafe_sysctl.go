package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var unsafeSysctl = &check.Check{
	ID: "k8s-unsafe-sysctl", Name: "unsafe-sysctl", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K12"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		for _, s := range pod.Security().Get("sysctls").Items() {
			name := s.Get("name")
			if !podsecurity.SafeSysctl(name.Text(), p.Settings.KubeMinor) {
				p.Fail(s, "name", "the pod sets the sysctl %s, which is not on the list of safe ones: a node refuses the pod unless its kubelet allows it by name", name.Text())
			}
		}
	},
}
