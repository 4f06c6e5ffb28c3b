package availability

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var priorityClass = &check.Check{
	ID: "k8s-priority-class", Name: "priority-class", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K52"},
	Practices: []string{"availability", "guaranteed-qos-for-critical"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	OptIn:     true,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		at := pod.Spec.Get("priorityClassName")
		switch name := at.Text(); {
		case name == "":
			p.Fail(pod.Spec, "priorityClassName", "no priority class: when the cluster is full these pods wait and are moved like any other").Ask("name of the priority class")
		case !strings.HasPrefix(name, "system-") && p.Graph.Find("PriorityClass", "", name) == nil && p.Elsewhere("PriorityClass", "", name) == nil:
			p.Unknown(at, "", "PriorityClass %s is not in the repository: without it no pod can be created", name)
		}
	},
}
