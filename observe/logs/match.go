package logs

import "slices"

// bucket holds the templates of one shape: of as many words, with the same
// signs between them. The most particular come first.
type bucket struct {
	key   uint64
	nodes []*node
	// turn changes with every change of the templates: what the cache knows of
	// them is then worth nothing.
	turn uint32
}

// entry is what a line was found to be.
type entry struct {
	whole uint64
	node  *node
	turn  uint32
}

// find returns the template of a line, nil if there is none: the most
// particular one, of these the oldest.
func (b *bucket) find(s *scan) *node {
	words := s.hash[:s.n]
next:
	for _, n := range b.nodes {
		if len(n.hash) != len(words) {
			continue
		}
		for i, h := range n.hash {
			if h != words[i] && (n.kind[i] != wild || n.fixed == 0) {
				continue next
			}
		}
		return n
	}
	return nil
}

// add puts a template in its place.
func (b *bucket) add(n *node) {
	i := len(b.nodes)
	for i > 0 && b.nodes[i-1].fixed < n.fixed {
		i--
	}
	b.nodes = slices.Insert(b.nodes, i, n)
	n.bucket = b
	b.turn++
}

// remove takes a template out.
func (b *bucket) remove(n *node) {
	if i := slices.Index(b.nodes, n); i >= 0 {
		b.nodes = slices.Delete(b.nodes, i, i+1)
	}
	b.turn++
}
