package cause

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// The frame of stories: two hours at 15 s, a fault at sample 400, noticed at 412.
const (
	samples = 420
	faultAt = 400
	noticed = 412
	every   = 15 * time.Second
)

var zero = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(sample int) time.Time { return zero.Add(time.Duration(sample) * every) }

func svc(name string) Component {
	return Component{Kind: trace.Service, Key: identity.Key{Namespace: "shop", Service: name}}
}

func node(name string) Component {
	return Component{Kind: Node, Key: identity.Key{Service: name}}
}

// kind describes the series that every component of a story has.
type kind struct {
	id, what, unit string
	golden         watch.Golden
	direction      anomaly.Direction
	floor          float64
	usual, noise   float64
}

var kinds = []kind{
	{"rate", "requests", "/s", watch.Rate, anomaly.Either, 0, 100, 5},
	{"errors", "share of requests that failed", "share", watch.Errors, anomaly.Above, 0.005, 0.001, 0.0003},
	{"duration", "mean duration of requests", "s", watch.Duration, anomaly.Above, 0.005, 0.02, 0.001},
	{"cpu", "processor time", "cores", watch.Saturation, anomaly.Either, 0.05, 0.4, 0.03},
	{"memory", "memory in use", "bytes", watch.Saturation, anomaly.Above, 8 << 20, 300 << 20, 4 << 20},
	{"restarts", "restarts of containers", "", watch.Saturation, anomaly.Above, 0.5, 0, 0},
}

// builder makes a case of a story.
type builder struct {
	Case
	at int // when it is noticed
}

func newBuilder(components ...string) *builder {
	b := &builder{at: noticed}
	for _, c := range components {
		b.add(svc(c))
	}
	return b
}

func (b *builder) add(c Component) {
	for _, k := range kinds {
		if c.Kind == Node && !k.golden.Internal() {
			continue
		}
		h := fnv.New64a()
		fmt.Fprint(h, c, k.id)
		r := rand.New(rand.NewPCG(h.Sum64(), 7))
		s := Series{Of: c, ID: c.Key.Service + "/" + k.id, What: k.what, Unit: k.unit, Golden: k.golden, Direction: k.direction, Floor: k.floor}
		ar := 0.0
		for i := range samples {
			ar = 0.6*ar + 0.8*r.NormFloat64()
			s.At = append(s.At, at(i).UnixMilli())
			s.Values = append(s.Values, max(0, k.usual+k.noise*ar))
		}
		b.Series = append(b.Series, s)
	}
}

func (b *builder) series(name, id string) *Series {
	for i := range b.Series {
		if b.Series[i].ID == name+"/"+id {
			return &b.Series[i]
		}
	}
	panic("no series " + name + "/" + id)
}

// shift adds to a series from a sample on.
func (b *builder) shift(name, id string, by float64, from int) *builder {
	s := b.series(name, id)
	for i := from; i < len(s.Values); i++ {
		s.Values[i] = max(0, s.Values[i]+by)
	}
	return b
}

// ramp adds a slope per sample.
func (b *builder) ramp(name, id string, slope float64, from int) *builder {
	s := b.series(name, id)
	for i := from; i < len(s.Values); i++ {
		s.Values[i] += slope * float64(i-from)
	}
	return b
}

// slow makes a component slow as its callers see it, fail makes it fail.
func (b *builder) slow(from int, list ...string) *builder {
	for _, n := range list {
		b.shift(n, "duration", 0.2, from)
	}
	return b
}

func (b *builder) fail(from int, list ...string) *builder {
	for _, n := range list {
		b.shift(n, "errors", 0.3, from)
	}
	return b
}

// calls adds a chain of calls.
func (b *builder) calls(chain ...string) *builder {
	for i := 1; i < len(chain); i++ {
		b.Dependencies = append(b.Dependencies, Dependency{svc(chain[i-1]), svc(chain[i]), Calls})
	}
	return b
}

func (b *builder) runs(n string, list ...string) *builder {
	for _, c := range list {
		b.Dependencies = append(b.Dependencies, Dependency{svc(c), node(n), RunsOn})
	}
	return b
}

func (b *builder) change(kind ChangeKind, name, text string, seconds int) *builder {
	b.Changes = append(b.Changes, Change{At: at(faultAt).Add(time.Duration(seconds) * time.Second), Of: svc(name), Kind: kind, Text: text, Reference: "ref/" + text})
	return b
}

func (b *builder) log(name string, kind logs.SignalKind, level logs.Level, text string, lines uint64) *builder {
	b.Logs = append(b.Logs, Log{svc(name), logs.Signal{Kind: kind, Template: logs.Template{ID: logs.ID(len(text)), Text: text, Level: level}, Since: at(faultAt).UnixMilli(), Lines: lines, Score: 12}})
	return b
}

// cost adds what a call costs, in milliseconds of the callee's own and in shares
// of failures, before and after.
func (b *builder) cost(caller, callee Component, self [2]int, faults, gaveUp [2]int) *builder {
	total := func(i int) trace.Total {
		d := time.Duration(self[i]) * time.Millisecond
		return trace.Total{Edge: trace.Edge{Caller: caller, Callee: callee, Operation: "GET /" + callee.Key.Service}, Cost: trace.Cost{
			Calls: 100, Faults: uint64(faults[i]), Failed: uint64(faults[i] + gaveUp[i]), GaveUp: uint64(gaveUp[i]), SelfSum: 100 * d, LatencySum: 100 * d, Slowest: trace.ID{1}, LastFailed: trace.ID{2},
		}}
	}
	b.Edges = append(b.Edges, trace.Compare([]trace.Total{total(0)}, []trace.Total{total(1)})...)
	return b
}

// drop removes the series of a component; mute ends them at a sample.
func (b *builder) drop(names ...string) *builder {
	kept := b.Series[:0]
	for _, s := range b.Series {
		gone := false
		for _, n := range names {
			gone = gone || s.Of.Key.Service == n
		}
		if !gone {
			kept = append(kept, s)
		}
	}
	b.Series = kept
	return b
}

func (b *builder) mute(from int, names ...string) *builder {
	for i := range b.Series {
		for _, n := range names {
			if s := &b.Series[i]; s.Of.Key.Service == n {
				s.At, s.Values = s.At[:from], s.Values[:from]
			}
		}
	}
	return b
}

// made ends the story: what is known at the moment of notice.
func (b *builder) made() Case {
	b.At = at(b.at)
	for i := range b.Series {
		s := &b.Series[i]
		n := min(len(s.At), b.at+1)
		s.At, s.Values = s.At[:n], s.Values[:n]
	}
	return b.Case
}
