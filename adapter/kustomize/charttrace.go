package kustomize

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// inflated is an object that a chart of helmCharts rendered.
type inflated struct {
	c *chart
	// doc is the object in text, a document that helm printed.
	doc  *yaml.Node
	text string
	// template is the template's path in the tree.
	template string
}

var (
	sourceLine = regexp.MustCompile(`(?m)^# Source: (\S+)\r?$`)
	valueRef   = regexp.MustCompile(`\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)`)
)

// chartObjects adds what the chart rendered.
func (t *tracer) chartObjects(c *chart, via []*node, list []*authored) []*authored {
	template := ""
	for _, part := range splitDocs(c.text) {
		if m := sourceLine.FindSubmatch(part); m != nil {
			_, rest, _ := strings.Cut(string(m[1]), "/")
			template = path.Join(c.dir, rest)
		}
		docs, err := parse(part)
		if err != nil {
			continue
		}
		for _, d := range docs {
			for _, o := range flatten(d, 0) {
				list = t.add(list, &authored{orig: identify(o), via: via, chart: true,
					source: inflated{c: c, doc: o, text: string(part), template: template}})
			}
		}
	}
	return list
}

// locate finds the template's line and, where it only prints a value, the
// place that sets the value.
func (o inflated) locate(tr *trail, p tree.Path, v tree.Node) (mark, bool) {
	k, n, ok := descend(o.doc, tr.doc, p)
	if !ok {
		return mark{}, false
	}
	exact := agrees(n, v)
	n = keyOr(k, n)
	lines := strings.Split(o.text, "\n")
	number, source := o.align(tr, lines, n.Line-1)
	if pos, ok := o.value(tr, source, v); ok && v.Kind() < tree.List {
		return mark{Position: pos, kind: kindValues, exact: exact}, true
	}
	if number == 0 {
		return mark{Position: ops.Position{File: o.template, Line: 1, Column: 1}, kind: kindTemplate, exact: exact}, true
	}
	column := len(source) - len(strings.TrimLeft(source, " -")) + 1
	return mark{Position: ops.Position{File: o.template, Line: number, Column: column, EndLine: number}, kind: kindTemplate, exact: exact}, true
}

// align finds the template's line that printed line i of the text: one of the
// same text, else the one that begins with the same key, counted from the top.
func (o inflated) align(tr *trail, lines []string, i int) (number int, source string) {
	data, err := tr.g.load(o.template)
	if err != nil || i >= len(lines) {
		return 0, ""
	}
	printed := strings.TrimSpace(lines[i])
	written := strings.Split(string(data), "\n")
	head, _, isKey := strings.Cut(strings.TrimLeft(printed, "- "), ":")
	key := head + ":"
	begins := func(line string) bool {
		return isKey && strings.HasPrefix(strings.TrimLeft(strings.TrimSpace(line), "- "), key)
	}
	nth := 0
	for _, line := range lines[:i] {
		if begins(line) {
			nth++
		}
	}
	var keyed, same []int
	for j, line := range written {
		if strings.TrimSpace(line) == printed {
			same = append(same, j)
		}
		if begins(line) {
			keyed = append(keyed, j)
		}
	}
	switch {
	case len(same) == 1:
		return same[0] + 1, written[same[0]]
	case len(keyed) > 0:
		j := keyed[min(nth, len(keyed)-1)]
		return j + 1, written[j]
	case len(same) > 0:
		return same[0] + 1, written[same[0]]
	}
	return 0, ""
}

// value finds who sets the value that a template's line prints: the last one
// that it prints, since an image's tag comes after its name.
func (o inflated) value(tr *trail, source string, v tree.Node) (ops.Position, bool) {
	for _, m := range slices.Backward(valueRef.FindAllStringSubmatch(source, -1)) {
		keys := strings.Split(strings.TrimPrefix(m[1], "."), ".")
		for _, from := range o.c.layers(tr.g) {
			k, n := from.doc, follow(from.doc)
			for _, key := range keys {
				k, n = field(n, key)
			}
			if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" && strings.Contains(v.Text(), n.Value) {
				return from.at(k, n), true
			}
		}
	}
	return ops.Position{}, false
}

// layers are the chart's values, the ones that win first.
func (c *chart) layers(g *graph) []located {
	var out []located
	file := func(p string) {
		out = append(out, g.fileDocs(p)...)
	}
	for _, p := range slices.Backward(c.files[min(1, len(c.files)):]) {
		file(p)
	}
	inline := located{file: c.file, doc: get(c.entry, "valuesInline")}
	if c.spec.ValuesMerge == "merge" && len(c.files) > 0 {
		file(c.files[0])
	}
	if inline.doc != nil {
		out = append(out, inline)
	}
	if c.spec.ValuesMerge != "merge" && len(c.files) > 0 {
		file(c.files[0])
	}
	file(path.Join(c.dir, "values.yaml"))
	return out
}
