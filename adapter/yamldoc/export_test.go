package yamldoc

import "github.com/autoecoops/autoecoops/graph/tree"

// Fast and Library are the two ways to read a part.
func (p Part) Fast() (tree.Document, bool) { return p.fast() }

func (p Part) Library() (docs []tree.Document, panicked bool) {
	defer func() { panicked = recover() != nil }()
	return p.library(), false
}
