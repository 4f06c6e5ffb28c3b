package cause

import (
	"cmp"
	"slices"

	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// names gives every component of a case its number. What one source knows more
// exactly than another is one component, if there is just one that it can be:
// metrics often don't tell the environment that traces do.
type names struct {
	all   []Component // sorted
	index map[Component]int
}

func namesOf(c *Case) names {
	index := map[Component]int{}
	add := func(p Component) {
		if p.Kind != trace.Unknown && p.Kind != trace.Outside && p.Key.Known() {
			index[p] = 0
		}
	}
	for i := range c.Series {
		add(c.Series[i].Of)
	}
	for _, d := range c.Dependencies {
		add(d.Who)
		add(d.On)
	}
	for _, x := range c.Changes {
		add(x.Of)
	}
	for _, l := range c.Logs {
		add(l.Of)
	}
	for i := range c.Edges {
		add(c.Edges[i].Edge.Caller)
		add(c.Edges[i].Edge.Callee)
	}
	n := names{index: index}
	for p := range index {
		n.all = append(n.all, p)
	}
	slices.SortFunc(n.all, compareComponents)
	of := map[string][]int{}
	for i, p := range n.all {
		of[p.Key.Service] = append(of[p.Key.Service], i)
	}
	// Services come first, and the most exactly known, so that those that others are
	// found in stand.
	order := make([]int, len(n.all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rankOf(n.all[a]), rankOf(n.all[b])), cmp.Compare(parts(n.all[b]), parts(n.all[a])))
	})
	whole, home := make([]int, len(n.all)), callersHomes(c)
	for _, i := range order {
		if whole[i] = n.fuller(i, of[n.all[i].Key.Service], whole); whole[i] == i {
			p := n.all[i]
			if p.Key.Namespace == "" && p.Kind != trace.Service {
				p.Key.Namespace = home[p]
			}
			whole[i] = n.hosted(i, p, of, whole)
		}
	}
	// What was found to be another is dropped; numbers close up.
	kept, number := n.all[:0:0], make([]int, len(n.all))
	for i, p := range n.all {
		if whole[i] == i {
			number[i] = len(kept)
			kept = append(kept, p)
		}
	}
	for i, p := range n.all {
		index[p] = number[whole[i]]
	}
	n.all = kept
	return n
}

// callersHomes tells for each component the one namespace that all who call it are of.
func callersHomes(c *Case) map[Component]string {
	const several = "/" // no namespace's name
	home := map[Component]string{}
	add := func(caller, callee Component) {
		if callee.Kind == trace.Service || callee.Kind == Node {
			return
		}
		if known, ok := home[callee]; ok && known != caller.Key.Namespace {
			home[callee] = several
			return
		}
		home[callee] = caller.Key.Namespace
	}
	for _, d := range c.Dependencies {
		add(d.Who, d.On)
	}
	for i := range c.Edges {
		add(c.Edges[i].Edge.Caller, c.Edges[i].Edge.Callee)
	}
	return home
}

// hosted returns the one service that the i-th can only be, of which callers know no
// more than its name, given in p with the namespace in which they know it; i itself if
// there is none or several.
func (n *names) hosted(i int, p Component, of map[string][]int, whole []int) int {
	p, ok := p.Hosted()
	if !ok {
		return i
	}
	found := i
	for _, j := range of[p.Key.Service] {
		q := n.all[j]
		if q.Kind != trace.Service || q.Key.Namespace != p.Key.Namespace || identity.Join(identity.Identity{Key: p.Key}, identity.Identity{Key: q.Key}) < identity.ByService {
			continue
		}
		if found != i && found != whole[j] {
			return i
		}
		found = whole[j]
	}
	return found
}

// rankOf puts services before all else.
func rankOf(p Component) int {
	if p.Kind == trace.Service {
		return 0
	}
	return 1
}

// fuller returns the one component that the i-th can only be and that is known
// more exactly; i itself if there is none or several. whole is its answer for
// those that are known more exactly.
func (n *names) fuller(i int, same, whole []int) int {
	if len(same) > 64 {
		return i // a name that says nothing
	}
	p, found := n.all[i], i
	for _, j := range same {
		q := n.all[j]
		if q.Kind != p.Kind || parts(q) <= parts(p) || identity.Join(identity.Identity{Key: p.Key}, identity.Identity{Key: q.Key}) < identity.ByService {
			continue
		}
		if found != i && found != whole[j] {
			return i
		}
		found = whole[j]
	}
	return found
}

func parts(p Component) (n int) {
	if p.Key.Environment != "" {
		n++
	}
	if p.Key.Namespace != "" {
		n++
	}
	return n
}

// of returns the number of a component, -1 for one that nobody is.
func (n *names) of(p Component) int {
	if i, ok := n.index[p]; ok {
		return i
	}
	return -1
}

func compareComponents(a, b Component) int {
	return cmp.Or(
		cmp.Compare(a.Key.Service, b.Key.Service), cmp.Compare(a.Key.Namespace, b.Key.Namespace),
		cmp.Compare(a.Key.Environment, b.Key.Environment), cmp.Compare(a.Kind, b.Kind),
	)
}
