package assess

import (
	"context"
	"path"
	"slices"

	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// unit is what is deployed together and so is judged together: one rendering
// of a chart or kustomization, or manifests that don't contradict each other.
type unit struct {
	name  string
	via   string
	graph *graph.Graph
	// gap is what of a rendered unit could not be read, "" if it is whole.
	gap string
	// around marks what is only there to be linked to, and is not judged.
	around bool
}

// origin is how an object leads back to the files: the rendering it comes
// from, or nothing if it was read as it stands.
type origin struct {
	file   string
	via    string
	doc    tree.Node
	tracer Tracer
}

// assemble builds the units and links their graphs.
func (r *run) assemble(ctx context.Context) error {
	r.files = slices.DeleteFunc(r.files, r.unusedPatch)
	for _, members := range splitUnits(r.files) {
		u := &unit{name: "manifests", graph: graph.New()}
		for _, f := range members {
			for _, d := range f.docs {
				r.addDocument(u, d, f.path, origin{file: f.path})
			}
			r.accountObjects(f)
		}
		r.units = append(r.units, u)
	}
	rendered := make([]*unit, len(r.renders))
	err := parallel(ctx, r.opts.Workers, len(r.renders), func(i int) {
		rendered[i] = r.renderedUnit(r.renders[i])
	})
	if err != nil {
		return err
	}
	r.units = append(r.units, rendered...)
	err = parallel(ctx, r.opts.Workers, len(r.units), func(i int) { wire.Link(r.units[i].graph) })
	for _, u := range r.units {
		r.objects += len(u.graph.Objects)
	}
	return err
}

func (r *run) renderedUnit(rd *Render) *unit {
	u := &unit{name: rd.Root, via: rd.Root, graph: graph.New()}
	if rd.Tool == Helm && rd.Variant != "" {
		u.via = rd.Variant
	}
	if len(rd.Problems) > 0 {
		p := rd.Problems[0]
		u.gap = p.File
		if u.gap == "" {
			u.gap = rootFile(rd)
		}
	}
	for _, c := range rd.Chunks {
		from := origin{file: rootFile(rd), via: u.via, tracer: c.Tracer}
		if c.File != "" {
			from = origin{file: c.File}
		}
		for _, part := range r.Parser.Split(c.Text) {
			for _, d := range r.Parser.Parse(part) {
				if d.Doc != nil {
					from.doc = d.Doc.Root()
					r.addDocument(u, d, rd.Root, from)
				}
			}
		}
	}
	return u
}

func (r *run) addDocument(u *unit, d tree.Document, source string, from origin) {
	for _, body := range bodies(d.Doc.Root()) {
		if o, ok := graph.NewObject(body, source); ok {
			o.Origin = from
			o.Duplicates = d.Duplicates
			u.graph.Add(o)
		}
	}
}

// bodies returns the objects of a document: itself, or the items of a List.
func bodies(root tree.Node) []tree.Node {
	items := root.Get("items")
	if !items.IsList() || root.At("metadata", "name").Exists() {
		return []tree.Node{root}
	}
	var out []tree.Node
	for _, it := range items.Items() {
		out = append(out, bodies(it)...)
	}
	return out
}

// accountObjects records a file whose documents were read.
func (r *run) accountObjects(f *file) {
	objects, others := 0, 0
	for _, d := range f.docs {
		if d.Doc == nil {
			continue
		}
		for _, b := range bodies(d.Doc.Root()) {
			if b.Get("kind").IsString() && b.Get("apiVersion").Text() != "" {
				objects++
			} else {
				others++
			}
		}
	}
	switch {
	case objects > 0:
		r.account1(f.path, kindManifest, Evaluated, "")
	case others == 0 && r.inputs[f.path] == nil:
		r.account1(f.path, kindManifest, Skipped, "the list has no items")
	case others > 0:
		r.account1(f.path, plainKind(f.path), Skipped, "not a Kubernetes manifest: no document has both apiVersion and kind")
	}
}

// splitUnits groups files so that no group has two objects of the same kind,
// namespace and name in different folders: such files are the same system for
// different places (staging/ and production/), and an object of one must not
// be taken for an object of the other. Files of folders that don't collide stay
// together.
func splitUnits(files []*file) [][]*file {
	type id struct{ kind, namespace, name string }
	dirOf := map[id]string{}
	cuts := map[string]bool{} // folders whose subfolders are units of their own
	for _, f := range files {
		dir := path.Dir(f.path)
		for _, d := range f.docs {
			if d.Doc == nil {
				continue
			}
			for _, b := range bodies(d.Doc.Root()) {
				meta := b.Get("metadata")
				k := id{b.Get("kind").Text(), meta.Get("namespace").Text(), meta.Get("name").Text()}
				if k.name == "" || k.kind == "Namespace" {
					continue
				}
				other, seen := dirOf[k]
				if !seen {
					dirOf[k] = dir
				} else if other != dir {
					cuts[commonDir(other, dir)] = true
				}
			}
		}
	}
	groups := map[string][]*file{}
	for _, f := range files {
		g := unitOf(path.Dir(f.path), cuts)
		groups[g] = append(groups[g], f)
	}
	names := make([]string, 0, len(groups))
	for n := range groups {
		names = append(names, n)
	}
	slices.Sort(names)
	out := make([][]*file, 0, len(groups))
	for _, n := range names {
		out = append(out, groups[n])
	}
	return out
}

// unitOf returns the deepest folder on dir's way whose parent is cut.
func unitOf(dir string, cuts map[string]bool) string {
	for d := dir; d != "."; d = path.Dir(d) {
		if cuts[path.Dir(d)] || cuts[d] {
			return d
		}
	}
	return "."
}

func commonDir(a, b string) string {
	for !within(b, a) {
		a = path.Dir(a)
	}
	return a
}
