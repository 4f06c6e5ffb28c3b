package assess

import (
	"context"
	"path"
	"slices"
	"sync"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// located is one answer of a check, with the unit it was given in.
type located struct {
	*check.Result
	unit *unit
}

// chunk is a piece of work: some of a unit's objects, or one of the checks
// that look at the whole unit.
type chunk struct {
	unit     *unit
	from, to int
	whole    int // number of the check, -1 for objects
}

const chunkSize = 256

// evaluate runs the catalogue over every unit.
func (r *run) evaluate(ctx context.Context) error {
	index := check.NewIndex(r.opts.Checks)
	// The checks of whole units come first: they take longest, and what comes
	// last decides how long some worker is idle.
	var work []chunk
	for i := range index.Units() {
		for _, u := range r.units {
			if !u.around {
				work = append(work, chunk{unit: u, whole: i})
			}
		}
	}
	for _, u := range r.units {
		n := len(u.graph.Objects)
		if u.around {
			n = 0
		}
		for from := 0; from < n; from += chunkSize {
			work = append(work, chunk{unit: u, from: from, to: min(from+chunkSize, n), whole: -1})
		}
	}
	out := make([][]*located, len(work))
	tallies := make([]tally, len(work))
	var mu sync.Mutex
	done := 0
	err := parallel(ctx, r.opts.Workers, len(work), func(i int) {
		w := work[i]
		p := check.NewPass(&r.opts.Settings, w.unit.graph, r.others(w.unit))
		tallies[i] = tally{}
		p.OnPass = func(c *check.Check, o *graph.Object) {
			tallies[i].add(c, o)
			if r.opts.KeepPassed {
				out[i] = append(out[i], &located{&check.Result{Check: c, Object: o, Status: ops.Pass, Severity: c.Severity, At: o.Body}, w.unit})
			}
		}
		emit := func(rs []*check.Result) {
			for _, res := range rs {
				out[i] = append(out[i], &located{res, w.unit})
			}
		}
		if w.whole >= 0 {
			index.Unit(p, w.whole, emit)
		} else {
			for _, o := range w.unit.graph.Objects[w.from:w.to] {
				index.Object(p, o, emit)
			}
		}
		mu.Lock()
		done++
		r.progress("check", done, len(work))
		mu.Unlock()
	})
	r.passes = tally{}
	for _, t := range tallies {
		r.passed += r.passes.merge(t)
	}
	r.results = slices.Concat(out...)
	r.doubt()
	return err
}

// others returns the graphs of the other units, in which what the unit lacks
// may be found. Another rendering of the same root is not one of them.
func (r *run) others(u *unit) []*graph.Graph {
	if len(r.units) == 1 {
		return nil
	}
	gs := make([]*graph.Graph, 0, len(r.units)-1)
	for _, o := range r.units {
		if o != u && (o.name != u.name || o.name == "manifests") {
			gs = append(gs, o.graph)
		}
	}
	return gs
}

// tally counts how often each check found an object in order, and keeps the
// first few objects as evidence.
type tally map[*check.Check]*passes

type passes struct {
	n     int
	first []*graph.Object
}

// evidencePerCheck is how many places a check's passes are shown by.
const evidencePerCheck = 3

func (t tally) add(c *check.Check, o *graph.Object) {
	ps := t[c]
	if ps == nil {
		ps = &passes{}
		t[c] = ps
	}
	ps.n++
	if len(ps.first) < evidencePerCheck {
		ps.first = append(ps.first, o)
	}
}

func (t tally) merge(from tally) (n int) {
	for c, ps := range from {
		n += ps.n
		if t[c] == nil {
			t[c] = &passes{}
		}
		t[c].n += ps.n
		if room := evidencePerCheck - len(t[c].first); room > 0 {
			t[c].first = append(t[c].first, ps.first[:min(room, len(ps.first))]...)
		}
	}
	return n
}

// doubt turns fails that rest on something's absence into unknowns where it may
// be in a part that could not be read.
func (r *run) doubt() {
	var unread []string
	for _, in := range r.inputs {
		if in.Status == Unevaluated {
			unread = append(unread, in.File)
		}
	}
	slices.Sort(unread)
	for _, res := range r.results {
		if !res.Check.Absence || res.Status != ops.Fail {
			continue
		}
		gap := res.unit.gap
		if from, ok := res.Object.Origin.(origin); ok && from.tracer == nil && gap == "" {
			gap = nearby(unread, from.file)
		}
		if gap != "" {
			res.Status = ops.Unknown
			res.Message += "; but " + gap + " could not be read, and may hold it"
		}
	}
}

// nearby returns a file of the list that lies in the folder of file, or in a
// folder below or above it other than the top.
func nearby(list []string, file string) string {
	dir := path.Dir(file)
	for _, u := range list {
		other := path.Dir(u)
		if other == dir || dir != "." && other != "." && (within(other, dir) || within(dir, other)) {
			return u
		}
	}
	return ""
}
