package trace

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// APIVersion is that of the nodes which stand for what was seen in traces. They
// are no objects of a cluster.
const APIVersion = "telemetry.autoecoops.io/v1"

// nodeKinds name the nodes of the graph.
var nodeKinds = map[NodeKind]string{Service: "TracedService", Database: "TracedDatabase", Queue: "TracedQueue", External: "TracedPeer"}

// Services is what traces add to a graph.
type Services struct {
	// Nodes are the parties, and Calls the costs of each edge between two of
	// them, an operation each.
	Nodes map[Party]*graph.Object
	Calls map[*graph.Edge][]Total
	// Unplaced are the parties to which no workload of the graph belongs,
	// though they are services.
	Unplaced []Party
}

// Into adds the services, databases, queues and peers of an environment to g,
// with an edge "calls" from each caller to each callee, and one "reports" from
// each workload to the service that its telemetry is of. Call it after all other
// objects were added. Calls from outside have no edge. A party whose environment
// is not told is of every one; environment "" means that all are.
func Into(g *graph.Graph, totals []Total, environment string) *Services {
	s := &Services{Nodes: map[Party]*graph.Object{}, Calls: map[*graph.Edge][]Total{}}
	of := func(p Party) bool {
		return environment == "" || p.Key.Environment == "" || p.Key.Environment == environment
	}
	edges := map[pair]*graph.Edge{}
	workloads := declared(g)
	for _, t := range totals {
		if !of(t.Edge.Caller) || !of(t.Edge.Callee) {
			continue
		}
		from, to := s.node(g, t.Edge.Caller, workloads), s.node(g, t.Edge.Callee, workloads)
		if from == nil || to == nil {
			continue
		}
		p := pair{t.Edge.Caller, t.Edge.Callee}
		e := edges[p]
		if e == nil {
			e = &graph.Edge{Kind: graph.Calls, From: from, To: to}
			edges[p] = e
			g.Link(e)
		}
		s.Calls[e] = append(s.Calls[e], t)
	}
	return s
}

// node returns the node of a party, nil for what has none.
func (s *Services) node(g *graph.Graph, p Party, workloads map[string][]workload) *graph.Object {
	kind, ok := nodeKinds[p.Kind]
	if !ok || !p.Key.Known() {
		return nil
	}
	if o := s.Nodes[p]; o != nil {
		return o
	}
	o := &graph.Object{Ref: ops.Ref{APIVersion: APIVersion, Kind: kind, Namespace: p.Key.Namespace, Name: p.Key.Service}, Source: "traces"}
	s.Nodes[p] = o
	g.Add(o)
	if p.Kind != Service {
		return o
	}
	placed := false
	for _, w := range workloads[p.Key.Service] {
		if identity.Join(w.of, identity.Identity{Key: p.Key}) != identity.None {
			g.Link(&graph.Edge{Kind: graph.Reports, From: w.object, To: o, At: w.object.Body})
			placed = true
		}
	}
	if !placed {
		s.Unplaced = append(s.Unplaced, p)
	}
	return o
}

// workload is an object with the identity that its manifest gives it.
type workload struct {
	of     identity.Identity
	object *graph.Object
}

// declared returns the workloads of a graph by the service they are.
func declared(g *graph.Graph) map[string][]workload {
	all := map[string][]workload{}
	for _, o := range g.Objects {
		if !declares(o) {
			continue
		}
		id := identity.Declared(o.Pod, identity.Surroundings(g, o.Pod)).Identity
		all[id.Service] = append(all[id.Service], workload{id, o})
	}
	return all
}

// declares reports whether an object is a workload that somebody wrote down, and not one
// that another of them made.
func declares(o *graph.Object) bool {
	return o.Pod != nil && o.Kind != "ReplicaSet" && (o.Kind != "Pod" || o.Body.At("metadata", "ownerReferences").Len() == 0)
}
