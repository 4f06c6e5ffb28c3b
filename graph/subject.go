package graph

import "iter"

// AddSubject records that the binding r.From names the ServiceAccount, User or
// Group r.Name in the field r.At, whether or not an object of that name exists.
func (g *Graph) AddSubject(r *Reference) {
	if g.subjects == nil {
		g.subjects = map[nameKey][]*Reference{}
	}
	k := nameKey{r.TargetKind, r.Name}
	g.subjects[k] = append(g.subjects[k], r)
}

// Subjects iterates over the bindings' subjects that mean the ServiceAccount,
// User or Group of this name. As in Find, a namespace that is not written down
// stands for any.
func (g *Graph) Subjects(kind, namespace, name string) iter.Seq[*Reference] {
	return func(yield func(*Reference) bool) {
		for _, r := range g.subjects[nameKey{kind, name}] {
			if (r.Namespace == namespace || r.Namespace == "" || namespace == "") && !yield(r) {
				return
			}
		}
	}
}
