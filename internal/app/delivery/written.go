package delivery

import (
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
	file      string
}

// WrittenIn reads where a rendering's objects come from.
func WrittenIn(r *deliver.Rendered) Written {
	w := Written{map[deliver.Key]place{}}
	h, ok := r.Handle.(*handle)
	if !ok {
		return w
	}
	for _, c := range h.render.Chunks {
		for _, part := range yamldoc.Split(c.Text) {
			for _, d := range part.Parse() {
				if d.Doc != nil {
					w.add(d.Doc.Root(), place{doc: d.Doc.Root(), tracer: c.Tracer, file: c.File})
				}
			}
		}
	}
	return w
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
// added; "" is the object itself. The path is one as a finding has it. ok is
// false if the rendering has no such object, or cannot tell.
func (w Written) Place(k deliver.Key, path string) (at ops.Position, ok bool) {
	p, ok := w.objects[k]
	if !ok {
		k.Namespace = "" // filled in when it is applied
		if p, ok = w.objects[k]; !ok {
			return at, false
		}
	}
	steps := steps(path)
	if p.tracer == nil {
		if p.file == "" {
			return at, false
		}
		reached, _ := p.body.Follow(steps)
		line, column := reached.Position()
		return ops.Position{File: p.file, Line: line, Column: column, EndLine: line}, true
	}
	if path == "" {
		steps = tree.Path{}.Join("metadata.name")
	}
	o, ok := p.tracer.Trace(p.doc, append(p.body.PathFrom(p.doc), steps...))
	return o.Position, ok
}

// steps reads a path such as spec.containers[name=web].ports[0] or
// metadata.labels["a.b/c"].
func steps(path string) (out tree.Path) {
	for path != "" {
		rest, bracket := strings.CutPrefix(path, "[")
		if !bracket {
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			if end > 0 {
				out = append(out, tree.Step{Key: path[:end], Index: -1})
			}
			path = strings.TrimPrefix(path[end:], ".")
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
		path = strings.TrimPrefix(after, ".")
	}
	return out
}
