package privilege

import "github.com/autoecoops/autoecoops/assess/rbac"

// Advice is where a path is best cut.
type Advice struct {
	Cut
	// Grant is the one that is cut; its role or its binding is to be edited.
	Grant *Grant
	// Holders is how many identities lose something by it.
	Holders int
	// Last is set if no other path is left without it.
	Last bool
}

// maxCandidates bounds how many cuts are tried for one path.
const maxCandidates = 12

// Cheapest returns the cut of a path that costs least: one that leaves no
// other path, then one that few others depend on, then a single rule rather
// than a whole binding, then the earlier.
func (m *Model) Cheapest(p *Path) Advice {
	var best Advice
	tried := 0
	for i := range p.Steps {
		for _, g := range p.Steps[i].Grants {
			for _, c := range [...]Cut{{Rule: g.Rule}, {Binding: g.Binding}} {
				if c.Binding == nil && (!c.Rule.Exists() || rbac.Bootstrap(g.Role)) || tried == maxCandidates {
					continue
				}
				tried++
				a := Advice{Cut: c, Grant: g, Holders: m.Holders(c), Last: m.Find(p.Start, c) == nil}
				if best.Grant == nil || a.cheaper(best) {
					best = a
				}
			}
		}
	}
	return best
}

func (a Advice) cheaper(b Advice) bool {
	if a.Last != b.Last {
		return a.Last
	}
	if a.Holders != b.Holders {
		return a.Holders < b.Holders
	}
	return a.Binding == nil && b.Binding != nil
}
