package wire

import "github.com/autoecoops/autoecoops/graph"

// linkIdentities links workloads to the accounts they run as.
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
}
