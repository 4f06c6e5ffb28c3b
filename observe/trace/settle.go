package trace

import "github.com/autoecoops/autoecoops/ops/identity"

// Settle puts services in the place of the hosts that they are: who is called by a host's
// name and sends spans of calls of its own is one party, not two. Totals of edges that are
// the same then become one. A host that could be several services, or none that is known,
// stays what it is.
func Settle(stretches ...[]Total) [][]Total {
	services := map[identity.Key][]Party{} // by namespace and name
	know := func(p Party) {
		if p.Kind != Service {
			return
		}
		at := identity.Key{Namespace: p.Key.Namespace, Service: p.Key.Service}
		for _, known := range services[at] {
			if known == p {
				return
			}
		}
		services[at] = append(services[at], p)
	}
	for _, totals := range stretches {
		for i := range totals {
			know(totals[i].Edge.Caller)
			know(totals[i].Edge.Callee)
		}
	}
	out := make([][]Total, len(stretches))
	for i, totals := range stretches {
		at := map[Edge]int{}
		for _, t := range totals {
			t.Edge.Callee = settled(t.Edge.Callee, services)
			if n, ok := at[t.Edge]; ok {
				out[i][n].Cost.Merge(&t.Cost)
				continue
			}
			at[t.Edge] = len(out[i])
			out[i] = append(out[i], t)
		}
	}
	return out
}

// settled is the service that a party is, or the party. A database that is a service of
// its own stays a database: that says more.
func settled(p Party, services map[identity.Key][]Party) Party {
	if p.Kind != External {
		return p
	}
	host, ok := p.Hosted()
	if !ok {
		return p
	}
	same := services[identity.Key{Namespace: host.Key.Namespace, Service: host.Key.Service}]
	for _, s := range same {
		if s == host {
			return s
		}
	}
	if len(same) == 1 {
		return same[0]
	}
	return p
}
