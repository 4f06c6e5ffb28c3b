package resources

import (
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var limitRange = &check.Check{
	ID: "k8s-limit-range", Name: "limit-range", Pages: pages,
	Absence:   true,
	Severity:  ops.Low,
	Ideas:     []string{"K53"},
	Practices: []string{"availability"},
	Facts:     declared,
	Kinds:     []string{"Namespace"},
	Object: func(p *check.Pass, o *graph.Object) {
		guard(p, o, "LimitRange", "containers that state no resources get none: namespace %[2]q with its %[1]s has no LimitRange")
	},
}

type guardsKey struct{ kind string }

// guard reports a namespace with workloads that has no object of a kind that
// would bound them. Namespaces of Kubernetes itself and those without
// workloads here are left out.
func guard(p *check.Pass, ns *graph.Object, kind, format string) {
	workloads := len(p.Graph.Pods(ns.Name))
	if ns.Group() != "" || workloads == 0 || ns.Name == "kube-system" {
		p.Skip()
		return
	}
	if guarded(p.Graph, kind, ns.Name) {
		return
	}
	for _, g := range p.Others {
		if guarded(g, kind, ns.Name) {
			return
		}
	}
	count := "1 workload"
	if workloads > 1 {
		count = strconv.Itoa(workloads) + " workloads"
	}
	p.Fail(ns.Body.Get("metadata"), "name", format, count, ns.Name)
}

// guarded reports whether a graph holds an object of a kind for a namespace.
func guarded(g *graph.Graph, kind, namespace string) bool {
	if len(g.Kind(kind)) == 0 {
		return false
	}
	index := g.Derive(guardsKey{kind}, func(g *graph.Graph) any { return byNamespace(g.Kind(kind)) }).(map[string][]*graph.Object)
	return len(index[namespace]) > 0 || len(index[""]) > 0
}
