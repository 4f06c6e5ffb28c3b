package kustomize

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// generator is one entry of configMapGenerator or secretGenerator, or of a
// plugin of that kind.
type generator struct {
	located
	n *node
}

// generated adds what n generates to list.
func (t *tracer) generated(n *node, via []*node, list []*authored) []*authored {
	for _, kind := range [...]string{"ConfigMap", "Secret"} {
		f := strings.ToLower(kind[:1]) + kind[1:] + "Generator"
		for _, e := range items(get(n.doc, f)) {
			if b := text(e, "behavior"); b == "merge" || b == "replace" {
				continue
			}
			id := ident{apiVersion: "v1", kind: kind, name: text(e, "name"), namespace: text(e, "namespace")}
			list = t.add(list, &authored{orig: id, via: via, source: generator{located{file: n.file, doc: follow(e)}, n}})
		}
	}
	for _, c := range t.g.charts {
		if c.n == n {
			list = t.chartObjects(c, via, list)
		}
	}
	for _, d := range t.g.pluginDocs(n, "generators") {
		id := identify(d.doc)
		switch id.kind {
		case "ConfigMapGenerator", "SecretGenerator":
			id.apiVersion, id.kind = "v1", strings.TrimSuffix(id.kind, "Generator")
			list = t.add(list, &authored{orig: id, via: via, source: generator{d, n}})
		}
	}
	return list
}

// locate finds the literal, file or variable that a generated value is from.
func (g generator) locate(tr *trail, p tree.Path, v tree.Node) (mark, bool) {
	if m, ok := g.data(tr, p); ok {
		return m, true
	}
	key, under := last(p)
	if under == "labels" || under == "annotations" {
		for _, opts := range []*yaml.Node{get(g.doc, "options"), get(g.n.doc, "generatorOptions")} {
			if k, n := field(get(opts, under), key); n != nil {
				file := g.file
				if g.shift != nil {
					file = g.n.file
				}
				return mark{Position: at(file, k, n), kind: kindGenerator, exact: true}, true
			}
		}
		return mark{}, false
	}
	// Everything else of the object comes from the entry as such.
	k, n := field(g.doc, "name")
	if n == nil {
		k, n = g.doc, g.doc
	}
	return mark{Position: g.at(k, n), kind: kindGenerator, exact: !strings.HasPrefix(p.String(), "metadata")}, true
}

// data finds where the value under data.KEY is from.
func (g generator) data(tr *trail, p tree.Path) (mark, bool) {
	if len(p) < 2 || (p[0].Key != "data" && p[0].Key != "binaryData" && p[0].Key != "stringData") {
		return mark{}, false
	}
	want := p[1].Key
	for _, l := range slices.Backward(items(get(g.doc, "literals"))) {
		if key, _, _ := strings.Cut(follow(l).Value, "="); key == want {
			return mark{Position: g.at(l, l), kind: kindGenerator, exact: true}, true
		}
	}
	for _, f := range slices.Backward(items(get(g.doc, "files"))) {
		f = follow(f)
		ref := sourcePath(f.Value)
		key := path.Base(ref)
		if k, _, ok := strings.Cut(f.Value, "="); ok {
			key = k
		}
		if key != want {
			continue
		}
		if file, ok := tr.g.local(g.n, ref); ok {
			return mark{Position: ops.Position{File: file, Line: 1, Column: 1}, kind: kindGenerator, exact: true}, true
		}
		return mark{Position: g.at(f, f), kind: kindGenerator, exact: true}, true
	}
	envs := items(get(g.doc, "envs"))
	if v := get(g.doc, "env"); v != nil {
		envs = append(envs, v)
	}
	for _, e := range slices.Backward(envs) {
		file, ok := tr.g.local(g.n, follow(e).Value)
		if !ok {
			continue
		}
		data, _ := tr.g.load(file)
		for i, line := range strings.Split(string(data), "\n") {
			line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
			if key, _, _ := strings.Cut(line, "="); key == want && !strings.HasPrefix(line, "#") {
				return mark{Position: ops.Position{File: file, Line: i + 1, Column: 1, EndLine: i + 1}, kind: kindGenerator, exact: true}, true
			}
		}
	}
	return mark{}, false
}

// merges: the entries of s's generators that change the object's data.
func (tr *trail) merges(s stage, p tree.Path, v tree.Node) (mark, bool) {
	f := "configMapGenerator"
	switch tr.a.orig.kind {
	case "ConfigMap":
	case "Secret":
		f = "secretGenerator"
	default:
		return mark{}, false
	}
	for _, e := range slices.Backward(items(get(s.n.doc, f))) {
		b := text(e, "behavior")
		if (b != "merge" && b != "replace") || !s.names(text(e, "name"), text(e, "namespace")) {
			continue
		}
		g := generator{located{file: s.n.file, doc: follow(e)}, s.n}
		if m, ok := g.data(tr, p); ok {
			return m, true
		}
	}
	return mark{}, false
}
