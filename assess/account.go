package assess

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// account1 records what became of one file. The first word stands, except
// that "unknown" overrules "evaluated".
func (r *run) account1(file, kind string, d Disposition, reason string) {
	r.accountAt(file, kind, d, reason, 0)
}

func (r *run) accountAt(file, kind string, d Disposition, reason string, line int) {
	old := r.inputs[file]
	if old == nil {
		r.inputs[file] = &Input{File: file, Kind: kind, Status: d, Reason: reason, Line: line}
		return
	}
	if d == Unevaluated && old.Status != Unevaluated {
		*old = Input{File: file, Kind: cmp.Or(old.Kind, kind), Status: d, Reason: reason, Line: line}
	}
}

// accountRender records the files that a rendering read, and its problems.
func (r *run) accountRender(rd *Render) {
	whole := !slices.ContainsFunc(rd.Problems, func(p Problem) bool { return !p.Partial })
	for _, p := range rd.Problems {
		file := p.File
		if file == "" {
			file = rootFile(rd)
		}
		reason := p.Reason
		if p.Missing != "" && !strings.Contains(reason, p.Missing) {
			reason += " (missing: " + p.Missing + ")"
		}
		r.accountAt(file, kindOfRead(rd, file), Unevaluated, reason, p.Line)
	}
	for _, f := range rd.Read {
		if whole {
			r.account1(f, kindOfRead(rd, f), Evaluated, "rendered by "+string(rd.Tool)+" from "+rd.Root)
		} else {
			r.account1(f, kindOfRead(rd, f), Unevaluated, fmt.Sprintf("%s could not render %s, which uses this file", rd.Tool, rd.Root))
		}
	}
}

func rootFile(rd *Render) string {
	if rd.Tool == Helm {
		return path.Join(rd.Root, "Chart.yaml")
	}
	return path.Join(rd.Root, "kustomization.yaml")
}

func kindOfRead(rd *Render, file string) string {
	base := path.Base(file)
	switch {
	case isKustomization(base):
		return kindKustomization
	case base == "Chart.yaml" || base == "Chart.lock":
		return kindChart
	case rd.Tool == Helm && strings.Contains(file, "/templates/") || path.Ext(base) == ".tpl":
		return kindTemplate
	case rd.Tool == Helm && isYAML(base) && !strings.Contains(file, "/crds/"):
		return kindValues
	}
	if k := kindByName(file); k != "" {
		return k
	}
	return kindManifest
}

// accountChart records the chart's files that no rendering read: documents,
// tests, files that .helmignore leaves out.
func (r *run) accountChart(dir string) {
	for _, e := range r.entries {
		if e.Skip == "" && e.Unreadable == "" && within(e.Path, dir) && r.inputs[e.Path] == nil && path.Base(e.Path) != "Chart.yaml" {
			if path.Dir(e.Path) == path.Join(dir, "ci") && isYAML(e.Path) {
				r.account1(e.Path, kindValues, Skipped, "values for tests of the chart "+dir+": nothing is deployed with them")
			}
			if within(e.Path, path.Join(dir, "templates")) || path.Ext(e.Path) == ".tpl" {
				r.account1(e.Path, kindTemplate, Skipped, "part of the chart "+dir+" that makes no object")
			}
		}
	}
}

// accountKustomization records kustomizations that no root includes.
func (r *run) accountKustomization(dir string) {
	for name := range strings.FieldsSeq("kustomization.yaml kustomization.yml Kustomization") {
		p := path.Join(dir, name)
		if r.inputs[p] != nil {
			continue
		}
		if slices.ContainsFunc(r.entries, func(e Entry) bool { return e.Path == p && e.Skip == "" }) {
			r.account1(p, kindKustomization, Skipped, "a component that no kustomization of this tree includes")
		}
	}
}

// accountFile records a manifest that is judged as it stands.
func (r *run) accountFile(f *file) {
	objects, broken := 0, 0
	for _, d := range f.docs {
		if d.Err == nil {
			objects++
			continue
		}
		broken++
		if broken > 1 {
			continue
		}
		kind, reason := kindManifest, d.Err.Message
		if f.template {
			kind, reason = kindTemplate, "it holds template actions of another tool: render it first and assess the result ("+reason+")"
		}
		r.accountAt(f.path, kind, Unevaluated, reason, d.Err.Line)
	}
	if broken > 1 {
		r.inputs[f.path].Reason += fmt.Sprintf("; %d documents of this file could not be read", broken)
	}
	if broken == 0 && objects == 0 {
		r.account1(f.path, kindYAML, Skipped, "the file has no document")
	}
}

// account returns every input, sorted by file.
func (r *run) account() []Input {
	all := make([]Input, 0, len(r.inputs))
	for _, in := range r.inputs {
		all = append(all, *in)
	}
	slices.SortFunc(all, func(a, b Input) int { return cmp.Compare(a.File, b.File) })
	return all
}
