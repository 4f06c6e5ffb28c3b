// Package wire knows which fields of which Kubernetes objects name or select
// other objects, and links them in a graph.
//
// Label selectors are evaluated by apimachinery's own code, narrowed by the
// graph's inverted label index, so that they mean here what they mean to the
// API server. A named target that is not there becomes a graph.Reference in
// Graph.Missing.
package wire

import "github.com/autoecoops/autoecoops/graph"

// Link adds the edges of all of g's objects, and the references whose targets
// are absent. Call it once, after every object was added.
func Link(g *graph.Graph) {
	for _, link := range []func(*graph.Graph){
		linkIdentities,
		linkServices,
		linkMonitors,
		linkScaling,
		linkBudgets,
		linkRoutes,
		linkConfig,
		linkVolumes,
		linkNetwork,
		linkOwners,
		linkDefinitions,
		linkCallbacks,
	} {
		link(g)
	}
}
