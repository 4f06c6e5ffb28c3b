package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// The frame of a case: an hour and a quarter at 15 s, a fault after an hour.
const (
	every    = 15 * time.Second
	samples  = 280
	faultAt  = 240
	smoothed = 8 // samples over which rates are taken
)

var zero = time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)

// faults are the kinds of faults.
var faults = []string{"processor", "memory", "latency", "configuration", "crash", "node", "dependency", "load"}

// measure is one kind of series of a component.
type measure struct {
	id, what, unit string
	golden         watch.Golden
	direction      anomaly.Direction
	floor          float64
	smooth         bool
}

const (
	rate = iota
	failed
	duration
	p95
	processor
	memory
	restarts
	goroutines
)

var measures = []measure{
	rate:       {"rate", "requests", "/s", watch.Rate, anomaly.Either, 0, true},
	failed:     {"errors", "share of requests that failed", "share", watch.Errors, anomaly.Above, 0.005, true},
	duration:   {"duration", "mean duration of requests", "s", watch.Duration, anomaly.Above, 0.005, true},
	p95:        {"p95", "95th percentile of the durations of requests", "s", watch.Duration, anomaly.Above, 0.005, true},
	processor:  {"cpu", "processor time", "cores", watch.Saturation, anomaly.Either, 0.05, true},
	memory:     {"memory", "memory in use", "bytes", watch.Saturation, anomaly.Above, 8 << 20, false},
	restarts:   {"restarts", "restarts of containers", "", watch.Saturation, anomaly.Above, 0.5, false},
	goroutines: {"goroutines", "goroutines", "", watch.Saturation, anomaly.Above, 20, false},
}

// part is a component of the simulation. What happens to it is a factor or a
// summand for each measure and sample.
type part struct {
	name    cause.Component
	usual   [8]float64
	callees []call
	callers []int
	node    int
	// add is added to each series, times multiplies it.
	add, times [8][samples]float64
	// lost means that nothing of it is measured.
	lost bool
}

type call struct {
	to    int
	share float64 // of the callee's extra time and failures that arrives
	delay int     // samples until it does
}

// simulated is a case that can be noticed at different times.
type simulated struct {
	seed  uint64
	kind  string
	truth cause.Component
	whole cause.Case
	// noticed is when it usually is.
	noticed time.Time
}

// at is the case as known when it is noticed so much later than usual.
func (s *simulated) at(late time.Duration) cause.Case {
	c := s.whole
	c.At = s.noticed.Add(late)
	c.Series = make([]cause.Series, len(s.whole.Series))
	copy(c.Series, s.whole.Series)
	for i := range c.Series {
		x := &c.Series[i]
		n := len(x.At)
		for n > 0 && x.At[n-1] > c.At.UnixMilli() {
			n--
		}
		x.At, x.Values = x.At[:n], x.Values[:n]
	}
	c.Changes = nil
	for _, x := range s.whole.Changes {
		if !x.At.After(c.At) {
			c.Changes = append(c.Changes, x)
		}
	}
	return c
}

// world is a simulation under way.
type world struct {
	r      *rand.Rand
	parts  []*part
	nodes  []*part
	target int
	common [samples]float64
	c      cause.Case
}

func simulate(seed uint64, fault int) *simulated {
	r := rand.New(rand.NewPCG(seed, uint64(fault)))
	return simulateSized(seed, fault, 12+r.IntN(25))
}

func simulateSized(seed uint64, fault, size int) *simulated {
	w := &world{r: rand.New(rand.NewPCG(seed, uint64(fault)+77))}
	w.build(size)
	s := &simulated{seed: seed, kind: faults[fault]}
	s.truth = w.inject(fault)
	w.spread()
	w.meddle()
	w.write()
	w.changes(s.kind)
	w.lines(s.kind)
	w.traces(s.kind)
	w.links()
	s.whole = w.c
	s.noticed = zero.Add(faultAt*every + time.Duration(45+w.r.IntN(120))*time.Second)
	return s
}

func (w *world) chance(p float64) bool { return w.r.Float64() < p }

func (w *world) between(a, b float64) float64 { return a + (b-a)*w.r.Float64() }

// build makes services in layers, each with one to three callers above, some of
// them databases, all of them on nodes.
func (w *world) build(size int) {
	ar := 0.0
	for i := range w.common {
		ar = 0.95*ar + 0.3*w.r.NormFloat64()
		w.common[i] = ar + 0.8*math.Sin(float64(i)/90)
	}
	for i := range 4 + w.r.IntN(4) {
		w.nodes = append(w.nodes, w.newPart(cause.Component{Kind: cause.Node, Key: identity.Key{Service: fmt.Sprint("node-", i)}}))
	}
	for i := range size {
		p := w.newPart(cause.Component{Kind: trace.Service, Key: identity.Key{Namespace: "shop", Service: fmt.Sprint("service-", i)}})
		p.node = w.r.IntN(len(w.nodes))
		p.lost = w.chance(0.06)
		w.parts = append(w.parts, p)
		if i < 2 {
			p.lost = false
			continue
		}
		for range 1 + w.r.IntN(2) + w.r.IntN(2) {
			caller := w.r.IntN(min(i, 1+i*2/3))
			if w.calls(caller, i) {
				continue
			}
			c := call{i, w.between(0.3, 1), w.r.IntN(3)}
			if w.chance(0.12) {
				c.share = 0 // does without
			}
			w.parts[caller].callees = append(w.parts[caller].callees, c)
			p.callers = append(p.callers, caller)
		}
	}
}

func (w *world) calls(a, b int) bool {
	for _, c := range w.parts[a].callees {
		if c.to == b {
			return true
		}
	}
	return false
}

func (w *world) newPart(name cause.Component) *part {
	p := &part{name: name}
	d := w.between(0.004, 0.15)
	p.usual = [8]float64{w.between(5, 300), 0, d, 2.5 * d, w.between(0.05, 1.5), w.between(60, 900) * (1 << 20), 0, w.between(20, 400)}
	if w.chance(0.5) {
		p.usual[failed] = w.between(0.0005, 0.01)
	}
	for m := range p.times {
		for i := range p.times[m] {
			p.times[m][i] = 1
		}
	}
	return p
}

// from adds to and multiplies a measure from a sample on.
func (p *part) from(m, sample int, add, times float64) {
	for i := max(0, sample); i < samples; i++ {
		p.add[m][i] += add
		p.times[m][i] *= times
	}
}

// slower makes calls take longer.
func (p *part) slower(sample int, by float64) {
	p.from(duration, sample, by, 1)
	p.from(p95, sample, 2*by, 1)
}

// write turns parts into series: usual values, noise of their own and in common,
// what happened, and what is missing.
func (w *world) write() {
	for _, p := range append(append([]*part{}, w.nodes...), w.parts...) {
		isNode := p.name.Kind == cause.Node
		if p.lost {
			continue
		}
		for m, k := range measures {
			if isNode && m != processor && m != memory || w.chance(0.12) {
				continue
			}
			w.c.Series = append(w.c.Series, w.series(p, m, k))
		}
	}
}

func (w *world) series(p *part, m int, k measure) cause.Series {
	s := cause.Series{Of: p.name, ID: p.name.String() + "/" + k.id, What: k.what, Unit: k.unit, Golden: k.golden, Direction: k.direction, Floor: k.floor}
	phi, noise, common := w.between(0.3, 0.9), w.between(0.02, 0.12), w.between(0, 0.05)
	if m == memory {
		noise, common = noise/4, common/4
	}
	ar, window := 0.0, []float64{}
	for i := range samples {
		ar = phi*ar + math.Sqrt(1-phi*phi)*w.r.NormFloat64()
		v := p.usual[m]*math.Exp(noise*ar+common*w.common[i])*p.times[m][i] + p.add[m][i]*math.Exp(noise*w.r.NormFloat64())
		if w.chance(0.003) && m != restarts {
			v *= w.between(1.5, 4)
		}
		if m == failed {
			v = min(1, v)
		}
		if k.smooth {
			window = append(window, v)
			if len(window) > smoothed {
				window = window[1:]
			}
			v = 0
			for _, x := range window {
				v += x
			}
			v /= float64(len(window))
		}
		if w.chance(0.02) {
			continue
		}
		s.At = append(s.At, zero.Add(time.Duration(i)*every).UnixMilli())
		s.Values = append(s.Values, max(0, v))
	}
	return s
}
