package trace

import (
	"container/heap"
	"container/list"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// Window keeps the traces of the last while in bounded memory, and the costs of
// their calls for longer. It is safe for concurrent use.
type Window struct {
	options Options

	mu sync.Mutex
	clock
	bytes    int64
	spans    int
	traces   map[ID]*entry
	open     *list.List // of *entry, the longest quiet first
	services map[identity.Key]*account
	largest  accounts
	idle     *list.List // of *account that hold nothing, the longest idle first
	stats    *Stats
	known    interned

	sightings sightings
}

// clock is what a window knows of time, in nanoseconds since 1970.
type clock struct {
	now   int64
	swept int64 // when old traces were looked for
	began int64 // when the first span came
	last  int64 // when the last span came
}

// NewWindow returns an empty window.
func NewWindow(o Options) (*Window, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return &Window{
		options: o, traces: map[ID]*entry{}, open: list.New(), idle: list.New(), services: map[identity.Key]*account{},
		stats: NewStats(o.Bucket, o.Buckets, o.MaxEdges), sightings: sightings{limit: 4 * o.MaxServices},
	}, nil
}

// Taken is what became of spans that were added.
type Taken struct {
	Accepted, Rejected int
	// Why says why some were rejected.
	Why string
}

// Add takes spans that came at now. It keeps parts of them: the caller must not
// change them afterwards. Clocks that go back are taken to stand still.
func (w *Window) Add(now time.Time, spans []Span) Taken {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(now)
	var t Taken
	for i := range spans {
		s := spans[i]
		switch {
		case s.Trace.IsZero() || s.ID.IsZero():
			t.Rejected, t.Why = t.Rejected+1, "a span has no trace id or no span id"
			w.stats.Lose(Loss{Invalid: 1}, w.now)
			continue
		case s.Start <= 0 || s.End < 0:
			t.Rejected, t.Why = t.Rejected+1, "a span has no start, or times after the year 2262"
			w.stats.Lose(Loss{Invalid: 1}, w.now)
			continue
		case s.Duration() > maxDuration:
			t.Rejected, t.Why = t.Rejected+1, "a span is longer than a week"
			w.stats.Lose(Loss{Invalid: 1}, w.now)
			continue
		}
		e := w.entry(&s)
		if len(e.spans) >= w.options.MaxSpans {
			t.Rejected, t.Why = t.Rejected+1, "its trace has too many spans"
			w.stats.Lose(Loss{Oversize: 1}, w.now)
			continue
		}
		t.Accepted++
		w.put(e, s)
		w.makeRoom()
	}
	return t
}

// maxDuration is that of the longest span that is believed: one of a century
// would make every sum with it worthless.
const maxDuration = 7 * 24 * time.Hour

// Refused tells the window of spans that were turned away before they got to it.
func (w *Window) Refused(now time.Time, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(now)
	w.stats.Lose(Loss{Refused: uint64(max(0, n))}, w.now)
}

// Advance lets time pass: it settles what is quiet and drops what is old. Add
// does so too; call it where spans may fail to come.
func (w *Window) Advance(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(now)
}

const overhead = int64(unsafe.Sizeof(entry{})) + 2*64 + 64 // two list elements, a place in the map

// entry returns the trace of a span, a new one if there is none.
func (w *Window) entry(s *Span) *entry {
	if e := w.traces[s.Trace]; e != nil {
		return e
	}
	e := &entry{id: s.Trace, account: w.account(s.identity().Key), first: w.now, last: w.now, start: s.Start, end: s.End}
	w.traces[e.id] = e
	e.open, e.place = w.open.PushBack(e), e.account.plain.PushBack(e)
	w.charge(e, overhead)
	return e
}

// account returns a service's account. When there are too many, one that has
// nothing gives way; else the service shares that of all others.
func (w *Window) account(key identity.Key) *account {
	if a := w.services[key]; a != nil {
		return a
	}
	if len(w.services) >= w.options.MaxServices {
		if idle := w.idle.Front(); idle != nil {
			w.forget(idle.Value.(*account))
		} else if key = (identity.Key{Service: Other}); w.services[key] != nil {
			return w.services[key]
		}
	}
	a := newAccount(key)
	w.services[key] = a
	heap.Push(&w.largest, a)
	a.idle = w.idle.PushBack(a)
	return a
}

func (w *Window) forget(a *account) {
	delete(w.services, a.key)
	heap.Remove(&w.largest, a.heap)
	w.idle.Remove(a.idle)
}

func (w *Window) charge(e *entry, bytes int64) {
	e.bytes += bytes
	e.account.bytes += bytes
	if e.kept {
		e.account.keptBytes += bytes
	}
	w.bytes += bytes
	switch {
	case e.account.bytes > 0 && e.account.idle != nil:
		w.idle.Remove(e.account.idle)
		e.account.idle = nil
	case e.account.bytes == 0 && e.account.idle == nil:
		e.account.idle = w.idle.PushBack(e.account)
	}
	heap.Fix(&w.largest, e.account.heap)
}

// put adds a span to its trace.
func (w *Window) put(e *entry, s Span) {
	Trim(&s)
	w.known.share(&s)
	size := int64(len(s.Message)+len(s.Name)+len(s.Remote.Name)) + int64(len(s.Links))*int64(unsafe.Sizeof(Link{}))
	if n := len(e.spans); n == 0 || e.spans[n-1].From != s.From {
		size += identitySize(s.From)
	}
	room := cap(e.spans)
	e.spans = append(e.spans, s)
	size += int64(cap(e.spans)-room) * int64(unsafe.Sizeof(Span{}))
	e.last, e.start, e.end = w.now, min(e.start, s.Start), max(e.end, s.End)
	w.charge(e, size)
	w.spans++
	w.last = w.now
	if w.began == 0 {
		w.began = w.now
	}
	e.account.spans++
	e.account.last = w.now
	w.sightings.see(s.From, w.now)
	if s.Failed && !e.failed {
		e.failed = true
		w.keep(e)
	}
	if e.settled {
		w.stats.Lose(Loss{Late: 1}, w.now)
	} else {
		w.open.MoveToBack(e.open)
	}
	if e.kept {
		e.account.kept.MoveToBack(e.place)
	} else {
		e.account.plain.MoveToBack(e.place)
	}
}

func identitySize(id *identity.Identity) int64 {
	if id == nil {
		return 0
	}
	return int64(unsafe.Sizeof(*id)) + int64(len(id.Environment)+len(id.Namespace)+len(id.Service)+len(id.Instance)+len(id.KubeNamespace)+len(id.Pod)+len(id.Workload))
}

// keep moves a trace to those that stay longer.
func (w *Window) keep(e *entry) {
	if e.kept {
		return
	}
	e.account.plain.Remove(e.place)
	e.kept = true
	e.place = e.account.kept.PushBack(e)
	e.account.keptBytes += e.bytes
}

// makeRoom drops traces of whoever holds most until all fits.
func (w *Window) makeRoom() {
	for w.bytes > w.options.MaxBytes && len(w.largest) > 0 {
		e := w.largest[0].victim()
		if e == nil {
			return
		}
		l := Loss{Evicted: uint64(len(e.spans))}
		if !e.settled {
			l.Hurried = l.Evicted
		}
		w.stats.Lose(l, w.now)
		w.drop(e)
	}
}

// drop takes a trace out; its costs are counted first.
func (w *Window) drop(e *entry) {
	w.settle(e)
	delete(w.traces, e.id)
	if e.kept {
		e.account.kept.Remove(e.place)
	} else {
		e.account.plain.Remove(e.place)
	}
	w.spans -= len(e.spans)
	w.charge(e, -e.bytes)
}

// settle counts the costs of a trace.
func (w *Window) settle(e *entry) {
	if e.settled {
		return
	}
	e.settled = true
	w.open.Remove(e.open)
	e.open = nil
	if len(e.spans) == 0 {
		return
	}
	t := Assemble(e.spans)
	for _, c := range t.Calls(w.linked(maxLookups)) {
		// A sender whose clock is far off would put its costs where nobody
		// looks for them.
		if between(e.first, c.Start).Abs() > 2*w.options.MaxOpen {
			c.Start = e.first
		}
		w.stats.Add(&c, e.id, w.now)
	}
	if e.account.slow(t.Duration()) {
		w.keep(e)
	}
	if spare := cap(e.spans) - len(e.spans); spare > 0 {
		e.spans = slices.Clip(slices.Clone(e.spans))
		w.charge(e, -int64(spare)*int64(unsafe.Sizeof(Span{})))
	}
}

// maxLookups is how many spans are looked at for the links of one trace.
const maxLookups = 100_000

// linked returns what finds a span of another trace, until it has looked at
// budget spans.
func (w *Window) linked(budget int) Finder {
	return func(id ID, span SpanID) *Span {
		e := w.traces[id]
		if e == nil {
			return nil
		}
		for i := range e.spans {
			if budget--; budget < 0 {
				return nil
			}
			if e.spans[i].ID == span {
				return &e.spans[i]
			}
		}
		return nil
	}
}

// advance is at most once a second the work of a sweep.
func (w *Window) advance(now time.Time) {
	w.now = max(w.now, now.UnixNano())
	for e := w.open.Front(); e != nil; e = w.open.Front() {
		t := e.Value.(*entry)
		if w.now-t.last < int64(w.options.Settle) {
			break
		}
		w.settle(t)
	}
	if w.now-w.swept < int64(time.Second) {
		return
	}
	w.swept = w.now
	for e := w.open.Front(); e != nil; {
		t, next := e.Value.(*entry), e.Next()
		if w.now-t.first >= int64(w.options.MaxOpen) {
			w.settle(t)
		}
		e = next
	}
	for _, a := range slices.Clone(w.largest) {
		w.expire(a.plain, w.options.MaxAge)
		w.expire(a.kept, w.options.KeepAge)
		if a.bytes == 0 && w.now-a.last > int64(w.options.KeepAge) {
			w.forget(a)
		}
	}
}

// expire drops what is older than age. A trace that begins to be kept goes to
// the end of its list, so the list is not quite in order: old ones wait there
// for those before them, which are as good as old.
func (w *Window) expire(l *list.List, age time.Duration) {
	for e := l.Front(); e != nil; e = l.Front() {
		t := e.Value.(*entry)
		if w.now-t.last < int64(age) {
			return
		}
		w.drop(t)
	}
}

// interned shares the strings and identities that nearly all spans repeat.
type interned struct {
	texts      map[string]string
	identities map[identity.Identity]*identity.Identity
}

// maxInterned bounds what is remembered; beyond it, it is begun anew.
const maxInterned = 4096

func (k *interned) share(s *Span) {
	if len(k.texts) >= maxInterned || k.texts == nil {
		k.texts = map[string]string{}
	}
	for _, p := range [...]*string{&s.Name, &s.Remote.Name} {
		if known, ok := k.texts[*p]; ok {
			*p = known
		} else {
			k.texts[*p] = *p
		}
	}
	if s.From == nil {
		return
	}
	if len(k.identities) >= maxInterned || k.identities == nil {
		k.identities = map[identity.Identity]*identity.Identity{}
	}
	if known := k.identities[*s.From]; known != nil {
		s.From = known
	} else {
		k.identities[*s.From] = s.From
	}
}
