package cause

import (
	"math"
	"slices"

	"github.com/autoecoops/autoecoops/observe/watch"
)

// need is a dependency by numbers.
type need struct {
	on   int
	kind DependencyKind
}

// hogged is how far a component that takes what a node has explains the node.
const hogged = 0.8

// Times by which onsets are compared, in milliseconds.
const (
	// together is how far onsets may be apart and still not tell an order: a
	// rate over two minutes rises slowly.
	together = 45_000
	// after it a later onset is no explanation any more, by and by.
	later = 60_000
)

// maxSteps is how many components of which nothing is known are seen through.
const maxSteps = 100

// readDependencies lists for each component what it needs and who needs it, each
// once.
func (j *judgement) readDependencies(c *Case) {
	type pair struct {
		who, on int
		kind    DependencyKind
	}
	known := map[pair]bool{}
	add := func(who, on Component, kind DependencyKind) {
		p := pair{j.names.of(who), j.names.of(on), kind}
		if p.who < 0 || p.on < 0 || p.who == p.on || known[p] {
			return
		}
		known[p] = true
		j.needs[p.who] = append(j.needs[p.who], need{p.on, kind})
		j.neededBy[p.on] = append(j.neededBy[p.on], need{p.who, kind})
	}
	for _, d := range c.Dependencies {
		add(d.Who, d.On, d.Kind)
	}
	for i := range c.Edges {
		if e := &c.Edges[i]; !e.Edge.Async {
			add(e.Edge.Caller, e.Edge.Callee, Calls)
		}
	}
	// The order must not depend on that of the case.
	for i := range j.needs {
		sortNeeds(j.needs[i])
		sortNeeds(j.neededBy[i])
	}
}

// blame finds for each component how far another explains its trouble.
func (j *judgement) blame() {
	j.findLoad()
	j.weighNodes()
	for i := range j.signs {
		g := &j.signs[i]
		if g.trouble() == 0 && g.fewer == 0 {
			continue
		}
		j.visitNeeds(i, func(on int, kind DependencyKind) {
			x := j.signs[on].trouble() * order(j.signs[on].onset, g.onset)
			v := &j.verdicts[i]
			if kind == RunsOn {
				switch node := &j.verdicts[on]; {
				case node.excused != hogged:
					x *= 1 - node.excused
				case node.of == i:
					x = 0
				default:
					hog := &j.signs[node.of]
					x = hog.trouble() * order(hog.onset, g.onset)
				}
				if x > v.host {
					v.host, v.hostOf = x, on
				}
				return
			}
			if x > v.victim || x == v.victim && x > 0 && j.signs[on].onset < j.signs[v.of].onset {
				v.victim, v.of = x, on
			}
		})
	}
	j.suspectNodes()
	j.suspectBlind()
}

// order is how well a deviation that began at a explains one that began at b.
func order(a, b int64) float64 {
	if a == never || b == never || a-b <= together {
		return 1
	}
	return math.Exp(-float64(a-b-together) / later)
}

// visitNeeds calls f for what a component needs, seeing through those of which
// nothing is known to what they need.
func (j *judgement) visitNeeds(i int, f func(on int, kind DependencyKind)) {
	j.visit++
	j.seen[i] = j.visit
	queue := append(j.queue[:0], need{i, Calls})
	for steps := 0; len(queue) > 0 && steps < maxSteps; steps++ {
		at := queue[0]
		queue = queue[1:]
		for _, n := range j.needs[at.on] {
			if j.seen[n.on] == j.visit || at.on != i && n.kind == RunsOn {
				continue
			}
			j.seen[n.on] = j.visit
			f(n.on, n.kind)
			if g := &j.signs[n.on]; g.blind() && g.trouble() == 0 && n.kind == Calls {
				queue = append(queue, n)
			}
		}
	}
}

// findLoad judges whether it is the users who ask for more: what nobody inside
// calls is asked more, and so is most of the rest, before anything suffered.
func (j *judgement) findLoad() {
	type count struct{ all, more, sum float64 }
	var entries, every count
	begin := int64(never)
	for i := range j.signs {
		g := &j.signs[i]
		if !j.hasRate[i] {
			continue
		}
		called := slices.ContainsFunc(j.neededBy[i], func(n need) bool { return n.kind == Calls })
		for _, c := range []*count{&every, &entries} {
			if c == &entries && called {
				break
			}
			c.all++
			if g.more >= 0.2 {
				c.more++
				c.sum += g.more
			}
		}
		if !called && g.more >= 0.2 {
			begin = min(begin, g.rateOnset)
		}
	}
	if begin == never || j.begin != never && j.begin < begin-together {
		return
	}
	if share := min(entries.more/entries.all, every.more/every.all); share >= 0.4 {
		j.load, j.loadOnset = min(1, 1.6*share)*every.sum/every.more, begin
	}
}

// weighNodes tells a node that troubles what it carries from one that a single
// component wears out.
func (j *judgement) weighNodes() {
	for n := range j.signs {
		if j.names.all[n].Kind != Node {
			continue
		}
		ill, hogs, hog := 0, 0, 0
		for _, c := range j.neededBy[n] {
			if c.kind != RunsOn {
				continue
			}
			g := &j.signs[c.on]
			if g.trouble() >= 0.3 {
				ill++
			}
			if g.internal >= 0.4 && g.takes(&j.signs[n]) {
				hogs++
				hog = c.on
			}
		}
		v := &j.verdicts[n]
		switch {
		case hogs == 1 && order(j.signs[hog].onset, j.signs[n].onset) > 0.5:
			v.excused, v.of = hogged, hog
		case ill <= 1:
			v.excused = 0.6
		}
	}
}

// suspectNodes accuses a node of which most that it carries is in trouble, while
// most of the rest is not, but for who waits for them.
func (j *judgement) suspectNodes() {
	var ill []int
	measured := 0
	for i := range j.signs {
		if g := &j.signs[i]; j.names.all[i].Kind != Node && !g.blind() {
			measured++
			if g.trouble() >= 0.3 {
				ill = append(ill, i)
			}
		}
	}
	if len(ill) < 2 {
		return
	}
	for n := range j.signs {
		if j.names.all[n].Kind != Node || j.verdicts[n].excused == hogged {
			continue
		}
		carried, sick, alone := map[int]bool{}, 0, 0
		for _, c := range j.neededBy[n] {
			if c.kind == RunsOn && !j.signs[c.on].blind() {
				carried[c.on] = true
				if j.signs[c.on].trouble() >= 0.3 {
					sick++
				}
			}
		}
		for i := range carried {
			// Who waits for another that it carries is ill by that one.
			if v := &j.verdicts[i]; j.signs[i].trouble() >= 0.3 && !(v.victim >= 0.3 && carried[v.of]) {
				alone++
			}
		}
		if alone < 2 {
			continue
		}
		j.markCallers(carried)
		elsewhere := 0
		for _, i := range ill {
			if !carried[i] && j.seen[i] != j.visit {
				elsewhere++
			}
		}
		inside := float64(sick) / float64(len(carried))
		outside := float64(elsewhere) / float64(max(1, measured-len(carried)))
		x := max(0, inside-outside) * (1 - math.Pow(0.35, float64(alone-1)))
		if !j.signs[n].blind() && j.signs[n].internal < 0.3 {
			x *= 0.5 // it is measured, and does well
		}
		j.verdicts[n].hidden = x
		for c := range carried {
			if v := &j.verdicts[c]; x > v.host && j.signs[c].trouble() > 0 {
				v.host, v.hostOf = x, n
			}
		}
	}
}

// markCallers walks to all that call what is ill of a set, even by others.
func (j *judgement) markCallers(of map[int]bool) {
	j.visit++
	queue := j.queue[:0]
	for i := range of {
		if j.signs[i].trouble() >= 0.3 {
			j.seen[i] = j.visit
			queue = append(queue, need{on: i})
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, n := range j.neededBy[at.on] {
			if n.kind == Calls && j.seen[n.on] != j.visit {
				j.seen[n.on] = j.visit
				queue = append(queue, n)
			}
		}
	}
}

// takes reports whether a component takes most of what a node has to give more
// than before.
func (g *signs) takes(node *signs) bool {
	for _, m := range g.moved {
		if !m.series.Golden.Internal() || m.shift.deviation < 0 || m.series.Unit != "cores" && m.series.Unit != "bytes" {
			continue
		}
		for _, n := range node.moved {
			if n.series.Unit == m.series.Unit && m.shift.after-m.shift.before >= 0.5*(n.shift.after-n.shift.before) {
				return true
			}
		}
	}
	return false
}

// suspectBlind finds components that nothing is measured of, and whose dependents
// all suffer without another explanation.
func (j *judgement) suspectBlind() {
	total := 0.0
	for i := range j.signs {
		total += j.unexplained(i)
	}
	if total == 0 {
		return
	}
	for i := range j.signs {
		g := &j.signs[i]
		if !g.blind() || g.silence > 0 || j.names.all[i].Kind == Node {
			continue
		}
		sum, measured, ill := 0.0, 0, 0
		for _, n := range j.neededBy[i] {
			if j.signs[n.on].blind() {
				continue
			}
			measured++
			u := j.unexplained(n.on)
			sum += u
			if u >= 0.3 {
				ill++
			}
		}
		if ill == 0 || measured == 0 {
			continue
		}
		x := sum / float64(measured) * math.Sqrt(sum/total)
		if ill == 1 && g.logs < 0.3 {
			// One alone may as well have itself to blame, if it names nobody.
			x *= 0.4
		}
		j.verdicts[i].hidden = x
	}
	for i := range j.signs {
		for _, n := range j.needs[i] {
			v := &j.verdicts[i]
			if x := j.verdicts[n.on].hidden; n.kind == Calls && x > v.behind {
				v.behind, v.behindOf = x, n.on
			}
		}
	}
}

// unexplained is what a component suffers that no other component explains.
func (j *judgement) unexplained(i int) float64 {
	g, v := &j.signs[i], &j.verdicts[i]
	return g.external * (1 - max(v.victim, v.host)) * (1 - g.cleared) * (1 - g.first()) * (1 - j.load)
}

// reach marks what anybody suffers from: components that are in trouble as seen
// from outside, and all that they need.
func (j *judgement) reach() {
	var queue []int
	for i := range j.signs {
		if j.signs[i].external >= 0.3 || j.signs[i].logs >= 0.3 {
			j.verdicts[i].matters = true
			j.suffering = true
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, n := range j.needs[i] {
			if v := &j.verdicts[n.on]; !v.matters {
				v.matters = true
				queue = append(queue, n.on)
			}
		}
	}
	// Who shares a node with what suffers may be why.
	for i := range j.signs {
		if j.names.all[i].Kind == Node && j.verdicts[i].matters && j.verdicts[i].excused == hogged {
			j.verdicts[j.verdicts[i].of].matters = true
		}
	}
}

func hasRates(c *Case, n *names) []bool {
	has := make([]bool, len(n.all))
	for i := range c.Series {
		if k := n.of(c.Series[i].Of); k >= 0 && c.Series[i].Golden == watch.Rate {
			has[k] = true
		}
	}
	return has
}
