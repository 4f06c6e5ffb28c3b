package graph

import (
	"iter"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// Ports iterates over the ports that the pod's containers declare, with the
// container of each. What a container declares is documentation: it may listen
// on others.
func (p *Pod) Ports() iter.Seq2[*Container, tree.Node] {
	return func(yield func(*Container, tree.Node) bool) {
		for i := range p.Containers {
			for _, n := range p.Containers[i].Node.Get("ports").Items() {
				if !yield(&p.Containers[i], n) {
					return
				}
			}
		}
	}
}
