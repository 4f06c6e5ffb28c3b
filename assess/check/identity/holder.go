package identity

import (
	"iter"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// holding is who holds a role, and how far it reaches.
type holding struct {
	// bindings is how many bindings grant the role, subjects how many subjects
	// they name.
	bindings, subjects int
	// cluster is set if a ClusterRoleBinding grants it, system if it holds in
	// kube-system only.
	cluster, system bool
	// controllers is set if every holder is an account whose only workloads are
	// programs that manage the cluster.
	controllers bool
	// part is the user-facing role that the role is a part of.
	part string
	// first is one of the holders, where one of the namespaces.
	first, where string
}

// heldBy finds out who holds a role.
func heldBy(p *check.Pass, role *graph.Object) *holding {
	h := &holding{controllers: true}
	if role.Kind == "ClusterRole" {
		h.part = rbac.AggregatesTo(role)
	}
	h.collect(p, role, 0)
	if h.subjects == 0 {
		h.controllers = false
	}
	return h
}

func (h *holding) collect(p *check.Pass, role *graph.Object, depth int) {
	before := h.bindings
	for e := range role.In(graph.Grants) {
		h.add(p.Graph, e.From)
	}
	if h.bindings == before {
		for _, g := range p.Others {
			for b := range bindingsTo(g, role) {
				h.add(g, b)
			}
		}
	}
	if depth < 4 {
		for e := range role.In(graph.Aggregates) {
			h.collect(p, e.From, depth+1)
		}
	}
}

func (h *holding) add(g *graph.Graph, b *graph.Object) {
	h.bindings++
	if b.Kind == "ClusterRoleBinding" {
		h.cluster = true
	} else {
		h.where = b.Namespace
		if b.Namespace == "kube-system" {
			h.system = true
		}
	}
	for s := range rbac.Subjects(b) {
		h.subjects++
		if h.first == "" {
			h.first = s.String()
		}
		if s.Kind != "ServiceAccount" || !controllerAccount(g, s) {
			h.controllers = false
		}
	}
}

// controllerAccount reports whether the account is a part of the cluster, going
// by its namespace or name, or workloads run as it and all of them are evidently
// clients of the API server.
func controllerAccount(g *graph.Graph, s rbac.Subject) bool {
	if s.Namespace == "kube-system" || strings.Contains(s.Name, "controller") || strings.Contains(s.Name, "operator") {
		return true
	}
	sa := g.Find("ServiceAccount", s.Namespace, s.Name)
	if sa == nil {
		return false
	}
	runs := false
	for e := range sa.In(graph.RunsAs) {
		if !apiClient(e.From.Pod) {
			return false
		}
		runs = true
	}
	return runs
}

// bindingsTo iterates over the bindings of a graph that grant a role which
// another graph defines.
func bindingsTo(g *graph.Graph, role *graph.Object) iter.Seq[*graph.Object] {
	return func(yield func(*graph.Object) bool) {
		for _, kind := range [...]string{"ClusterRoleBinding", "RoleBinding"} {
			for _, b := range g.Kind(kind) {
				k, name := rbac.RoleRef(b)
				if name != role.Name || k != role.Kind || k == "Role" && b.Namespace != role.Namespace {
					continue
				}
				if rbac.IsBinding(b) && !yield(b) {
					return
				}
			}
		}
	}
}

// grade lowers a severity, which is meant for a right that a workload holds in
// the whole cluster, to what the holding deserves.
func (h *holding) grade(s ops.Severity, restricted bool) ops.Severity {
	if h.bindings == 0 && h.part == "" {
		return ops.Low
	}
	less := 0
	if !h.cluster && !h.system && h.bindings > 0 {
		less++
	}
	if h.controllers {
		less++
	}
	if restricted {
		less++
	}
	return ops.Severity(max(int(s)-less, int(ops.Low)))
}

// scope says for whom and where a role's rules hold, as the end of a message.
func (h *holding) scope() string {
	others := ""
	if h.subjects > 1 {
		others = " and " + strconv.Itoa(h.subjects-1) + " more"
	}
	holder := h.first + others
	if h.controllers {
		holder += ", which runs a controller,"
	}
	switch {
	case h.bindings == 0 && h.part != "":
		return "for everybody who is bound to the role " + strconv.Quote(h.part) + ", which takes this one in"
	case h.bindings == 0:
		return "for whoever will be bound (no binding in this repository names the role)"
	case h.subjects == 0:
		return "for whoever will be added to its binding"
	case h.cluster:
		return "for " + holder + " in every namespace"
	case h.where == "":
		return "for " + holder + " in its namespace"
	}
	return "for " + holder + " in namespace " + h.where
}
