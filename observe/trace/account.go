package trace

import (
	"container/list"
	"time"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// entry is a trace in the window.
type entry struct {
	id          ID
	spans       []Span
	bytes       int64
	first, last int64 // when spans came, by the window's clock
	start, end  int64 // by the senders' clocks
	account     *account
	failed      bool
	settled     bool
	kept        bool
	open        *list.Element // in Window.open while it is not settled
	place       *list.Element // in one of its account's lists
}

// account is a service's share of the window: the traces that began with it.
type account struct {
	key         identity.Key
	plain, kept *list.List // of *entry, the longest quiet first
	bytes       int64
	keptBytes   int64
	spans       uint64
	last        int64
	durations   Histogram
	heap        int
	idle        *list.Element // in Window.idle while it holds nothing
}

func newAccount(key identity.Key) *account {
	return &account{key: key, plain: list.New(), kept: list.New()}
}

// victim is the trace to drop first: the longest quiet of those that are
// neither slow nor failed, as long as these have at least a quarter and their
// costs are counted.
func (a *account) victim() *entry {
	plain, kept := a.plain.Front(), a.kept.Front()
	switch {
	case plain == nil && kept == nil:
		return nil
	case plain == nil:
		return kept.Value.(*entry)
	case kept == nil:
		return plain.Value.(*entry)
	}
	p, k := plain.Value.(*entry), kept.Value.(*entry)
	if k.settled && (!p.settled || a.keptBytes*4 > a.bytes*3) {
		return k
	}
	return p
}

// slow reports whether a trace took longer than nearly all of its service, and
// remembers its duration.
func (a *account) slow(d time.Duration) bool {
	slow := a.durations.Count() >= 100 && bucketOf(d) > a.durations.rank(0.99)
	a.durations.Add(d)
	if a.durations.n > 10_000 {
		a.durations.halve()
	}
	return slow
}

// halve makes what was counted weigh half, so that the past fades.
func (h *Histogram) halve() {
	h.n = 0
	for i := range h.counts {
		h.counts[i] /= 2
		h.n += uint64(h.counts[i])
	}
}

// accounts is a heap: the one that holds most is first.
type accounts []*account

func (a accounts) Len() int           { return len(a) }
func (a accounts) Less(i, j int) bool { return a[i].bytes > a[j].bytes }
func (a accounts) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].heap, a[j].heap = i, j
}

// Push implements heap.Interface.
func (a *accounts) Push(x any) {
	acc := x.(*account)
	acc.heap = len(*a)
	*a = append(*a, acc)
}

// Pop implements heap.Interface.
func (a *accounts) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return last
}
