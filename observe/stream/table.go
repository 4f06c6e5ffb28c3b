package stream

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// Kind is how the values of a series are to be read.
type Kind uint8

// The kinds.
const (
	// Unsaid: nobody said it; the name does.
	Unsaid Kind = iota
	Gauge
	// Counter grows, and starts anew at 0: what is judged is its rate a second.
	Counter
)

// Naming is what a table needs to know of the names of series. All of it is safe for
// concurrent use.
type Naming[K any] struct {
	Same func(a, b K) bool
	Hash func(K) uint64
	// Picked tells whether a series is to be followed.
	Picked func(K) bool
	// Kind is how a series is read of which nobody said it.
	Kind func(K) Kind
	// Signal is what people are told of.
	Signal func(K, Kind) observe.Signal
	// Write appends a name to b, and Read reads it back.
	Write func(b []byte, name K) []byte
	Read  func(b []byte) (K, error)
}

// Options say what is followed.
type Options[K any] struct {
	Naming Naming[K]
	// MaxSeries is how many are followed.
	MaxSeries int
	// Location and Holiday are as of anomaly.Settings.
	Location *time.Location
	Holiday  func(day time.Time) bool
	// Turned is told what became of series; not at the same time as a shard is locked.
	Turned func([]Turn)
}

// What is what became of a series.
type What uint8

// What may become of a series.
const (
	// Began: an anomaly did.
	Began What = iota
	// Ended: it did.
	Ended
	// Unknown: the series is not measured any more, and nobody knows whether it ended.
	Unknown
)

// Turn is what became of a series.
type Turn struct {
	What    What
	Anomaly observe.Anomaly
}

// parts is how many shards there are: more than cores that judge at a time.
const parts = 16

// Table holds what is known of series. It is safe for concurrent use.
type Table[K any] struct {
	options   Options[K]
	detectors [Counter + 1]*anomaly.Detector
	shards    [parts]shard[K]
	size      atomic.Int64
	arena     arena
	groups    groups
	// first is the shard that the next batch begins with: two do not follow each other.
	first atomic.Uint32
}

// NewTable makes an empty table.
func NewTable[K any](o Options[K]) (*Table[K], error) {
	t := &Table[K]{options: o}
	set := anomaly.Default()
	set.Location, set.Holiday = o.Location, o.Holiday
	var gauge, counter error
	t.detectors[Gauge], gauge = anomaly.New(set)
	set.Counter = true
	t.detectors[Counter], counter = anomaly.New(set)
	if err := errors.Join(gauge, counter); err != nil {
		return nil, err
	}
	t.arena.init(o.MaxSeries)
	t.groups.init(o.MaxSeries)
	for i := range t.shards {
		t.shards[i].init(t)
	}
	return t, nil
}

// shardOf is where a series of this hash is.
func (t *Table[K]) shardOf(hash uint64) *shard[K] { return &t.shards[hash%parts] }

// Find returns the name of a series as it is kept, and where, if it is followed.
func (t *Table[K]) Find(hash uint64, name K) (kept K, where Place, ok bool) {
	s := t.shardOf(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(hash, name); at != none {
		return s.row(at).name, Place(at + 1), true
	}
	return kept, 0, false
}

// Plan says what is planned from now on; nil is nothing. See observe.Options.
func (t *Table[K]) Plan(planned func(observe.Signal) func(at time.Time) bool) {
	t.groups.plan(planned)
}

// Count is how all series stand.
type Count struct {
	// Series are those of each observe.State.
	Series [observe.Silent + 1]int
	// Samples are those of which each anomaly.State was the verdict, so far.
	Samples [anomaly.Restarted + 1]uint64
	// Disputed are the samples said to be of another kind than their series is judged by.
	Disputed uint64
	// Ends are the markers of series' ends, Left the samples of series beyond the bound.
	Ends, Left uint64
	// LeftSeries is about how many series these are of, lately.
	LeftSeries int
	// Released are the series that went from memory.
	Released uint64
}

// Followed is how many series are followed.
func (c Count) Followed() (n int) {
	for _, of := range c.Series {
		n += of
	}
	return n
}

// Count tells how all series stand.
func (t *Table[K]) Count() (all Count) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		c := &s.count
		for j, n := range c.Series {
			all.Series[j] += n
		}
		for j, n := range c.Samples {
			all.Samples[j] += n
		}
		all.Disputed += c.Disputed
		all.Ends, all.Left, all.Released = all.Ends+c.Ends, all.Left+c.Left, all.Released+c.Released
		all.LeftSeries += max(s.left.count(), s.leftBefore)
		s.mu.Unlock()
	}
	return all
}

// Workload is how many anomalies go on of one.
type Workload struct {
	Namespace, Name string
	Open            int
}

// Workloads are those of which anomalies go on.
func (t *Table[K]) Workloads() (all []Workload) {
	open := map[workload]int{}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for at := range s.open {
			open[t.groups.at(s.row(at).group).of]++
		}
		s.mu.Unlock()
	}
	for of, n := range open {
		all = append(all, Workload{of.namespace, of.name, n})
	}
	return all
}

// Open are the anomalies that go on.
func (t *Table[K]) Open() (all []observe.Anomaly) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for at := range s.open {
			all = append(all, s.told(at))
		}
		s.mu.Unlock()
	}
	return all
}

// Place is where a series was found, which saves looking for it again; 0 is nowhere. Another
// may be there by now, which is found out.
type Place uint32

// shard is a part of a table.
type shard[K any] struct {
	mu    sync.Mutex
	of    *Table[K]
	index index
	// rows are what is known of each series besides what the detector knows, in chunks that
	// never move.
	rows []*[rowsTogether]row[K]
	used uint32   // rows that were ever used
	free []uint32 // of these, those that are not any more
	// open are the anomalies that go on, by the row of their series.
	open       map[uint32]peak
	count      Count
	left       sketch
	leftBefore int
	leftSlot   int64 // the slot of the clock that left counts
}

const rowsTogether = 64

// row is what is known of a series besides what the detector knows: 32 bytes.
type row[K any] struct {
	name  K
	group uint32
	// seen is when a sample came, in minutes since 1970, by our clock.
	seen uint32
	// known is where in the arena the detector's part is.
	known uint32
	state observe.State
	kind  Kind
	used  bool
	// said is 0 if nobody said of what kind the series is, and otherwise 1 and for how many
	// samples in a row it is said to be of the other.
	said uint8
}

// settledDispute is after how many samples in a row a series is of the kind that they say:
// it changed. Before that two senders say different things of one series, and learning it
// anew with each sample would never end.
const settledDispute = 250

// says takes what a sample says of the kind of its series, and tells whether that is another
// from now on.
func (s *shard[K]) says(r *row[K], kind Kind) bool {
	switch {
	case kind == Unsaid:
		return false
	case kind == r.kind:
		r.said = 1
		return false
	case r.said > 0 && r.said < settledDispute:
		r.said++
		s.count.Disputed++
		return false
	}
	r.said = 1
	return true
}

func (s *shard[K]) init(of *Table[K]) {
	s.of, s.open = of, map[uint32]peak{}
}

func (s *shard[K]) row(at uint32) *row[K] { return &s.rows[at/rowsTogether][at%rowsTogether] }

func (s *shard[K]) known(at uint32) *anomaly.Series { return s.of.arena.at(s.row(at).known) }

// find returns the row of a series, none if it is not followed.
func (s *shard[K]) find(hash uint64, name K) uint32 {
	same := s.of.options.Naming.Same
	return s.index.find(hash, func(at uint32) bool { return same(s.row(at).name, name) })
}

// look returns the row of the series of a sample, none if it is not followed.
func (s *shard[K]) look(x *Sample[K]) uint32 {
	if at := uint32(x.Place) - 1; at < s.used {
		if r := s.row(at); r.used && s.of.options.Naming.Same(r.name, x.Name) {
			return at
		}
	}
	return s.find(x.Hash, x.Name)
}

// add begins to follow a series; none if there are too many.
func (s *shard[K]) add(hash uint64, name K, kind Kind) uint32 {
	t := s.of
	if t.size.Add(1) > int64(t.options.MaxSeries) {
		t.size.Add(-1)
		return none
	}
	if kind == Unsaid {
		kind = t.options.Naming.Kind(name)
	}
	var at uint32
	if n := len(s.free); n > 0 {
		at, s.free = s.free[n-1], s.free[:n-1]
	} else {
		at = s.used
		s.used++
		if int(at/rowsTogether) == len(s.rows) {
			s.rows = append(s.rows, new([rowsTogether]row[K]))
		}
	}
	*s.row(at) = row[K]{name: name, kind: kind, used: true, known: t.arena.take(), group: t.groups.join(t.options.Naming.Signal(name, kind))}
	s.index.put(hash, at, s.hashAt)
	s.count.Series[observe.Learning]++
	return at
}

func (s *shard[K]) hashAt(at uint32) uint64 { return s.of.options.Naming.Hash(s.row(at).name) }

// release forgets a series.
func (s *shard[K]) release(at uint32) {
	r := s.row(at)
	s.index.remove(s.hashAt(at), at, s.hashAt)
	s.of.groups.leave(r.group)
	s.count.Series[r.state]--
	s.count.Released++
	delete(s.open, at)
	s.of.arena.give(r.known)
	*r = row[K]{}
	s.free = append(s.free, at)
	s.of.size.Add(-1) // the last, for then there is room for another
}

// stand notes how a series stands.
func (s *shard[K]) stand(r *row[K], now observe.State) {
	s.count.Series[r.state]--
	s.count.Series[now]++
	r.state = now
}

// peak is what the detector does not know of an anomaly that goes on.
type peak struct {
	// value is the one furthest from what was expected when it began, low to high.
	value, low, high float64
	probability      float32
}

// told is what goes on of a series, or just ended, as people are told of it.
func (s *shard[K]) told(at uint32) observe.Anomaly {
	r, p := s.row(at), s.open[at]
	x := s.of.detectors[r.kind].Explain(s.known(at))
	return observe.Anomaly{
		Signal: s.of.options.Naming.Signal(r.name, r.kind), Since: time.UnixMilli(x.Since), Probability: p.probability, Direction: x.Direction,
		Value: p.value, Low: p.low, High: p.high, Explanation: x,
	}
}
