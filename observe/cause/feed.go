package cause

import (
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// SeriesOf makes a series of how a signal stands. It copies its points.
func SeriesOf(s observe.Standing) Series {
	w := s.Signal.Watch
	out := Series{
		Of: ComponentOf(s.Signal), ID: s.Signal.ID(), What: w.What, Unit: w.Unit, Golden: w.Golden, Direction: w.Direction, Floor: w.MinEffect,
		At: make([]int64, len(s.Points)), Values: make([]float64, len(s.Points)),
		Usual: s.State == observe.Normal && len(s.Anomalies) == 0,
	}
	if n := len(s.Anomalies); n > 0 && s.Anomalies[n-1].Open() { // what is over may be another one
		out.Since = s.Anomalies[n-1].Since.UnixMilli()
	}
	for i, p := range s.Points {
		out.At[i], out.Values[i] = p.At, p.Value
	}
	return out
}

// ComponentOf tells whose a signal is: the workload's name as the signal tells it,
// with the environment that the labels name.
func ComponentOf(s observe.Signal) Component {
	key := identity.FromMap(s.Labels).Key
	if w := s.Workload(); w != "" {
		key.Service = identity.Clean(w)
		if n := s.Namespace(); n != "" {
			key.Namespace = identity.Clean(n)
		}
	}
	if !key.Known() {
		return Component{Kind: trace.Unknown}
	}
	return Component{Kind: trace.Service, Key: key}
}

// DependenciesOf tells who waits for whom by the calls that were seen.
func DependenciesOf(edges []trace.Edge) []Dependency {
	var out []Dependency
	seen := map[Dependency]bool{}
	for _, e := range edges {
		d := Dependency{e.Caller, e.Callee, Calls}
		if e.Async || seen[d] {
			continue
		}
		seen[d] = true
		out = append(out, d)
	}
	return out
}
