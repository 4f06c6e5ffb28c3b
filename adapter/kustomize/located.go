package kustomize

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/ops"
)

// located is a document and the file in which it stands. A text that stands
// inline in a kustomization has lines of its own; shift leads back to the
// file's.
type located struct {
	file  string
	doc   *yaml.Node
	shift func(line, column int) (int, int)
}

// at is the position of n, up to the end of v, in the file.
func (l located) at(n, v *yaml.Node) ops.Position {
	p := at(l.file, n, v)
	if l.shift != nil {
		end := p.EndLine
		p.Line, p.Column = l.shift(p.Line, p.Column)
		if end > 0 {
			p.EndLine, _ = l.shift(end, 0)
		}
	}
	return p
}

// within makes the documents of the scalar v of a file, which holds YAML text.
func (g *graph) within(file string, v *yaml.Node) []located {
	docs, _ := parse([]byte(v.Value))
	shift := func(int, int) (int, int) { return v.Line, v.Column }
	if v.Style&yaml.LiteralStyle != 0 {
		// The text begins on the line below the key, indented.
		indent := g.indent(file, v.Line)
		shift = func(line, column int) (int, int) { return v.Line + line, column + indent }
	}
	var out []located
	for _, d := range docs {
		if d != nil {
			out = append(out, located{file: file, doc: d, shift: shift})
		}
	}
	return out
}

// indent is the indentation of the first line with text after line.
func (g *graph) indent(file string, line int) int {
	data, _ := g.load(file)
	for i := 0; len(data) > 0; i++ {
		var text []byte
		text, data, _ = bytes.Cut(data, []byte("\n"))
		if blank := len(text) - len(bytes.TrimLeft(text, " ")); i >= line && len(bytes.TrimSpace(text)) > 0 {
			return blank
		}
	}
	return 0
}

// fileDocs are the documents of a file, nil ones left out.
func (g *graph) fileDocs(p string) []located {
	var out []located
	docs, _ := g.docs(p)
	for _, d := range docs {
		for _, o := range flatten(d, 0) {
			out = append(out, located{file: p, doc: o})
		}
	}
	return out
}

// flatten takes the objects out of a List.
func flatten(d *yaml.Node, depth int) []*yaml.Node {
	if d == nil {
		return nil
	}
	list := get(d, "items")
	if list == nil || list.Kind != yaml.SequenceNode || depth > 4 || len(text(d, "kind")) < 4 || text(d, "kind")[len(text(d, "kind"))-4:] != "List" {
		return []*yaml.Node{d}
	}
	var out []*yaml.Node
	for _, item := range items(list) {
		out = append(out, flatten(follow(item), depth+1)...)
	}
	return out
}

// objectDocs are the documents of the files that n lists as resources.
func (g *graph) objectDocs(n *node) []located {
	var out []located
	for _, ref := range n.k.Resources {
		if p, ok := g.local(n, ref); ok {
			out = append(out, g.fileDocs(p)...)
		}
	}
	return out
}

// local resolves a file that n names; ok is false for folders and whatever
// was refused.
func (g *graph) local(n *node, ref string) (string, bool) {
	if isRemote(ref) {
		return "", false
	}
	p, ok := join(n.dir, ref)
	if !ok {
		return "", false
	}
	real, err := resolve(g.files, p)
	if err != nil || g.isDir(real) {
		return "", false
	}
	return real, true
}

// patchDocs are the strategic-merge patches and JSON patches of n in the
// order in which they are written.
func (g *graph) patchDocs(n *node) []located {
	var out []located
	for _, p := range g.patches(n) {
		out = append(out, p.docs...)
	}
	return out
}

// patch is one entry of patches, patchesStrategicMerge or patchesJson6902.
type patch struct {
	entry  *yaml.Node
	target *yaml.Node
	docs   []located
}

// patches lists n's patches, JSON 6902 ones of the old field last, as they
// are applied.
func (g *graph) patches(n *node) []patch {
	var out []patch
	for _, item := range items(get(n.doc, "patchesStrategicMerge")) {
		if item = follow(item); item == nil {
			continue
		}
		p := patch{entry: item}
		if file, ok := g.local(n, item.Value); ok {
			p.docs = g.fileDocs(file)
		} else {
			p.docs = g.within(n.file, item)
		}
		out = append(out, p)
	}
	for _, f := range []string{"patches", "patchesJson6902"} {
		for _, item := range items(get(n.doc, f)) {
			p := patch{entry: follow(item), target: get(item, "target")}
			if v := get(item, "patch"); v != nil {
				p.docs = g.within(n.file, v)
			} else if file, ok := g.local(n, text(item, "path")); ok {
				p.docs = g.fileDocs(file)
			}
			out = append(out, p)
		}
	}
	return out
}
