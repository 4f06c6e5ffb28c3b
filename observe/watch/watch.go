package watch

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// Golden is the kind of a signal.
type Golden uint8

// The kinds. Rate, errors and duration are seen by those who call a workload;
// saturation is what happens inside of it; a monitor is whatever somebody asked
// for, a series one that a selector picks of what comes in.
const (
	Rate Golden = iota
	Errors
	Duration
	Saturation
	Monitor
	Series
)

var goldens = []string{"rate", "errors", "duration", "saturation", "monitor", "series"}

// String names the kind.
func (g Golden) String() string {
	if int(g) < len(goldens) {
		return goldens[g]
	}
	return fmt.Sprintf("golden(%d)", uint8(g))
}

// Internal reports whether a signal moves in the component that is the cause,
// and not only in those that suffer from it.
func (g Golden) Internal() bool { return g == Saturation }

// Watch is an expression to follow. Each series of its answer is one signal.
type Watch struct {
	// Name is unique among those that are followed: "otel-http/duration".
	Name   string
	Golden Golden
	// What says what is measured, for people: "95th percentile of requests".
	What string
	// Unit is "s", "/s", "share", "bytes", "cores" or "" for a count.
	Unit string
	// Expr is the PromQL.
	Expr string
	// Direction and MinEffect say which deviations matter, in Unit.
	Direction anomaly.Direction
	MinEffect float64
	// Exemplars selects the series that carry exemplars of this signal, "" if
	// there are none.
	Exemplars string
	// Namespace is where the signals belong, whatever their labels say, and Workload
	// whose they are where no label says; "" leaves it to the labels.
	Namespace, Workload string
}

// rounded is by how much a share may miss 0 and 1 by arithmetic alone.
const rounded = 1e-6

// Possible reports whether a number can be right: a share is of 0 to 1. A monitor is what
// somebody makes of it, and what is no number says nothing.
func (w Watch) Possible(v float64) bool {
	return w.Unit != "share" || w.Golden == Monitor || math.IsInf(v, 0) || !(v < -rounded || v > 1+rounded)
}

// ExemplarsOf selects the series that carry exemplars of the signal with these labels, ""
// if there are none. Where a label of the signal may be that of several of a series, it is
// one selector for each.
func (w Watch) ExemplarsOf(labels map[string]string) string {
	if w.Exemplars == "" {
		return ""
	}
	metric, matchers, _ := strings.Cut(strings.TrimSuffix(w.Exemplars, "}"), "{")
	all := []string{matchers}
	own := w.renames()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if labels[name] == "" {
			continue
		}
		var longer []string
		for _, before := range all {
			for _, m := range told(own, name, labels[name]) {
				longer = append(longer, joined(before, m))
			}
		}
		all = longer
	}
	for i := range all {
		all[i] = metric + "{" + all[i] + "}"
	}
	return strings.Join(all, " or ")
}

// renames are those of the convention that a watch is of.
func (w Watch) renames() []rename {
	name, _, _ := strings.Cut(w.Name, "/")
	for _, c := range catalogue {
		if c.name == name {
			return c.own
		}
	}
	return nil
}

// Settings detects the anomalies of this signal.
func (w Watch) Settings() anomaly.Settings {
	s := anomaly.Default()
	s.Direction, s.MinEffect = w.Direction, w.MinEffect
	return s
}

// Options say what is looked for.
type Options struct {
	// Namespace limits it to one, "" for all.
	Namespace string
	// Window is over how long rates are taken: four times how often the series
	// are sampled, or more. 0 is two minutes.
	Window time.Duration
}

// Found is what there is to watch.
type Found struct {
	Watches []Watch
	// Conventions are the names of those that are used.
	Conventions []string
	// Partly tells conventions of which something is there, but not enough, with
	// what is missing.
	Partly []string
}

// Find chooses what to watch, given the names of all metrics.
func Find(names []string, o Options) Found {
	if o.Window <= 0 {
		o.Window = 2 * time.Minute
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	var found Found
	told := map[string]bool{}
	for _, c := range catalogue {
		watches, missing := c.choose(there, o)
		if len(missing) > 0 {
			found.Partly = append(found.Partly, c.name+" lacks "+strings.Join(missing, ", "))
		}
		before := len(found.Watches)
		for _, w := range watches {
			// Two conventions may tell the same of the same metric family's users.
			if key := c.family + " " + w.Name[strings.IndexByte(w.Name, '/'):]; c.family == "" || !told[key] {
				told[key] = true
				found.Watches = append(found.Watches, w)
			}
		}
		if len(found.Watches) > before {
			found.Conventions = append(found.Conventions, c.name)
		}
	}
	return found
}

// All are the watches of every convention, whatever metrics there are: for who shows side by
// side what a source may have.
func All(o Options) (all []Watch) {
	for _, c := range catalogue {
		for _, s := range c.signals {
			all = append(all, c.watch(s, o))
		}
	}
	return all
}

// Metrics are the names that any convention could use, sorted: what to ask a
// source for.
func Metrics() []string {
	var all []string
	for _, c := range catalogue {
		for _, s := range c.signals {
			all = append(all, s.needs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
