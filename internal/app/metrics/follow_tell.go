package metrics

import (
	"time"

	"github.com/autoecoops/autoecoops/observe"
)

// Quiet is a workload of which nothing was measured for a while.
type Quiet struct {
	Namespace, Workload string
	// Since is when the last sample of it was taken.
	Since time.Time
}

// workload is whose signals are told together.
type workload struct{ namespace, name string }

// quietAfter is how long nothing was measured of a workload that is told to be silent.
const quietAfter = 10 * time.Minute

// fill has hooks that are nil do nothing.
func (h *Hooks) fill() {
	for _, f := range []*func(observe.Anomaly){&h.Opened, &h.Closed, &h.Unknown} {
		if *f == nil {
			*f = func(observe.Anomaly) {}
		}
	}
	for _, f := range []*func(Quiet){&h.Silent, &h.Heard} {
		if *f == nil {
			*f = func(Quiet) {}
		}
	}
	if h.Looked == nil {
		h.Looked = func(observe.Report) {}
	}
}

// tell compares how all is with how it was. Failed is how many expressions could not be
// evaluated.
func (f *Follower) tell(r observe.Report, failed int) {
	open := openIn(r)
	f.mu.Lock()
	before, first := f.open, f.open == nil
	f.report, f.open, f.failed = r, open, failed
	f.mu.Unlock()
	if !first { // else they began before anybody looked
		for id, a := range open {
			if _, known := before[id]; !known {
				f.options.Opened(a)
			}
		}
		followed := map[string]bool{}
		for i := range r.Signals {
			followed[r.Signals[i].Signal.ID()] = true
		}
		for id, a := range before {
			switch _, goesOn := open[id]; {
			case goesOn:
			case followed[id]:
				f.options.Closed(a)
			default:
				f.options.Unknown(a) // nobody saw it end
			}
		}
	}
	if failed == 0 {
		f.listen(r)
	}
	f.options.Looked(r)
}

// openIn are the anomalies that go on, by their signal.
func openIn(r observe.Report) map[string]observe.Anomaly {
	open := map[string]observe.Anomaly{}
	for _, a := range r.Anomalies() {
		if a.Open() {
			open[a.Signal.ID()] = a
		}
	}
	return open
}

// listen tells of workloads that fell silent, and of those that are heard again. If all are
// silent it is not theirs but what measures them: that is one line in the log.
func (f *Follower) listen(r observe.Report) {
	last := map[workload]time.Time{}
	for i := range r.Signals {
		x := &r.Signals[i]
		w := workload{x.Signal.Namespace(), x.Signal.Workload()}
		if w.name != "" && x.At.After(last[w]) {
			last[w] = x.At
		}
	}
	silent := map[workload]time.Time{}
	for w, at := range last {
		if r.At.Sub(at) > quietAfter {
			silent[w] = at
		}
	}
	f.mu.Lock()
	before := f.heard.silent
	if all := len(silent) > 1 && len(silent) == len(last); !all || before == nil {
		f.heard.silent = silent
	} else {
		silent = nil
	}
	f.mu.Unlock()
	switch {
	case before == nil: // they fell silent before anybody listened
	case silent == nil:
		if !f.heard.deaf {
			f.heard.deaf = true
			f.options.Log.Warn("nothing is measured any more of any workload", "workloads", len(last))
		}
	default:
		f.heard.deaf = false
		f.compare(before, silent, last)
	}
}

// compare tells what differs of who was silent before and who is now, of those that are
// known.
func (f *Follower) compare(before, silent, known map[workload]time.Time) {
	told := 0
	for w, at := range silent {
		if _, already := before[w]; !already && told < most {
			told++
			f.options.Silent(Quiet{w.namespace, w.name, at})
		}
	}
	for w, at := range before {
		_, still := silent[w]
		if _, there := known[w]; there && !still {
			f.options.Heard(Quiet{w.namespace, w.name, at})
		}
	}
}

// Open are the anomalies that go on.
func (f *Follower) Open() []observe.Anomaly {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]observe.Anomaly, 0, len(f.open))
	for _, a := range f.open {
		out = append(out, a)
	}
	return out
}
