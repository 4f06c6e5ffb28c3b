package cause

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// fades is how long a change is a likely reason for what begins after it.
func (k ChangeKind) fades() float64 {
	switch k {
	case Release, Config:
		return float64(10 * time.Minute / time.Millisecond)
	}
	return float64(5 * time.Minute / time.Millisecond)
}

// weight is how much a change of the kind is a reason: scaling mostly answers
// trouble.
func (k ChangeKind) weight() float64 {
	if k == Scaling {
		return 0.6
	}
	return 1
}

// slack is how much later than a deviation a change may be told and still be its
// reason, in milliseconds: whoever rolls something out reports it when it is
// done, and samples are apart.
const slack = 15_000

// readChanges finds for each component the change that explains best what is
// wrong with it. A change needs a deviation after it: of the component itself,
// or one of who calls it that nothing else explains.
func (j *judgement) readChanges(c *Case) {
	order := make([]int, len(c.Changes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareChanges(&c.Changes[a], &c.Changes[b]) })
	for _, i := range order {
		x := &c.Changes[i]
		k := j.names.of(x.Of)
		if k < 0 {
			j.out.Left++
			continue
		}
		g, v := &j.signs[k], &j.verdicts[k]
		// What its own dependency or node explains, a change does not.
		own := max(g.internal*(1-v.host), g.external*(1-max(v.victim, v.host))*(1-g.cleared), g.trace, g.silence*(1-v.host), 0.8*g.logs*(1-v.victim), v.hidden)
		p := own * x.near(g.onset)
		for _, n := range j.neededBy[k] {
			p = max(p, 0.7*j.unexplained(n.on)*x.near(j.signs[n.on].onset))
		}
		if p > v.prior {
			v.prior, v.change = p, x
		}
	}
}

// near is how likely a change is a reason for what began at a moment.
func (c *Change) near(onset int64) float64 {
	if onset == never {
		return 0
	}
	d := float64(onset - c.At.UnixMilli())
	if d < -slack {
		return 0
	}
	return c.Kind.weight() * math.Exp(-max(0, d)/c.Kind.fades())
}

func compareChanges(a, b *Change) int {
	return cmp.Or(
		b.At.Compare(a.At), compareComponents(a.Of, b.Of), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Text, b.Text), cmp.Compare(a.Reference, b.Reference),
	)
}
