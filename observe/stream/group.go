package stream

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// workload is whose series are told of together.
type workload struct{ namespace, name string }

func workloadOf(s observe.Signal) workload { return workload{s.Namespace(), s.Workload()} }

// groups are the workloads that series are of. A series holds the number of its group, of
// which it may read as long as it is a member.
type groups struct {
	// arrays are made when they are needed, and never move.
	arrays []*[groupsTogether]group

	mu   sync.Mutex
	by   map[workload]uint32
	used uint32
	free []uint32
	from func(observe.Signal) func(time.Time) bool
}

const groupsTogether = 64

// group is one of them.
type group struct {
	of      workload
	members int
	// planned tells what is planned of it; nil is nothing.
	planned atomic.Pointer[func(time.Time) bool]
}

func (g *groups) init(most int) {
	g.by, g.arrays = map[workload]uint32{}, make([]*[groupsTogether]group, most/groupsTogether+1)
}

func (g *groups) at(i uint32) *group { return &g.arrays[i/groupsTogether][i%groupsTogether] }

// join adds a series to the group of its workload. There are no more groups than series.
func (g *groups) join(s observe.Signal) uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	of := workloadOf(s)
	i, ok := g.by[of]
	if !ok {
		if n := len(g.free); n > 0 {
			i, g.free = g.free[n-1], g.free[:n-1]
		} else {
			i = g.used
			g.used++
			if array := &g.arrays[i/groupsTogether]; *array == nil {
				*array = new([groupsTogether]group)
			}
		}
		g.by[of] = i
		g.at(i).of = of
		g.at(i).planned.Store(plannedOf(of, g.from))
	}
	g.at(i).members++
	return i
}

// leave takes a series out of its group.
func (g *groups) leave(i uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.at(i)
	if x.members--; x.members == 0 {
		delete(g.by, x.of)
		x.of = workload{}
		x.planned.Store(nil)
		g.free = append(g.free, i)
	}
}

func (g *groups) plan(from func(observe.Signal) func(time.Time) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.from = from
	for of, i := range g.by {
		g.at(i).planned.Store(plannedOf(of, from))
	}
}

func plannedOf(of workload, from func(observe.Signal) func(time.Time) bool) *func(time.Time) bool {
	if from == nil || of == (workload{}) {
		return nil
	}
	planned := from(observe.Signal{Watch: watch.Watch{Namespace: of.namespace, Workload: of.name}})
	if planned == nil {
		return nil
	}
	return &planned
}
