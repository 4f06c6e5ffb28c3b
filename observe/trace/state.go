package trace

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// Sight says how much a window can be believed.
type Sight string

// The kinds of sight.
const (
	// Seeing: spans come, and none are known to be lost.
	Seeing Sight = "seeing"
	// Partial: spans come, and some were lost lately.
	Partial Sight = "partial"
	// Blind: nothing comes. Whether there is no traffic or nobody who tells of
	// it cannot be known from here; it is no sign of health.
	Blind Sight = "blind"
)

// State says what a window sees, of all services or of one.
type State struct {
	Sight Sight `json:"sight"`
	// Why says what makes it less than Seeing.
	Why string `json:"why,omitempty"`
	// Last is when the last span came, zero if none ever did.
	Last time.Time `json:"last,omitzero"`
	// Spans is how many came in all.
	Spans uint64 `json:"spans"`
}

// sightings remembers which services spans came from.
type sightings struct {
	limit  int
	of     map[identity.Key]*sighting
	latest *identity.Identity // the last one asked for, and its sighting
	found  *sighting
	spans  uint64
}

type sighting struct {
	last  int64
	spans uint64
}

// see counts a span. When there are too many services, the one that was silent
// longest is forgotten.
func (s *sightings) see(from *identity.Identity, now int64) {
	s.spans++
	if from == nil || !from.Known() {
		return
	}
	if s.found == nil || from != s.latest {
		if s.of == nil {
			s.of = map[identity.Key]*sighting{}
		}
		found := s.of[from.Key]
		if found == nil {
			if len(s.of) >= s.limit {
				s.forget()
			}
			found = &sighting{}
			s.of[from.Key] = found
		}
		s.latest, s.found = from, found
	}
	s.found.last = now
	s.found.spans++
}

// forget makes room for a quarter, so that a flood of names costs little.
func (s *sightings) forget() {
	type old struct {
		key  identity.Key
		last int64
	}
	all := make([]old, 0, len(s.of))
	for k, v := range s.of {
		all = append(all, old{k, v.last})
	}
	slices.SortFunc(all, func(a, b old) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.key.String(), b.key.String()))
	})
	for _, o := range all[:len(all)/4+1] {
		delete(s.of, o.key)
	}
}

// State says what the window sees of everything at now.
func (w *Window) State(now time.Time) State {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(now)
	return w.state(w.last, w.sightings.spans, "")
}

// StateOf says what the window sees of one service. It is blind for a service
// that it never heard of.
func (w *Window) StateOf(key identity.Key, now time.Time) State {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(now)
	s := w.sightings.of[key]
	if s == nil {
		s = &sighting{}
	}
	return w.state(s.last, s.spans, " of "+key.String())
}

func (w *Window) state(last int64, spans uint64, of string) State {
	st := State{Sight: Seeing, Spans: spans}
	if last != 0 {
		st.Last = time.Unix(0, last).UTC()
	}
	silent := time.Duration(w.now - last)
	switch lately := w.stats.lately(w.now); {
	case last == 0:
		st.Sight, st.Why = Blind, "no span"+of+" ever came"
	case silent >= w.options.BlindAfter:
		st.Sight, st.Why = Blind, fmt.Sprintf("no span%s came for %s", of, silent.Round(time.Second))
	case lately.Any():
		st.Sight, st.Why = Partial, fmt.Sprintf("lately %d spans were refused, %d invalid, %d late, %d beyond what a trace may hold, %d evicted before their trace was whole; %d calls have no parties", lately.Refused, lately.Invalid, lately.Late, lately.Oversize, lately.Hurried, lately.Unplaced)
	}
	return st
}

// lately is what was lost in the newest two buckets.
func (s *Stats) lately(now int64) (l Loss) {
	newest := max(s.newest, now/s.width)
	for i := range s.buckets {
		if b := &s.buckets[i]; b.costs != nil && newest-b.number < 2 {
			l.add(b.loss)
		}
	}
	return l
}

// Usage is what a window holds.
type Usage struct {
	Bytes, MaxBytes int64
	Traces, Spans   int
	Services        int
	// Since is when the first span came.
	Since time.Time
	// Loss is all that was ever lost.
	Loss Loss
}

// Usage says what the window holds.
func (w *Window) Usage() Usage {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := Usage{Bytes: w.bytes, MaxBytes: w.options.MaxBytes, Traces: len(w.traces), Spans: w.spans, Services: len(w.services), Loss: w.stats.total}
	if w.began != 0 {
		u.Since = time.Unix(0, w.began).UTC()
	}
	return u
}

// View is what calls cost in a stretch of time, and how much of it was seen.
type View struct {
	Totals []Total
	Loss   Loss
	// Covered is false where the stretch is older or newer than what is kept.
	Covered bool
}

// Between returns the costs of the buckets that begin in [from, to). Traces
// that are not settled are not among them yet.
func (w *Window) Between(from, to time.Time) View {
	w.mu.Lock()
	defer w.mu.Unlock()
	totals, loss, covered := w.stats.Between(from, to)
	covered = covered && w.began != 0 && from.UnixNano() >= w.began-int64(w.options.Bucket)
	return View{totals, loss, covered}
}
