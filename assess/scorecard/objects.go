package scorecard

import (
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// judge is one judgement: the facts, and what is worked out from them once.
type judge struct {
	Facts
	scan     *Scan
	outcomes map[string][]*Outcome
	objects  int
	// workloads are the authored workloads, each with all its renderings.
	workloads  []*workload
	workloadOf map[ops.Ref]string
}

// workload is one authored workload: what several overlays make of it is
// still one thing to the person who edits it.
type workload struct {
	renderings []*graph.Object
}

func newJudge(f Facts) *judge {
	j := &judge{Facts: f, scan: f.Scan, outcomes: map[string][]*Outcome{}, workloadOf: map[ops.Ref]string{}}
	if j.scan == nil {
		j.scan = NewScan()
	}
	j.scan.settle()
	for i := range f.Outcomes {
		for _, p := range f.Outcomes[i].Practices {
			j.outcomes[p] = append(j.outcomes[p], &f.Outcomes[i])
		}
	}
	byKey := map[string]*workload{}
	for _, g := range f.Graphs {
		j.objects += len(g.Objects)
		for _, o := range g.Objects {
			if o.Pod == nil || o.Kind == "PodTemplate" {
				continue
			}
			pos := j.place(o, o.Body)
			key := fmt.Sprintf("%s:%d:%s/%s", pos.File, pos.Line, o.Kind, o.Name)
			w := byKey[key]
			if w == nil {
				w = &workload{}
				byKey[key] = w
				j.workloads = append(j.workloads, w)
			}
			w.renderings = append(w.renderings, o)
			j.workloadOf[o.Ref] = key
		}
	}
	return j
}

// place is where a value was written.
func (j *judge) place(o *graph.Object, at tree.Node) ops.Position {
	if !at.Exists() {
		at = o.Body
	}
	if j.Locate != nil {
		return j.Locate(o, at)
	}
	line, col := at.Position()
	return ops.Position{File: o.Source, Line: line, Column: col, EndLine: line}
}

// good, bad and unclear note a value of an object.
func (j *judge) good(t *tally, o *graph.Object, at tree.Node, format string, args ...any) {
	j.add(t, ops.Pass, o, at, format, args)
}

func (j *judge) bad(t *tally, o *graph.Object, at tree.Node, format string, args ...any) {
	j.add(t, ops.Fail, o, at, format, args)
}

func (j *judge) unclear(t *tally, o *graph.Object, at tree.Node, format string, args ...any) {
	j.add(t, ops.Unknown, o, at, format, args)
}

func (j *judge) add(t *tally, s ops.Status, o *graph.Object, at tree.Node, format string, args []any) {
	pos := j.place(o, at)
	t.note(Evidence{File: pos.File, Line: pos.Line, Object: o.Ref.String(), Status: s, Note: fmt.Sprintf(format, args...)})
}

// verdict notes a value as good or bad.
func (j *judge) verdict(t *tally, ok bool, o *graph.Object, at tree.Node, ifGood, ifBad string) {
	if ok {
		j.good(t, o, at, "%s", ifGood)
	} else {
		j.bad(t, o, at, "%s", ifBad)
	}
}

// each calls f for the objects of a kind whose API group is, or ends in, one
// of the groups; no group means any.
func (j *judge) each(kind string, f func(*graph.Object), groups ...string) {
	for _, g := range j.Graphs {
		for _, o := range g.Kind(kind) {
			if len(groups) == 0 || inGroup(o, groups...) {
				f(o)
			}
		}
	}
}

func inGroup(o *graph.Object, groups ...string) bool {
	got := o.Group()
	for _, g := range groups {
		if got == g || strings.HasSuffix(got, "."+g) {
			return true
		}
	}
	return false
}

// eachInGroup calls f for the objects of an API group, whatever their kind.
func (j *judge) eachInGroup(group string, f func(*graph.Object)) {
	for _, g := range j.Graphs {
		for _, kind := range g.Kinds() {
			for _, o := range g.Kind(kind) {
				if inGroup(o, group) {
					f(o)
				}
			}
		}
	}
}

// have reports whether there is an object of one of the kinds.
func (j *judge) have(kinds ...string) bool {
	for _, g := range j.Graphs {
		for _, k := range kinds {
			if len(g.Kind(k)) > 0 {
				return true
			}
		}
	}
	return false
}

// running calls f for each authored workload that is meant to keep running.
func (j *judge) running(f func(*workload)) {
	for _, w := range j.workloads {
		if !w.renderings[0].Pod.Finite() {
			f(w)
		}
	}
}

// runs calls f for each rendering of a workload that runs an image whose
// repository's last parts hold one of the names, with the image's field.
func (j *judge) runs(f func(o *graph.Object, image tree.Node, name string), names ...string) {
	for _, w := range j.workloads {
		for _, o := range w.renderings {
			for c := range o.Pod.Each() {
				image := c.Node.Get("image")
				for _, n := range names {
					if imageIs(image.Text(), n) {
						f(o, image, n)
						break
					}
				}
			}
		}
	}
}

// imageIs reports whether an image's path, without registry, tag and digest,
// has name as a whole word.
func imageIs(image, name string) bool {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	if first, rest, ok := strings.Cut(image, "/"); ok && strings.ContainsAny(first, ".:") {
		image = rest
	}
	return hasWord([]byte(image), name)
}

// charts calls f for each chart that Argo CD or Flux is told to install.
func (j *judge) charts(f func(o *graph.Object, chart tree.Node)) {
	for _, s := range j.sources() {
		if s.chart.Text() != "" {
			f(s.object, s.chart)
		}
	}
}

// installs notes each workload, chart and chart dependency of one of the names
// and reports whether there was one.
func (j *judge) installs(t *tally, note string, names ...string) bool {
	before := t.good
	j.runs(func(o *graph.Object, image tree.Node, name string) { j.good(t, o, image, note, name) }, names...)
	j.charts(func(o *graph.Object, chart tree.Node) {
		for _, n := range names {
			if hasWord([]byte(chart.Text()), n) {
				j.good(t, o, chart, note, n)
				return
			}
		}
	})
	for _, d := range j.scan.charts {
		for _, n := range names {
			if hasWord([]byte(d.name), n) {
				t.note(Evidence{File: d.file, Line: d.line, Status: ops.Pass, Note: fmt.Sprintf(note, n)})
				break
			}
		}
	}
	return t.good > before
}

func hasKubernetes(j *judge) bool { return j.objects > 0 }
func hasWorkloads(j *judge) bool  { return len(j.workloads) > 0 }

func hasRunning(j *judge) bool {
	found := false
	j.running(func(*workload) { found = true })
	return found
}

// truthy reports a boolean or a string that says true.
func truthy(n tree.Node) bool { return strings.EqualFold(n.Text(), "true") }
