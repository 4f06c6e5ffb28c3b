package privilege

import "slices"

// Find returns a shortest path from an identity to the whole cluster without
// the rule or binding of c (the zero Cut leaves everything), nil if there is
// none. It prefers a path that assumes nothing.
func (m *Model) Find(start State, c Cut) *Path {
	if c == (Cut{}) && m.explored[start] {
		if p := m.certain.path(start); p != nil {
			return p
		}
		return m.possible.path(start)
	}
	if p := m.search(start, c, false); p != nil {
		return p
	}
	return m.search(start, c, true)
}

// routes is the first step of a shortest path from every state that has one.
type routes map[State]Step

func (r routes) path(start State) *Path {
	p := &Path{Start: start}
	for s := start; !s.End(); {
		h, ok := r[s]
		if !ok {
			return nil
		}
		p.Steps = append(p.Steps, h)
		s = h.To
	}
	return p
}

// explore walks once over all that the starts can reach and then back from the
// ends, so that the paths of all starts cost no more than one.
func (m *Model) explore() {
	m.explored = map[State]bool{}
	into := map[State][]Step{}
	queue := slices.Clone(m.starts)
	for _, s := range queue {
		m.explored[s] = true
	}
	for i := 0; i < len(queue); i++ {
		m.hops(queue[i], Cut{}, func(h Step) {
			into[h.To] = append(into[h.To], h)
			if !m.explored[h.To] && !h.To.End() {
				m.explored[h.To] = true
				queue = append(queue, h.To)
			}
		})
	}
	m.certain, m.possible = back(into, false), back(into, true)
}

func back(into map[State][]Step, assume bool) routes {
	r := routes{}
	queue := []State{{Kind: Cluster}, {Kind: Nodes}}
	for i := 0; i < len(queue); i++ {
		for _, h := range into[queue[i]] {
			if _, known := r[h.From]; known || h.Assumes != "" && !assume {
				continue
			}
			r[h.From] = h
			queue = append(queue, h.From)
		}
	}
	return r
}

func (m *Model) search(start State, c Cut, assume bool) *Path {
	cameBy := map[State]Step{start: {}}
	level := []State{start}
	for len(level) > 0 {
		var next []State
		var end *Step
		for _, s := range level {
			m.hops(s, c, func(h Step) {
				if h.Assumes != "" && !assume {
					return
				}
				if _, seen := cameBy[h.To]; seen {
					return
				}
				cameBy[h.To] = h
				if !h.To.End() {
					next = append(next, h.To)
				} else if end == nil || h.To.Kind > end.To.Kind {
					end = &h
				}
			})
		}
		if end != nil {
			return trace(start, *end, cameBy)
		}
		level = next
	}
	return nil
}

func trace(start State, last Step, cameBy map[State]Step) *Path {
	p := &Path{Start: start}
	for h := last; ; h = cameBy[h.From] {
		p.Steps = append([]Step{h}, p.Steps...)
		if h.From == start {
			return p
		}
	}
}

// hops calls yield for each step that leads away from a state.
func (m *Model) hops(s State, c Cut, yield func(Step)) {
	switch {
	case s.Identity():
		(&holder{m, s, m.holds(s, c), yield}).hops()
	case s.Kind == Pods:
		m.fromPods(s, yield)
	}
}

// aggregator is an account of every control plane that may write any right
// into any ClusterRole.
const aggregator = "ServiceAccount kube-system/clusterrole-aggregation-controller, which may write any right into any ClusterRole"

// fromPods are the hops of somebody who can run pods: as any account of the
// namespace, and where no pod standard forbids it, onto the nodes.
func (m *Model) fromPods(s State, yield func(Step)) {
	if s.Namespace == Anywhere || s.Namespace == "kube-system" {
		yield(Step{From: s, To: State{Kind: Cluster}, How: "starts a pod in kube-system as " + aggregator})
		return
	}
	for _, a := range m.accounts[s.Namespace] {
		yield(Step{From: s, To: a, How: "starts a pod as " + a.String()})
	}
	level, declared := m.standard[s.Namespace]
	switch {
	case declared && level == "privileged":
		yield(Step{From: s, To: State{Kind: Nodes}, How: "starts a privileged pod on each node it likes, because " + place(s.Namespace) + " enforces no pod standard"})
	case !declared:
		yield(Step{
			From: s, To: State{Kind: Nodes}, How: "starts a privileged pod on each node it likes, unless " + place(s.Namespace) + " enforces a pod standard",
			Assumes: "the pod-security.kubernetes.io/enforce label of " + place(s.Namespace),
		})
	}
}
