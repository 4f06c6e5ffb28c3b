package graph

import "slices"

// Selector picks label sets. Apimachinery's labels.Selector, wrapped, is the
// implementation in use; it is an interface so that this package stays free
// of dependencies.
type Selector interface {
	// Matches reports whether the labels are picked.
	Matches(l Labels) bool
	// Exact returns a label that every picked set must carry with this very
	// value; ok is false if there is none. It narrows the search.
	Exact() (label, value string, ok bool)
}

// namespacePods is an inverted index: label and value to the pods with it.
type namespacePods struct {
	all     []*Pod
	byLabel map[labelValue][]*Pod
}

type labelValue struct{ label, value string }

func (g *Graph) indexPod(p *Pod) {
	ns := p.Object.Namespace
	idx := g.pods[ns]
	if idx == nil {
		idx = &namespacePods{byLabel: map[labelValue][]*Pod{}}
		g.pods[ns] = idx
	}
	idx.all = append(idx.all, p)
	for k, v := range p.Labels().Node.Fields() {
		lv := labelValue{k.Text(), v.Text()}
		idx.byLabel[lv] = append(idx.byLabel[lv], p)
	}
}

// Pods returns the pods of a namespace, in input order.
func (g *Graph) Pods(namespace string) []*Pod {
	if idx := g.pods[namespace]; idx != nil {
		return idx.all
	}
	return nil
}

// Select returns the pods of one namespace whose labels s picks, in input
// order.
func (g *Graph) Select(namespace string, s Selector) []*Pod {
	idx := g.pods[namespace]
	if idx == nil {
		return nil
	}
	candidates := idx.all
	if label, value, ok := s.Exact(); ok {
		candidates = idx.byLabel[labelValue{label, value}]
	}
	var out []*Pod
	for _, p := range candidates {
		if s.Matches(p.Labels()) {
			out = append(out, p)
		}
	}
	return slices.Clip(out)
}
