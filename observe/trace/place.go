package trace

import (
	"cmp"
	"slices"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Placement says what of the services that were seen and of the workloads that are
// declared belongs together.
type Placement struct {
	// Placed are the parties that were seen, in the order of their names, each with the
	// workloads that it is of: several where nobody says of which environment or
	// namespace. A service without any runs, and is declared nowhere.
	Placed []Placed
	// Silent are the workloads that nothing was seen of, though something was beside
	// them. Silence is no health.
	Silent []*graph.Object
}

// Placed is a party with the workloads that it is of.
type Placed struct {
	Party     Party
	Workloads []*graph.Object
}

// Place puts the parties of totals beside the workloads of the graphs, one of each root of
// manifests, and adds to each graph what Into adds. A service is of the workload that
// reports it. A database or another host that sends no spans is of the workload that the
// Service of its name selects; those that are of none are left out, as most are nobody's
// to declare.
//
// What traces can tell of a workload is more than nothing only where traces come from:
// one is silent if something of its namespace and environment was seen, or a workload in
// the same graph and namespace was. Jobs, which come and go, never are.
func Place(graphs []*graph.Graph, totals []Total) Placement {
	if len(graphs) == 0 {
		graphs = []*graph.Graph{graph.New()} // all that runs is declared nowhere
	}
	placed := map[Party][]*graph.Object{}
	for _, g := range graphs {
		for p, node := range Into(g, totals, "").Nodes {
			of := reporters(node)
			if host, ok := p.Hosted(); ok {
				of = selected(g, host)
			}
			if p.Kind == Service || len(of) > 0 {
				placed[p] = append(placed[p], of...)
			}
		}
	}
	var out Placement
	seen := map[ops.Ref]bool{}
	for p, of := range placed {
		out.Placed = append(out.Placed, Placed{p, of})
		for _, o := range of {
			seen[o.Ref] = true
		}
	}
	slices.SortFunc(out.Placed, func(a, b Placed) int {
		return cmp.Or(cmp.Compare(a.Party.Key.String(), b.Party.Key.String()), cmp.Compare(a.Party.Kind, b.Party.Kind))
	})
	for _, g := range graphs {
		out.Silent = append(out.Silent, silent(g, out.Placed, seen)...)
	}
	return out
}

// reporters are the workloads whose telemetry is of a service.
func reporters(service *graph.Object) (out []*graph.Object) {
	for e := range service.In(graph.Reports) {
		out = append(out, e.From)
	}
	return out
}

// selected are the workloads behind the Service of a host's name.
func selected(g *graph.Graph, host Party) (out []*graph.Object) {
	service := g.Find("Service", host.Key.Namespace, host.Key.Service)
	if service == nil {
		return nil
	}
	for e := range service.Out(graph.Selects) {
		if declares(e.To) {
			out = append(out, e.To)
		}
	}
	return out
}

// silent are the workloads of a graph that should have been seen and were not.
func silent(g *graph.Graph, placed []Placed, seen map[ops.Ref]bool) (out []*graph.Object) {
	heard := map[string]bool{} // namespaces of this graph
	for _, o := range g.Objects {
		if o.Pod != nil && seen[o.Ref] {
			heard[o.Namespace] = true
		}
	}
	for _, o := range g.Objects {
		if !declares(o) || o.Pod.Finite() || seen[o.Ref] {
			continue
		}
		of := identity.Declared(o.Pod, identity.Surroundings(g, o.Pod)).Identity
		if heard[o.Namespace] || slices.ContainsFunc(placed, func(p Placed) bool { return beside(p.Party.Key, of) }) {
			out = append(out, o)
		}
	}
	return out
}

// beside reports whether a workload is of the namespace and environment of what was seen.
func beside(seen identity.Key, w identity.Identity) bool {
	if seen.Environment != w.Environment && seen.Environment != "" && w.Environment != "" {
		return false
	}
	return seen.Namespace != "" && (seen.Namespace == w.Namespace || seen.Namespace == w.KubeNamespace)
}
