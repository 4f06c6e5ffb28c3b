package main

import (
	"time"

	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// inject does the harm and returns whose fault it is.
func (w *world) inject(fault int) cause.Component {
	// Trouble that nobody could notice is no case: what is never called by
	// another is a target as well as any.
	w.target = w.r.IntN(len(w.parts))
	p := w.parts[w.target]
	switch faults[fault] {
	case "processor":
		p.from(processor, faultAt, 0, w.between(1.6, 4))
		p.slower(faultAt+w.r.IntN(2), p.usual[duration]*w.between(0.6, 4)+0.005)
	case "memory":
		slope, begin := p.usual[memory]*w.between(0.005, 0.03), faultAt-w.r.IntN(40)
		for i := begin; i < samples; i++ {
			p.add[memory][i] += slope * float64(i-begin)
		}
		p.slower(faultAt, p.usual[duration]*w.between(0.5, 3)+0.005)
		if w.chance(0.5) {
			p.from(restarts, faultAt+1+w.r.IntN(4), 1, 1)
		}
	case "latency":
		p.slower(faultAt, w.between(0.03, 0.5))
	case "configuration":
		p.from(failed, faultAt, w.between(0.03, 0.6), 1)
	case "crash":
		p.from(restarts, faultAt+w.r.IntN(3), float64(1+w.r.IntN(3)), 1)
		p.from(failed, faultAt, w.between(0.1, 0.8), 1)
		p.from(processor, faultAt, 0, w.between(0.5, 1.8))
		p.lost = p.lost || w.chance(0.1)
	case "node":
		return w.injectNode()
	case "dependency":
		return w.injectDependency()
	case "load":
		return w.injectLoad()
	}
	return p.name
}

// injectNode troubles the node that carries most, and with it all it carries.
func (w *world) injectNode() cause.Component {
	count := make([]int, len(w.nodes))
	for _, p := range w.parts {
		count[p.node]++
	}
	best := 0
	for n := range count {
		if count[n] > count[best] {
			best = n
		}
	}
	n := w.nodes[best]
	n.lost = w.chance(0.25)
	n.from(processor+w.r.IntN(2), faultAt, 0, w.between(1.5, 3))
	w.target = -1
	for _, p := range w.parts {
		if p.node != best || w.chance(0.15) {
			continue
		}
		p.slower(faultAt+w.r.IntN(3), p.usual[duration]*w.between(0.5, 3)+0.004)
		if w.chance(0.4) {
			p.from(restarts, faultAt+w.r.IntN(4), 1, 1)
		}
	}
	return n.name
}

// injectDependency lets a database fail, of which often nothing is measured.
func (w *world) injectDependency() cause.Component {
	db := w.newPart(cause.Component{Kind: trace.Database, Key: identity.Key{Service: "ledger"}})
	db.node, db.lost = w.r.IntN(len(w.nodes)), w.chance(0.6)
	w.target = len(w.parts)
	w.parts = append(w.parts, db)
	for range 2 + w.r.IntN(3) {
		caller := w.r.IntN(len(w.parts) - 1)
		if !w.calls(caller, w.target) {
			w.parts[caller].callees = append(w.parts[caller].callees, call{w.target, w.between(0.5, 1), w.r.IntN(2)})
			db.callers = append(db.callers, caller)
		}
	}
	if w.chance(0.5) {
		db.slower(faultAt, w.between(0.05, 0.5))
	} else {
		db.from(failed, faultAt, w.between(0.1, 0.9), 1)
	}
	return db.name
}

// injectLoad lets the users ask for more; the weakest get slow.
func (w *world) injectLoad() cause.Component {
	times := w.between(1.7, 4)
	w.target = -1
	for _, p := range w.parts {
		x := 1 + (times-1)*w.between(0.5, 1.1)
		delay := w.r.IntN(3)
		p.from(rate, faultAt+delay, 0, x)
		p.from(processor, faultAt+delay, 0, 1+(x-1)*w.between(0.6, 1.1))
		if w.chance(0.2) {
			p.slower(faultAt+2+w.r.IntN(4), p.usual[duration]*w.between(0.5, 3))
		}
	}
	return cause.Outside
}

// spread carries extra time and failures from callees to callers, the deepest
// first: callers have lower numbers, but for those of the database.
func (w *world) spread() {
	for at := len(w.parts) - 1; at >= 0; at-- {
		w.pull(at)
	}
}

func (w *world) pull(at int) {
	p := w.parts[at]
	suffers := 0.0
	for _, c := range p.callees {
		callee := w.parts[c.to]
		for i := faultAt - 40; i < samples-c.delay; i++ {
			extra, bad := callee.add[duration][i]*c.share, callee.add[failed][i]*c.share*0.8
			p.add[duration][i+c.delay] += extra
			p.add[p95][i+c.delay] += 1.5 * extra
			p.add[failed][i+c.delay] = min(0.95, p.add[failed][i+c.delay]+bad)
			suffers = max(suffers, extra/p.usual[duration], bad*5)
		}
		if callee.add[failed][samples-1] > 0.1 && w.chance(0.3) {
			callee.from(rate, faultAt+2, 0, w.between(1.2, 1.8)) // tried again
		}
	}
	// Who waits holds more in memory.
	if suffers > 0.5 && w.chance(0.5) {
		p.from(goroutines, faultAt+1+w.r.IntN(4), 0, w.between(1.3, 2.5))
		if w.chance(0.4) {
			p.from(memory, faultAt+2+w.r.IntN(4), 0, w.between(1.05, 1.3))
		}
	}
	if suffers > 1 && w.chance(0.3) {
		p.from(rate, faultAt+2, 0, w.between(0.6, 0.95))
	}
}

// meddle lets neighbours move that have nothing to do with it.
func (w *world) meddle() {
	for range 1 + w.r.IntN(3) {
		p := w.parts[w.r.IntN(len(w.parts))]
		when := faultAt - w.r.IntN(60) + 3
		switch w.r.IntN(4) {
		case 0:
			p.from(processor, when, 0, w.between(1.3, 2.5))
		case 1:
			p.from(memory, when, 0, w.between(1.1, 1.6))
		case 2:
			p.slower(when, p.usual[duration]*w.between(0.2, 0.6))
		case 3:
			p.from(rate, when, 0, w.between(0.6, 1.6))
		}
	}
}

var changeKinds = []cause.ChangeKind{cause.Release, cause.Config, cause.Scaling, cause.OtherChange}

// changes writes what was changed: the guilty change where there is one, and
// others, one of them shortly before.
func (w *world) changes(kind string) {
	add := func(of cause.Component, kind cause.ChangeKind, seconds float64) {
		at := zero.Add(faultAt*every + time.Duration(seconds*float64(time.Second)))
		w.c.Changes = append(w.c.Changes, cause.Change{At: at, Of: of, Kind: kind, Text: of.Key.Service, Reference: "change"})
	}
	somebody := func() cause.Component { return w.parts[w.r.IntN(len(w.parts))].name }
	switch {
	case kind == "configuration" && w.chance(0.7):
		add(w.parts[w.target].name, cause.Config, -w.between(5, 120))
	case kind == "crash" && w.chance(0.8):
		add(w.parts[w.target].name, cause.Release, -w.between(5, 90))
	case kind == "memory" && w.chance(0.4):
		add(w.parts[w.target].name, cause.Release, -w.between(600, 1200))
	}
	for range 2 + w.r.IntN(3) {
		add(somebody(), changeKinds[w.r.IntN(len(changeKinds))], w.between(-1500, 200))
	}
	add(somebody(), changeKinds[w.r.IntN(2)], -w.between(0, 120))
}

// lines writes log templates: of who fails, of who complains about it, and of
// others.
func (w *world) lines(kind string) {
	add := func(of cause.Component, level logs.Level, text string) {
		w.c.Logs = append(w.c.Logs, cause.Log{Of: of, Signal: logs.Signal{
			Kind: logs.NewTemplate, Template: logs.Template{ID: logs.ID(w.r.Uint64()), Text: text, Level: level},
			Since: zero.Add(faultAt*every).UnixMilli() + int64(w.r.IntN(40_000)), Lines: uint64(2 + w.r.IntN(60)),
		}})
	}
	for i, p := range w.parts {
		switch {
		case i == w.target && w.chance(0.45):
			add(p.name, logs.Error, "unexpected state <*> in "+kind)
		case i != w.target && p.add[failed][samples-1] > 0.03 && w.chance(0.6):
			text := "request failed with <*>"
			if len(p.callees) > 0 && w.chance(0.4) {
				text += " from " + w.parts[p.callees[w.r.IntN(len(p.callees))].to].name.Key.Service
			}
			add(p.name, logs.Error, text)
		case w.chance(0.06):
			add(p.name, logs.Level(2+w.r.IntN(3)), "cache miss for <*>")
		}
	}
}

// traces writes what calls cost, in half of the cases, with few calls for some.
func (w *world) traces(kind string) {
	if w.chance(0.5) || kind == "node" {
		return
	}
	for a, p := range w.parts {
		for _, c := range p.callees {
			w.edge(p.name, c.to, kind)
		}
		if len(p.callers) == 0 {
			w.edge(cause.Outside, a, kind)
		}
	}
}

// edge writes the cost of one call. The callee's own part is what it had beyond
// what came from below.
func (w *world) edge(caller cause.Component, to int, kind string) {
	q := w.parts[to]
	calls := uint64(5 + w.r.IntN(400))
	own := q.usual[duration] * 0.5
	later := own * w.between(0.85, 1.2)
	if to == w.target {
		extra := q.add[duration][samples-1]
		for _, c := range q.callees {
			extra -= w.parts[c.to].add[duration][samples-1] * c.share
		}
		later += max(0, extra)
	}
	cost := func(self float64, bad float64) trace.Cost {
		total := time.Duration(self * float64(calls) * float64(time.Second))
		return trace.Cost{Calls: calls, SelfSum: total, LatencySum: 2 * total, Faults: uint64(bad * float64(calls))}
	}
	bad := 0.0
	if to == w.target && (kind == "configuration" || kind == "crash" || kind == "dependency") {
		bad = q.add[failed][samples-1] * w.between(0.7, 1)
	}
	e := trace.Edge{Caller: caller, Callee: q.name, Operation: "call"}
	w.c.Edges = append(w.c.Edges, trace.Compare(
		[]trace.Total{{Edge: e, Cost: cost(own, 0.001)}}, []trace.Total{{Edge: e, Cost: cost(later, min(1, bad))}})...)
}

// links writes who calls whom and where it runs. One call in ten is not known.
func (w *world) links() {
	for _, p := range w.parts {
		for _, c := range p.callees {
			if !w.chance(0.1) {
				w.c.Dependencies = append(w.c.Dependencies, cause.Dependency{Who: p.name, On: w.parts[c.to].name, Kind: cause.Calls})
			}
		}
		w.c.Dependencies = append(w.c.Dependencies, cause.Dependency{Who: p.name, On: w.nodes[p.node].name, Kind: cause.RunsOn})
	}
}
