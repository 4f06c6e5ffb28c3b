package live

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Settings bound a Follower. Zero fields mean the defaults.
type Settings struct {
	// Workloads is how many are followed; 0 means 500. One is forgotten when it has no
	// stream and wrote nothing for Forget; 0 means an hour.
	Workloads int
	Forget    time.Duration
	// Told is how many templates of a workload are told of within ten minutes, the
	// gravest first; 0 means 5.
	Told int
	// Miner are those of each workload; the zero value means Default.
	Miner logs.Settings
}

// Default returns the settings of a miner of one workload among many: 512 kinds of lines,
// in 256 KiB.
func Default() logs.Settings {
	s := logs.Default()
	s.Templates, s.Bytes, s.ExampleBytes = 512, 256<<10, 512
	return s
}

// Finding is a template by which a workload says that something is wrong.
type Finding struct {
	Of     identity.Key
	Signal logs.Signal
}

// Count is what a Follower follows and misses.
type Count struct {
	// Workloads are followed; Templates are those that they have at the moment.
	Workloads, Templates int
	// Lines were read. Refused are those of workloads for which there was no room,
	// Forgotten the templates for which there was none, Untold the findings that were
	// too many within ten minutes.
	Lines, Refused, Forgotten, Untold uint64
}

// Follower follows the lines of workloads. It is safe for concurrent use, but for Look,
// which is for one goroutine.
type Follower struct {
	set   Settings
	start int64 // ms since 1970; what began before is told to nobody

	mu        sync.Mutex
	workloads map[identity.Key]*workload
	gone      Count // of workloads that were forgotten, and what was refused
}

// workload is one that writes lines.
type workload struct {
	mu      sync.Mutex
	miner   *logs.Miner
	streams map[*Stream]struct{}
	// last is when it last wrote or had a stream, as Look sees it.
	last  time.Time
	wrote bool
	// told are the findings that go on, and lately when some were told, in ms.
	told   map[logs.ID]told
	lately []int64
}

// told is a finding that goes on. It was told unless there were too many.
type told struct {
	logs.Signal
	said bool
}

// New returns a Follower that tells what begins at a moment or later. The error joins
// every problem of the settings.
func New(set Settings, start time.Time) (*Follower, error) {
	set.Workloads = cmp.Or(set.Workloads, 500)
	set.Forget = cmp.Or(set.Forget, time.Hour)
	set.Told = cmp.Or(set.Told, 5)
	if set.Miner == (logs.Settings{}) {
		set.Miner = Default()
	}
	if _, err := logs.New(set.Miner); err != nil {
		return nil, err
	}
	return &Follower{set: set, start: start.UnixMilli(), workloads: map[identity.Key]*workload{}}, nil
}

// Stream takes the lines of one container of a workload.
type Stream struct {
	follower *Follower
	of       *workload // nil if there was no room
	joiner   *logs.Joiner
	fresh    bool // a line came since it was looked at
}

// maxTrace is how many bytes of a stack trace are kept.
const maxTrace = 4 << 10

// Open returns a stream of a workload.
func (f *Follower) Open(of identity.Key) *Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.workloads[of]
	if w == nil {
		if len(f.workloads) >= f.set.Workloads {
			return &Stream{follower: f}
		}
		miner, err := logs.New(f.set.Miner)
		if err != nil {
			return &Stream{follower: f} // never: New made one of these settings
		}
		w = &workload{miner: miner, streams: map[*Stream]struct{}{}, told: map[logs.ID]told{}}
		f.workloads[of] = w
	}
	s := &Stream{follower: f, of: w, joiner: logs.NewJoiner(maxTrace)}
	w.mu.Lock()
	w.streams[s], w.wrote = struct{}{}, true
	w.mu.Unlock()
	return s
}

// Add takes a line that was written at a moment, in nanoseconds since 1970.
func (s *Stream) Add(at int64, line []byte) {
	w := s.of
	if w == nil {
		s.follower.mu.Lock()
		s.follower.gone.Refused++
		s.follower.mu.Unlock()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.fresh, w.wrote = true, true
	if event, when, ok := s.joiner.Add(line, at/1e6); ok {
		s.read(event, when)
	}
}

// read reads a line, or several that belong together. Those of before the start are read
// container by container: they tell what lines there are, not how many are usual.
func (s *Stream) read(event []byte, when int64) {
	if when < s.follower.start {
		s.of.miner.Learn(event, when)
		return
	}
	s.of.miner.Add(event, when)
}

// Close says that no more lines come.
func (s *Stream) Close() {
	if s.of == nil {
		return
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.flush()
	delete(s.of.streams, s)
}

// flush reads what the joiner holds.
func (s *Stream) flush() {
	if event, when, ok := s.joiner.Flush(); ok {
		s.of.wrote = true
		s.read(event, when)
	}
}

// Look tells at a moment what began and what ended since it was called last, by
// workload, the gravest first. A template that is new ends when it is none any more:
// its lines may go on.
func (f *Follower) Look(now time.Time) (began, ended []Finding) {
	f.mu.Lock()
	all := maps.Clone(f.workloads)
	f.mu.Unlock()
	untold := uint64(0)
	var idle []identity.Key
	for _, of := range slices.SortedFunc(maps.Keys(all), compare) {
		w := all[of]
		w.mu.Lock()
		news, over, left := w.look(now.UnixMilli(), f.start, f.set.Told)
		if w.wrote || len(w.streams) > 0 || w.last.IsZero() {
			w.last = now
		}
		if w.wrote = false; now.Sub(w.last) > f.set.Forget && len(w.told) == 0 {
			idle = append(idle, of)
		}
		w.mu.Unlock()
		untold += uint64(left)
		for _, s := range news {
			began = append(began, Finding{of, s})
		}
		for _, s := range over {
			ended = append(ended, Finding{of, s})
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone.Untold += untold
	for _, of := range idle {
		f.forget(of)
	}
	return began, ended
}

func compare(a, b identity.Key) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Environment, b.Environment))
}

// forget drops a workload that says nothing any more, unless it has begun to again.
func (f *Follower) forget(of identity.Key) {
	w := f.workloads[of]
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote || len(w.streams) > 0 {
		return
	}
	lost := w.miner.Lost()
	f.gone.Lines += lost.Lines
	f.gone.Forgotten += lost.Forgotten
	delete(f.workloads, of)
}

// lately is the time in which so many findings of a workload are told, in ms.
const lately = 10 * 60 * 1000

// look compares the signals of a moment with those of before.
func (w *workload) look(now, start int64, most int) (began, ended []logs.Signal, left int) {
	for s := range w.streams {
		if !s.fresh {
			s.flush() // what belongs to it would have come
		}
		s.fresh = false
	}
	if !w.wrote && len(w.told) == 0 {
		return nil, nil, 0 // there is nothing that could have changed
	}
	w.miner.Tick(now)
	w.lately = slices.DeleteFunc(w.lately, func(at int64) bool { return now-at >= lately })
	// Templates that became more general have another name.
	before := make(map[logs.ID]told, len(w.told))
	for id, s := range w.told {
		before[w.miner.Resolve(id)] = s
	}
	w.told = make(map[logs.ID]told, len(before))
	for _, s := range w.miner.Signals(now) {
		last, known := before[s.Template.ID]
		switch {
		case known:
		case s.Since < start:
			continue // it was there before
		case len(w.lately) >= most:
			left++
		default:
			last.said = true
			began, w.lately = append(began, s), append(w.lately, now)
		}
		w.told[s.Template.ID] = told{s, last.said}
	}
	for id, s := range before {
		if _, goesOn := w.told[id]; !goesOn && s.said {
			ended = append(ended, s.Signal)
		}
	}
	slices.SortFunc(ended, func(a, b logs.Signal) int { return cmp.Compare(a.Template.ID, b.Template.ID) })
	return began, ended, left
}

// Standing are the findings that go on, as Look saw them last; those, too, of which there
// were too many to be told.
func (f *Follower) Standing() (all []Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, of := range slices.SortedFunc(maps.Keys(f.workloads), compare) {
		w := f.workloads[of]
		w.mu.Lock()
		for _, id := range slices.Sorted(maps.Keys(w.told)) {
			all = append(all, Finding{of, w.told[id].Signal})
		}
		w.mu.Unlock()
	}
	return all
}

// Count tells what is followed and missed.
func (f *Follower) Count() Count {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.gone
	c.Workloads = len(f.workloads)
	for _, w := range f.workloads {
		w.mu.Lock()
		lost := w.miner.Lost()
		c.Lines += lost.Lines
		c.Forgotten += lost.Forgotten
		c.Templates += w.miner.Count()
		w.mu.Unlock()
	}
	return c
}
