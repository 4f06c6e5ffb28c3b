package wire

import (
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
)

// linkIdentities links workloads to the accounts they run as, bindings to
// their roles and subjects, and aggregated ClusterRoles to their parts.
func linkIdentities(g *graph.Graph) {
	for _, o := range g.Objects {
		if o.Pod == nil {
			continue
		}
		name, at := o.Pod.ServiceAccount()
		sa := g.Find("ServiceAccount", o.Namespace, name)
		switch {
		case sa != nil:
			g.Link(&graph.Edge{Kind: graph.RunsAs, From: o, To: sa, At: at})
		case name != "default":
			g.Missing = append(g.Missing, &graph.Reference{Kind: graph.RunsAs, From: o, At: at, TargetKind: "ServiceAccount", Namespace: o.Namespace, Name: name, Role: "serviceAccountName"})
		}
	}
	for _, kind := range [...]string{"RoleBinding", "ClusterRoleBinding"} {
		for _, b := range g.Kind(kind) {
			if rbac.IsBinding(b) {
				linkRole(g, b)
				linkSubjects(g, b)
			}
		}
	}
	linkAggregation(g)
}

func linkRole(g *graph.Graph, b *graph.Object) {
	kind, name := rbac.RoleRef(b)
	namespace := b.Namespace
	if kind == "ClusterRole" {
		namespace = ""
	} else if kind != "Role" || b.Kind == "ClusterRoleBinding" {
		return // the API server refuses it
	}
	at := b.Body.Get("roleRef")
	role := g.FindGroup(rbac.Group, kind, namespace, name)
	switch {
	case role != nil:
		g.Link(&graph.Edge{Kind: graph.Grants, From: b, To: role, At: at})
	case kind == "ClusterRole" && rbac.BuiltIn(name), kind == "Role" && rbac.BuiltInRole(namespace, name), name == "":
	default:
		g.Missing = append(g.Missing, &graph.Reference{Kind: graph.Grants, From: b, At: at, TargetKind: kind, Namespace: namespace, Name: name, Role: "roleRef"})
	}
}

func linkSubjects(g *graph.Graph, b *graph.Object) {
	for s := range rbac.Subjects(b) {
		r := &graph.Reference{Kind: graph.Binds, From: b, At: s.Node, TargetKind: s.Kind, Namespace: s.Namespace, Name: s.Name, Role: "subject"}
		g.AddSubject(r)
		if s.Kind != "ServiceAccount" {
			continue
		}
		if sa := g.Find("ServiceAccount", s.Namespace, s.Name); sa != nil {
			g.Link(&graph.Edge{Kind: graph.Binds, From: b, To: sa, At: s.Node})
		} else if s.Name != "default" {
			g.Missing = append(g.Missing, r)
		}
	}
}

// linkAggregation links a ClusterRole with an aggregationRule to those whose
// rules it takes in.
func linkAggregation(g *graph.Graph) {
	for _, whole := range g.Kind("ClusterRole") {
		for _, n := range whole.Body.At("aggregationRule", "clusterRoleSelectors").Items() {
			s, err := LabelSelector(n)
			if err != nil {
				continue
			}
			for _, part := range g.Kind("ClusterRole") {
				if part != whole && s.Matches(part.Labels()) {
					g.Link(&graph.Edge{Kind: graph.Aggregates, From: whole, To: part, At: n})
				}
			}
		}
	}
}
