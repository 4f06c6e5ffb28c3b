package assess

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/control"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// place is what tells two findings apart: where a person must edit, what for,
// and, within one unit, the how-manieth of its kind it is.
type place struct {
	check  ops.CheckID
	status ops.Status
	ops.Position
	kind, path string
	nth        int
}

// text is what a check's page says, looked up once.
type text struct {
	fix      string
	controls []string
}

// findings turns results into findings: traced to their authoring lines,
// merged over units, sorted by file and line.
func (r *run) findings() []ops.Finding {
	pages := make(map[*check.Check]text)
	for _, res := range r.results {
		if _, ok := pages[res.Check]; !ok {
			pages[res.Check] = pageText(res.Check)
		}
	}
	all := make([]ops.Finding, len(r.results))
	stable := make([]string, len(r.results))
	// It is too late to be interrupted: the context is not asked here.
	_ = parallel(context.Background(), r.opts.Workers, len(r.results), func(i int) {
		p := r.results[i].Path()
		if !r.results[i].Whole {
			stable[i] = p.Stable()
		}
		all[i] = r.finding(r.results[i], p, stable[i], pages)
	})
	byPlace := map[place]int{}
	type nthKey struct {
		unit *unit
		place
	}
	count := map[nthKey]int{}
	out := make([]ops.Finding, 0, len(all))
	for i, res := range r.results {
		f := all[i]
		k := place{check: f.Check, status: f.Status, Position: f.Position, kind: f.Object.Kind, path: stable[i]}
		if res.Check.Once {
			k = place{check: f.Check, status: f.Status}
		}
		nk := nthKey{res.unit, k}
		k.nth = count[nk]
		count[nk]++
		i, known := byPlace[k]
		if known {
			out[i].Via = mergeVia(out[i].Via, f.Via)
			out[i].Severity = max(out[i].Severity, f.Severity)
		} else {
			i = len(out)
			byPlace[k] = i
			out = append(out, f)
		}
		if r.opts.Deviations && f.Status != ops.Pass {
			r.deviate(res, i)
		}
	}
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &out[i], &out[j]
		return cmp.Or(a.Position.Compare(b.Position), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	sorted := make([]ops.Finding, len(out))
	for to, from := range order {
		sorted[to] = out[from]
	}
	distinguish(sorted)
	r.nameDeviations(sorted, order)
	return sorted
}

func (r *run) finding(res *located, p tree.Path, stable string, pages map[*check.Check]text) ops.Finding {
	page := pages[res.Check]
	f := ops.Finding{
		Check: res.Check.ID, Severity: res.Severity, Status: res.Status, Message: res.Message,
		Fix: cmp.Or(res.FixText, page.fix), Object: res.Object.Ref, Path: p.String(),
		Via: []string{}, Controls: page.controls,
	}
	f.Position, f.Origin, f.Via = r.locate(res, p)
	who := f.Object
	switch {
	case res.Check.Once:
		who, stable = ops.Ref{}, ""
	case res.ByKind:
		who.Namespace, who.Name = "", ""
	}
	f.Fingerprint = fingerprint(f.Check, who, stable)
	return f
}

// locate finds the authoring line of a result.
func (r *run) locate(res *located, p tree.Path) (pos ops.Position, kind string, via []string) {
	from, _ := res.Object.Origin.(origin)
	at := res.At
	if res.Missing != "" {
		at, _ = at.Follow(tree.Path{}.Join(res.Missing))
	}
	if from.tracer == nil {
		line, col := at.Position()
		return ops.Position{File: from.file, Line: line, Column: col, EndLine: max(line, at.EndLine())}, "manifest", viaOf(from)
	}
	full := append(res.Object.Body.PathFrom(from.doc), p...)
	if o, ok := from.tracer.Trace(from.doc, full); ok {
		o.EndLine = max(o.EndLine, o.Line)
		if res.Status == ops.Pass {
			o.EndLine = o.Line
		}
		return o.Position, o.Kind, o.viaOr(from.via)
	}
	return ops.Position{File: from.file, Line: 1, Column: 1, EndLine: 1}, "manifest", viaOf(from)
}

func (o Origin) viaOr(root string) []string {
	if root == "" {
		return []string{}
	}
	return []string{root}
}

func viaOf(from origin) []string {
	if from.via == "" {
		return []string{}
	}
	return []string{from.via}
}

func mergeVia(a, b []string) []string {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	slices.Sort(a)
	return a
}

func pageText(c *check.Check) text {
	var t text
	if page, err := c.Page(); err == nil {
		t.fix = page.Fix
	}
	t.controls = Controls(c)
	return t
}

// Controls returns the ids of the controls that a check bears on, sorted.
func Controls(c *check.Check) []string {
	ids := []string{}
	for _, f := range c.Facts {
		fact, _ := control.ByNumber(f.Number)
		for _, ref := range fact.Refs {
			ids = append(ids, ref.String())
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// fingerprint identifies a finding by its check, its object and its field,
// so that moving a block or changing a value keeps it.
func fingerprint(id ops.CheckID, o ops.Ref, stablePath string) string {
	h := sha256.New()
	for _, s := range [...]string{string(id), o.Group(), o.Kind, o.Namespace, o.Name, stablePath} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// distinguish makes fingerprints unique: of the same object in two folders, or
// of two findings on one field, the first keeps its fingerprint and the others
// get one made of their folder and order too.
func distinguish(fs []ops.Finding) {
	seen := make(map[string]bool, len(fs))
	inDir := map[string]int{}
	for i := range fs {
		fp := fs[i].Fingerprint
		if !seen[fp] {
			seen[fp] = true
			continue
		}
		sum := sha256.Sum256([]byte(fp + path.Dir(fs[i].File)))
		unique := hex.EncodeToString(sum[:16])
		n := inDir[unique]
		inDir[unique]++
		if n > 0 {
			sum = sha256.Sum256([]byte(unique + strconv.Itoa(n)))
			unique = hex.EncodeToString(sum[:16])
		}
		fs[i].Fingerprint = unique
	}
}

// atNode makes a result about a value, to locate it.
func atNode(o *graph.Object, n tree.Node) *check.Result {
	return &check.Result{Object: o, At: n}
}
