package cause

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// Result is what can be said of a case.
type Result struct {
	// Causes are the probable ones, the most probable first. It is empty if
	// nothing can be said, or nothing is out of the ordinary.
	Causes []Ranked
	// Unknown says why there is no answer, "" if there is one.
	Unknown string
	// Rest is the share of the belief for causes that nothing was seen of.
	Rest float64
	// Begin is when the trouble began as callers see it, zero if unknown.
	Begin time.Time
	// Judged, Silent and Short count series by what could be said of them: Short
	// ones have too little history. Left counts parts of the case that were
	// beyond the limits or belong to nobody.
	Judged, Silent, Short, Left int
}

// Ranked is a component as a probable cause.
type Ranked struct {
	Component Component
	// Score is its share of the belief, in [0, 1].
	Score float64
	// Since is when it began to differ, zero if nothing tells.
	Since time.Time
	// Evidence is what speaks for it, the weightiest first, and after that what
	// speaks against it.
	Evidence []Evidence
}

// verdict is what other components have to do with the trouble of one.
type verdict struct {
	// victim is how far something that it calls explains what its callers see,
	// host how far the node on which it runs explains everything.
	victim, host float64
	of, hostOf   int
	// excused is how far something else explains a node's own deviations.
	excused float64
	// hidden is how far its dependents accuse a component of which nothing is
	// known, behind how far such a one explains this one.
	hidden, behind float64
	behindOf       int
	// matters means that somebody suffers who needs it.
	matters bool
	prior   float64 // by the change
	change  *Change
}

// judgement is one case while it is judged.
type judgement struct {
	ties
	names    names
	signs    []signs
	verdicts []verdict
	told     [][]told
	edges    []*trace.Change // the heaviest of each callee
	hasRate  []bool
	// at is the moment of notice, begin that at which the trouble began.
	at, begin int64
	// load is how sure it is that the users ask for more, since loadOnset.
	load      float64
	loadOnset int64
	// suffering means that callers see trouble of somebody.
	suffering bool
	out       Result
}

// ties are who needs whom, with what is needed to walk along them.
type ties struct {
	needs, neededBy [][]need
	seen            []int // the last walk that came by
	visit           int
	queue           []need
}

// doubt is the weight of all that was not seen, against that of the components.
const doubt = 0.15

// Rank tells the probable causes of a case.
func Rank(c Case) Result {
	left := c.Trim()
	j := &judgement{names: namesOf(&c), at: c.At.UnixMilli(), begin: never, loadOnset: never}
	j.out.Left = left
	n := len(j.names.all)
	j.signs, j.verdicts = make([]signs, n), make([]verdict, n)
	j.needs, j.neededBy, j.told = make([][]need, n), make([][]need, n), make([][]told, n)
	j.seen, j.hasRate = make([]int, n), hasRates(&c, &j.names)
	for i := range j.signs {
		j.signs[i].onset = never
	}
	j.readSeries(&c)
	if j.out.Unknown = j.cannot(&c); j.out.Unknown != "" {
		return j.out
	}
	j.readDependencies(&c)
	j.edges = make([]*trace.Change, n)
	j.findBegin()
	j.gather()
	j.readEdges(&c)
	j.readLogs(&c)
	j.blame()
	j.readChanges(&c)
	j.reach()
	j.conclude(c.At.Location())
	if len(j.out.Causes) == 0 {
		j.out.Unknown = "nothing that was measured differs from its past: the cause is not among it, or there is no trouble"
	}
	return j.out
}

// Trim cuts a case to what is read of it, and counts the rest. Rank does it too, to a
// copy.
func (c *Case) Trim() (left int) {
	cut(&c.Series, MaxSeries, &left)
	cut(&c.Dependencies, MaxDependencies, &left)
	cut(&c.Changes, MaxChanges, &left)
	cut(&c.Logs, MaxLogs, &left)
	cut(&c.Edges, MaxEdges, &left)
	return left
}

func cut[T any](list *[]T, most int, left *int) {
	if len(*list) > most {
		*left += len(*list) - most
		*list = (*list)[:most]
	}
}

// cannot says why nothing can be said, "" if something can.
func (j *judgement) cannot(c *Case) string {
	switch {
	case j.out.Judged > 0 || len(c.Edges) > 0:
		return ""
	case len(c.Series) == 0:
		return "there are no series of this time: nothing is known, which is not the same as nothing being wrong"
	case j.out.Silent > 0 && j.out.Short == 0:
		return "every series has fallen silent: whoever measures them may be the one in trouble"
	case j.out.Silent > 0:
		return "every series has fallen silent or has too little history"
	}
	return "no series has enough history to tell what is usual of it"
}

// findBegin tells when the trouble began: the moment after which most series
// began to differ, within a short while, and what callers see counts most. Noise
// is spread over time, trouble is not. The nearer to the notice the likelier.
func (j *judgement) findBegin() {
	type onset struct {
		at     int64
		weight float64
	}
	var all []onset
	for i := range j.signs {
		for _, m := range j.signs[i].moved {
			weight := m.strength
			switch {
			case m.series.Golden == watch.Rate:
				weight *= 0.4
			case m.series.Golden.Internal():
				weight *= 0.6
			}
			if m.shift.over {
				weight *= 0.4
			}
			all = append(all, onset{m.shift.onset, weight})
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b onset) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.weight, b.weight)) })
	best, sum, to := 0.0, 0.0, 0
	for from := range all {
		for to < len(all) && all[to].at <= all[from].at+atOnce {
			sum += all[to].weight
			to++
		}
		age := max(0, float64(j.at-all[from].at))
		if x := sum * math.Exp(-age/recent); x > best+1e-9 {
			best, j.begin = x, all[from].at
		}
		sum -= all[from].weight
	}
	if j.begin != never {
		j.out.Begin = time.UnixMilli(j.begin)
	}
}

// Times in milliseconds: atOnce is within what trouble spreads, recent how old a
// begin is before others are likelier.
const (
	atOnce = 75_000
	recent = 1_200_000
)

// weights of what speaks for a component.
const (
	byInternal = 0.50
	byExternal = 0.40
	byTrace    = 0.60
	byLogs     = 0.20
	bySilence  = 0.50
	byHidden   = 0.60
	byChange   = 0.45
	byLoad     = 0.90
	byDown     = 0.15
)

// raw is how much speaks for a component, before it is compared with others.
func (j *judgement) raw(i int) float64 {
	g, v := &j.signs[i], &j.verdicts[i]
	waits := max(v.victim, v.host, v.behind)
	// What piles up in who waits began when it had to.
	effect := 0.25
	if g.inside > j.since(v) {
		effect = 0.7
	}
	inside := g.first() * (1 - 0.9*v.host) * (1 - v.excused) * (1 - effect*max(v.victim, v.behind))
	if j.suffering && g.seen && g.external < 0.1 && g.down < 0.3 {
		inside *= 0.6 // its callers see nothing of it
	}
	outside := g.external * (1 - 0.9*waits) * (1 - 0.9*g.cleared)
	x := byInternal*inside + byExternal*outside
	x *= 1 - 0.85*j.load
	x += byTrace * g.trace * (1 - 0.5*j.load)
	x += byLogs * g.logs * (1 - 0.6*waits)
	x += byDown * g.down * (1 - 0.9*v.host)
	x += bySilence * g.silence * (1 - 0.9*v.host)
	x += byHidden * v.hidden
	x += byChange * v.prior * (1 - 0.5*j.load)
	if j.suffering && !v.matters {
		x *= 0.35
	}
	return x
}

// since is when what explains a component's trouble began; what nothing is
// measured of began when the trouble did.
func (j *judgement) since(v *verdict) int64 {
	if v.victim > 0 && v.victim >= v.behind {
		return j.signs[v.of].onset
	}
	return j.begin
}

// inTime is how well an onset fits the begin of the trouble: what
// has to do with it moves about then, or a little before.
func (j *judgement) inTime(onset int64) float64 {
	if onset == never || j.begin == never {
		return 1
	}
	d := float64(onset - j.begin)
	switch {
	case d > together:
		return math.Exp(-(d - together) / 120_000)
	case d < -120_000:
		return max(0.15, math.Exp((d+120_000)/360_000))
	}
	return 1
}

// conclude makes shares of what speaks for each component.
func (j *judgement) conclude(zone *time.Location) {
	type rated struct {
		i   int
		raw float64
	}
	var all []rated
	sum := doubt * doubt
	for i := range j.signs {
		if x := j.raw(i); x > 0.01 {
			all = append(all, rated{i, x})
			sum += x * x
		}
	}
	if x := byLoad * j.load; x > 0.01 {
		all = append(all, rated{-1, x})
		sum += x * x
	}
	slices.SortFunc(all, func(a, b rated) int {
		return cmp.Or(cmp.Compare(math.Round(b.raw*1e9), math.Round(a.raw*1e9)), cmp.Compare(a.i, b.i))
	})
	if len(all) == 0 {
		return
	}
	for _, r := range all {
		x := Ranked{Component: Outside, Score: share(r.raw*r.raw, sum)}
		if r.i >= 0 {
			x.Component, x.Since = j.names.all[r.i], moment(j.signs[r.i].onset, zone)
			x.Evidence = j.evidence(r.i, zone)
		} else {
			x.Since, x.Evidence = moment(j.loadOnset, zone), j.loadEvidence(zone)
		}
		j.out.Causes = append(j.out.Causes, x)
	}
	j.out.Rest = share(doubt*doubt, sum)
}

// share divides, to six digits: the last ones depend on the order of sums.
func share(part, whole float64) float64 { return math.Round(part/whole*1e6) / 1e6 }

func moment(at int64, zone *time.Location) time.Time {
	if at == never {
		return time.Time{}
	}
	return time.UnixMilli(at).In(zone)
}

func sortNeeds(n []need) {
	slices.SortFunc(n, func(a, b need) int { return cmp.Or(cmp.Compare(a.on, b.on), cmp.Compare(a.kind, b.kind)) })
}
