package stream

import (
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// workload is whose series are told of together.
type workload struct{ namespace, name string }

func workloadOf(s observe.Signal) workload { return workload{s.Namespace(), s.Workload()} }

// groups are the workloads that the series of a shard are of.
type groups struct {
	by   map[workload]uint32
	all  []group
	free []uint32
	from func(observe.Signal) func(time.Time) bool
}

// group is one of them.
type group struct {
	of      workload
	members int
	// planned tells what is planned of it; nil is nothing.
	planned func(time.Time) bool
}

func (g *groups) init() { g.by = map[workload]uint32{} }

// join adds a series to the group of its workload.
func (g *groups) join(s observe.Signal) uint32 {
	of := workloadOf(s)
	i, ok := g.by[of]
	if !ok {
		if n := len(g.free); n > 0 {
			i, g.free = g.free[n-1], g.free[:n-1]
		} else {
			i, g.all = uint32(len(g.all)), append(g.all, group{})
		}
		g.by[of] = i
		g.all[i] = group{of: of, planned: plannedOf(of, g.from)}
	}
	g.all[i].members++
	return i
}

// leave takes a series out of its group.
func (g *groups) leave(i uint32) {
	x := &g.all[i]
	if x.members--; x.members == 0 {
		delete(g.by, x.of)
		*x = group{}
		g.free = append(g.free, i)
	}
}

func (g *groups) plan(from func(observe.Signal) func(time.Time) bool) {
	g.from = from
	for i := range g.all {
		g.all[i].planned = plannedOf(g.all[i].of, from)
	}
}

func plannedOf(of workload, from func(observe.Signal) func(time.Time) bool) func(time.Time) bool {
	if from == nil || of == (workload{}) {
		return nil
	}
	return from(observe.Signal{Watch: watch.Watch{Namespace: of.namespace, Workload: of.name}})
}
