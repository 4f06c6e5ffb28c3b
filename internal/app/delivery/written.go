package delivery

import (
	"path"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Written knows where the objects of a rendering are written in its files.
type Written struct{ objects map[deliver.Key]place }

// place is one rendered object and the way back to the files.
type place struct {
	body, doc tree.Node
	tracer    assess.Tracer
	// file is that of text that stands as it is, template that of a chart's text
	// whose lines cannot be told.
	file, template string
}

// WrittenIn reads where a rendering's objects come from.
func WrittenIn(r *deliver.Rendered) Written {
	w := Written{map[deliver.Key]place{}}
	h, ok := r.Handle.(*handle)
	if !ok {
		return w
	}
	for _, c := range h.render.Chunks {
		template := ""
		if c.Tracer == nil && c.File == "" {
			template = templateOf(c.Text, h.render.Root)
		}
		for _, part := range yamldoc.Split(c.Text) {
			for _, d := range part.Parse() {
				if d.Doc != nil {
					w.add(d.Doc.Root(), place{doc: d.Doc.Root(), tracer: c.Tracer, file: c.File, template: template})
				}
			}
		}
	}
	return w
}

// templateOf reads the comment with which Helm names a text's template, as a
// path in the tree: the chart's name there stands for its folder.
func templateOf(text []byte, root string) string {
	for line := range strings.Lines(string(text[:min(len(text), 1024)])) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "# Source: ")
		if _, rest, inside := strings.Cut(name, "/"); ok && inside {
			return path.Join(root, rest)
		}
	}
	return ""
}

// add notes a document's object, or those of a list.
func (w Written) add(body tree.Node, p place) {
	if items := body.Get("items"); items.IsList() && strings.HasSuffix(body.Get("kind").Text(), "List") {
		for _, item := range items.Items() {
			w.add(item, p)
		}
		return
	}
	g, _ := deliver.GVKOf(map[string]any{"apiVersion": body.Get("apiVersion").Text(), "kind": body.Get("kind").Text()})
	meta := body.Get("metadata")
	p.body = body
	w.objects[deliver.Key{Group: g.Group, Kind: g.Kind, Namespace: meta.Get("namespace").Text(), Name: meta.Get("name").Text()}] = p
}

// Place returns where a field of an object is written, or where it would be
// added; "" is the object itself. The field is a path as a finding has it. ok is
// false if the rendering has no such object, or cannot tell. The line is 0 if
// only the file is known.
func (w Written) Place(k deliver.Key, field string) (at ops.Position, ok bool) {
	p, ok := w.objects[k]
	if !ok {
		k.Namespace = "" // filled in when it is applied
		if p, ok = w.objects[k]; !ok {
			return at, false
		}
	}
	steps := steps(field)
	if p.tracer == nil {
		if p.file == "" {
			return ops.Position{File: p.template}, p.template != ""
		}
		reached, _ := p.body.Follow(steps)
		line, column := reached.Position()
		return ops.Position{File: p.file, Line: line, Column: column, EndLine: line}, true
	}
	if field == "" {
		steps = tree.Path{}.Join("metadata.name")
	}
	o, ok := p.tracer.Trace(p.doc, append(p.body.PathFrom(p.doc), steps...))
	return o.Position, ok
}

// steps reads a path such as spec.containers[name=web].ports[0] or
// metadata.labels["a.b/c"].
func steps(field string) (out tree.Path) {
	for field != "" {
		rest, bracket := strings.CutPrefix(field, "[")
		if !bracket {
			end := strings.IndexAny(field, ".[")
			if end < 0 {
				end = len(field)
			}
			if end > 0 {
				out = append(out, tree.Step{Key: field[:end], Index: -1})
			}
			field = strings.TrimPrefix(field[end:], ".")
			continue
		}
		inner, after, _ := strings.Cut(rest, "]")
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			key, _ := strconv.Unquote(quoted) // it is a quoted prefix
			out = append(out, tree.Step{Key: key, Index: -1})
			_, after, _ = strings.Cut(rest[len(quoted):], "]")
		} else if n, err := strconv.Atoi(inner); err == nil {
			out = append(out, tree.Step{Index: n})
		} else {
			out = append(out, tree.Step{Key: inner, Index: 0})
		}
		field = strings.TrimPrefix(after, ".")
	}
	return out
}
