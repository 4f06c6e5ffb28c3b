package helm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// valueFiles looks up where in the values files of one rendering a value is
// written. It is safe for concurrent use.
type valueFiles struct {
	d     *rendering
	mu    sync.Mutex
	nodes map[string][]*yaml.Node
}

// files returns the rendering's values files.
func (d *rendering) files() *valueFiles { return d.origins }

// place is where a value is written.
type place struct {
	pos   ops.Position
	value *yaml.Node
	// variant is true if the variant's values file sets it.
	variant bool
}

// layer is one values file in the order in which they override each other.
type layer struct {
	origin  origin
	docs    []*yaml.Node
	prefix  []string // from the file's top to the chart's values
	variant bool
}

// parse reads a file's documents, the last one first, because it wins.
func (v *valueFiles) parse(file string, data []byte) []*yaml.Node {
	v.mu.Lock()
	defer v.mu.Unlock()
	if docs, ok := v.nodes[file]; ok {
		return docs
	}
	var docs []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte{0xEF, 0xBB, 0xBF})))
	for {
		var n yaml.Node
		if err := safeDecode(dec, &n); err != nil {
			break // what was read up to here is still right
		}
		if len(n.Content) > 0 {
			docs = append([]*yaml.Node{n.Content[0]}, docs...)
		}
	}
	v.nodes[file] = docs
	return docs
}

func safeDecode(d *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the YAML library panicked")
		}
	}()
	if err = d.Decode(n); errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}

// node returns the document of a file of the chart's own folder, nil if none.
func (v *valueFiles) node(file string) *yaml.Node {
	for _, f := range v.d.set.src.files {
		if v.d.set.src.at(f.Name) == file {
			if docs := v.parse(file, f.Data); len(docs) > 0 {
				return docs[0]
			}
		}
	}
	return nil
}

// layers lists the files that set values of chart c, the strongest first.
func (v *valueFiles) layers(c *chart.Chart) []layer {
	var chain []*chart.Chart
	for p := c; p != nil; p = p.Parent() {
		chain = append([]*chart.Chart{p}, chain...)
	}
	var names []string
	for _, p := range chain[1:] {
		names = append(names, p.Name())
	}
	var out []layer
	if w := v.d.req.variant; w != nil {
		out = append(out, layer{origin: origin{file: w.file}, docs: v.parse(w.file, w.data), prefix: names, variant: true})
	}
	for i, w := range slices.Backward(v.d.req.written) {
		// A file may be named twice, and be the chart's own.
		docs := v.parse("given "+strconv.Itoa(i), w.Data)
		out = append(out, layer{origin: origin{file: w.Path}, docs: docs, prefix: names})
	}
	for i, p := range chain {
		f := rawFile(p, "values.yaml")
		o, ok := v.d.set.src.originOf(f)
		if !ok {
			continue
		}
		key := o.file
		if o.archived {
			key += "!" + p.ChartFullPath()
		}
		out = append(out, layer{origin: o, docs: v.parse(key, f.Data), prefix: names[i:]})
	}
	return out
}

// find lists the places that set .Values.path of chart c, the one that wins
// first.
func (v *valueFiles) find(c *chart.Chart, path tree.Path) []place {
	var out []place
	layers := v.layers(c)
	for _, l := range layers {
		if len(path) > 0 && path[0].Key == "global" && len(l.prefix) > 0 {
			out = l.find(out, path)
		}
		out = l.find(out, append(keys(l.prefix), path...))
	}
	if len(out) == 0 {
		out = v.imported(c, path)
	}
	return out
}

// imported looks in subcharts for values that c imports from them.
func (v *valueFiles) imported(c *chart.Chart, path tree.Path) []place {
	for _, dep := range c.Metadata.Dependencies {
		var sub *chart.Chart
		for _, s := range c.Dependencies() {
			if s.Name() == dep.Name {
				sub = s
			}
		}
		if sub == nil {
			continue
		}
		for _, i := range dep.ImportValues {
			m, ok := i.(map[string]string)
			if !ok {
				continue
			}
			var under []string
			if m["parent"] != "." {
				under = strings.Split(m["parent"], ".")
			}
			if rest, ok := cutPrefix(path, under); ok {
				if found := v.find(sub, append(keys(strings.Split(m["child"], ".")), rest...)); len(found) > 0 {
					return found
				}
			}
		}
	}
	return nil
}

func cutPrefix(path tree.Path, prefix []string) (tree.Path, bool) {
	if len(path) < len(prefix) {
		return nil, false
	}
	for i, k := range prefix {
		if path[i].Key != k || path[i].Index >= 0 {
			return nil, false
		}
	}
	return path[len(prefix):], true
}

func keys(names []string) tree.Path {
	p := make(tree.Path, 0, len(names)+8)
	for _, n := range names {
		p = append(p, tree.Step{Key: n, Index: -1})
	}
	return p
}

// find adds the place of path in the layer to out.
func (l layer) find(out []place, path tree.Path) []place {
	for _, doc := range l.docs {
		key, value, steps := follow(doc, path)
		if steps == len(path) && steps > 0 {
			return append(out, l.place(key, value))
		}
	}
	return out
}

func (l layer) place(key, value *yaml.Node) place {
	p := place{value: value, variant: l.variant, pos: ops.Position{File: l.origin.file}}
	if !l.origin.archived {
		p.pos.Line, p.pos.Column, p.pos.EndLine = key.Line, key.Column, max(key.Line, value.Line)
	}
	return p
}

// nearest returns the position of the deepest key on path that any file has.
func (v *valueFiles) nearest(c *chart.Chart, path tree.Path) ops.Position {
	best, depth := ops.Position{File: v.d.valuesFile()}, 0
	for _, l := range v.layers(v.d.chart) {
		for _, doc := range l.docs {
			if key, value, n := follow(doc, path); n > depth {
				best, depth = l.place(key, value).pos, n
			}
		}
	}
	return best
}

// follow walks path down from a YAML value as far as it goes. key is the node
// to point at: the key, or the entry of a list.
func follow(n *yaml.Node, path tree.Path) (key, value *yaml.Node, steps int) {
	n = deref(n)
	key, value = n, n
	for _, s := range path {
		k, v := step(n, s)
		if v == nil {
			return key, value, steps
		}
		n = deref(v)
		key, value, steps = k, n, steps+1
	}
	return key, value, steps
}

func deref(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < 100; i++ {
		n = n.Alias
	}
	return n
}

func step(n *yaml.Node, s tree.Step) (key, value *yaml.Node) {
	switch {
	case n == nil:
		return nil, nil
	case s.Index < 0:
		return mapEntry(n, s.Key)
	case n.Kind != yaml.SequenceNode:
		return nil, nil
	}
	if k, want, ok := strings.Cut(s.Key, "="); ok {
		for _, e := range n.Content {
			if _, v := mapEntry(deref(e), k); v != nil && deref(v).Value == want {
				return e, e
			}
		}
	}
	if s.Index < len(n.Content) {
		return n.Content[s.Index], n.Content[s.Index]
	}
	return nil, nil
}

// mapEntry finds a key of a mapping, also through merge keys.
func mapEntry(n *yaml.Node, name string) (key, value *yaml.Node) {
	return mapEntryDepth(n, name, 0)
}

func mapEntryDepth(n *yaml.Node, name string, depth int) (key, value *yaml.Node) {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > 20 {
		return nil, nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if m := deref(n.Content[i+1]); m.Kind == yaml.SequenceNode {
			from = m.Content
		}
		for _, f := range from {
			if k, v := mapEntryDepth(f, name, depth+1); v != nil {
				return k, v
			}
		}
	}
	return nil, nil
}

// sameScalar reports whether a values file's scalar is what was rendered.
func sameScalar(n *yaml.Node, rendered string) bool {
	if n == nil || n.Kind != yaml.ScalarNode {
		return false
	}
	want := n.Value
	if n.Tag == "!!null" {
		want = ""
	}
	if want == rendered {
		return true
	}
	if rendered == "" || want == "" {
		return false
	}
	if strings.TrimSpace(want) == strings.TrimSpace(rendered) {
		return true
	}
	if strings.Contains(want, "{{") {
		return true // the value is a template; tpl gave what was rendered
	}
	if a, err := strconv.ParseFloat(strings.ReplaceAll(want, "_", ""), 64); err == nil {
		if b, err := strconv.ParseFloat(rendered, 64); err == nil {
			return a == b
		}
	}
	if a, ok := truth(want); ok {
		b, ok := truth(rendered)
		return ok && a == b
	}
	if b, err := base64.StdEncoding.DecodeString(rendered); err == nil && string(b) == want {
		return true
	}
	return false
}

func truth(s string) (v, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off":
		return false, true
	}
	return false, false
}
