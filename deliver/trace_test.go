package deliver_test

import (
	"slices"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/deliver"
)

// spans collects what a tracer is told, by span id.
type spans map[string]deliver.Span

func (s spans) Span(x deliver.Span) { s[x.ID] = x }

// of returns the spans of one trace by name.
func (s spans) of(trace string) map[string]deliver.Span {
	out := map[string]deliver.Span{}
	for _, x := range s {
		if x.Trace == trace {
			out[x.Name] = x
		}
	}
	return out
}

// wellFormed checks ids, order and parents, and that there is one root.
func (s spans) wellFormed(t *testing.T) {
	t.Helper()
	roots := map[string]int{}
	for id, x := range s {
		if len(x.Trace) != 32 || len(id) != 16 || x.End.Before(x.Start) || x.Start.IsZero() {
			t.Errorf("%+v", x)
		}
		switch {
		case x.Parent == "":
			roots[x.Trace]++
		case s[x.Parent].Trace != x.Trace:
			t.Errorf("%s hangs on nothing of its trace", x.Name)
		}
	}
	for trace, n := range roots {
		if n != 1 {
			t.Errorf("trace %s has %d roots", trace, n)
		}
	}
}

func TestTraceOfAReleaseSurvivesRestarts(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		got := spans{}
		w.engine.Tracer = got
		w.push("r1", &commit{objects: []map[string]any{object("Namespace", "n", ""), object("ConfigMap", "a", "1"), object("Deployment", "web", "1")}})
		for range 600 {
			again, _ := w.reconcile()
			w.now = w.now.Add(max(again, time.Second))
			if restart {
				w.start()
				w.engine.Tracer = got
			}
		}
		trace := deliver.TraceID(w.app, w.app.Status.Sync.Release)
		mine := got.of(trace)
		for _, name := range []string{"release", "fetch", "render", "gate", "apply", "apply namespaces", "apply config", "apply workloads", "healthy", "watch"} {
			if _, ok := mine[name]; !ok {
				t.Errorf("restart %v: no span %q in %v", restart, name, keys(mine))
			}
		}
		got.wellFormed(t)
		if r := mine["release"]; r.Failed != "" || r.Attributes["autoecoops.phase"] != "Good" || r.Attributes["autoecoops.revision"] != "r1" || r.Attributes["autoecoops.trigger"] != "commit" {
			t.Errorf("%+v", r)
		}
		if watch := mine["watch"]; watch.End.Sub(watch.Start) < deliver.DefaultWatch {
			t.Errorf("watched for %s", watch.End.Sub(watch.Start))
		}
		for _, r := range w.records {
			if r.TraceID != trace {
				t.Errorf("%s %s has trace %q", r.Action, r.Phase, r.TraceID)
			}
		}
	}
}

func keys(m map[string]deliver.Span) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestTracesOfBadReleases(t *testing.T) {
	w := newWorld(t)
	got := spans{}
	w.engine.Tracer = got
	w.push("r1", &commit{objects: []map[string]any{object("Deployment", "web", "1")}})
	w.settle()
	w.push("r2", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "2")}})
	w.settle()
	w.push("r3", &commit{refused: true, objects: []map[string]any{object("Deployment", "web", "3")}})
	w.settle()
	w.push("r4", &commit{broken: true})
	w.settle()
	got.wellFormed(t)
	want := map[string][]string{
		"r2": {"apply", "apply workloads", "fetch", "gate", "healthy", "release"},
		"r3": {"fetch", "gate", "release", "render"},
		"r4": {"fetch", "release", "render"},
	}
	for _, x := range got {
		names := want[x.Attributes["autoecoops.revision"]]
		if x.Name != "release" || names == nil {
			continue
		}
		delete(want, x.Attributes["autoecoops.revision"])
		mine := got.of(x.Trace)
		failed := false
		for _, n := range names {
			s, ok := mine[n]
			if !ok {
				t.Errorf("%s: no %q in %v", x.Attributes["autoecoops.revision"], n, keys(mine))
			}
			failed = failed || n != "release" && s.Failed != ""
		}
		if x.Failed == "" || !failed {
			t.Errorf("nothing of %v says that it failed", keys(mine))
		}
	}
	if len(want) > 0 {
		t.Errorf("no trace of %v", want)
	}
}
