package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/ops"
)

// Limits of one file's YAML. An alias bomb is small as text; what counts is
// how many values it has once its aliases are expanded, as the library does.
const (
	maxValues   = 4 << 20
	maxExpanded = 1 << 20
	maxDepth    = 512
)

var (
	errBomb  = fmt.Errorf("its aliases expand to more than %d values", maxExpanded)
	errLoop  = errors.New("an alias contains itself")
	errDeep  = fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	errMany  = fmt.Errorf("it has more than %d values", maxValues)
	lineText = regexp.MustCompile(`line (\d+)`)
)

// badYAML is a YAML text that cannot be used, with its line.
type badYAML struct {
	line int
	err  error
}

func (e *badYAML) Error() string { return e.err.Error() }
func (e *badYAML) Unwrap() error { return e.err }

// parse reads all documents of data. Empty documents are kept as nil, so that
// an index counts documents as a person does.
func parse(data []byte) (docs []*yaml.Node, err error) {
	defer func() {
		// The YAML library panics on a few malformed inputs.
		if p := recover(); p != nil {
			docs, err = nil, &badYAML{err: fmt.Errorf("malformed YAML: %v", p)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return docs, yamlError(err)
		}
		root := content(&doc)
		if err := bounded(root); err != nil {
			return docs, err
		}
		docs = append(docs, root)
	}
}

func yamlError(err error) error {
	line := 0
	if m := lineText.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return &badYAML{line: line, err: errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
}

func content(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return doc.Content[0]
	}
	if doc.Kind == 0 {
		return nil
	}
	return doc
}

// bounded refuses documents that grow beyond the limits when expanded.
func bounded(root *yaml.Node) error {
	c := counter{sizes: map[*yaml.Node]int{}}
	size, err := c.size(root, 0)
	switch {
	case err != nil:
		return err
	case size > maxValues, c.aliased && size > maxExpanded:
		err = errMany
		if c.aliased {
			err = errBomb
		}
		return &badYAML{line: root.Line, err: err}
	}
	return nil
}

type counter struct {
	sizes   map[*yaml.Node]int
	aliased bool
}

// size counts n's values with aliases expanded; each anchor is counted once.
func (c *counter) size(n *yaml.Node, depth int) (int, error) {
	if n == nil {
		return 0, nil
	}
	if depth > maxDepth {
		return 0, &badYAML{line: n.Line, err: errDeep}
	}
	if n.Kind == yaml.AliasNode {
		c.aliased = true
		if known, ok := c.sizes[n.Alias]; ok {
			if known < 0 {
				return 0, &badYAML{line: n.Line, err: errLoop}
			}
			return known, nil
		}
		return c.size(n.Alias, depth+1)
	}
	if n.Anchor != "" {
		c.sizes[n] = -1
	}
	total := 1
	for _, child := range n.Content {
		s, err := c.size(child, depth+1)
		if err != nil {
			return 0, err
		}
		total = min(total+s, maxValues+1)
	}
	if n.Anchor != "" {
		c.sizes[n] = total
	}
	return total, nil
}

// harmless says that a YAML text has neither aliases nor deep nesting, so
// that it need not be parsed to know that it is bounded.
func harmless(data []byte) bool {
	if bytes.IndexByte(data, '&') >= 0 && bytes.IndexByte(data, '*') >= 0 {
		return false
	}
	flow := 0
	for _, c := range data {
		if c == '[' || c == '{' {
			flow++
		}
	}
	if flow > maxDepth {
		return false
	}
	// Block nesting costs a column each, except for lists in lists ("- - -").
	longest, run := 0, 0
	for _, c := range data {
		switch c {
		case '\n':
			run = 0
		case ' ', '-':
			run++
			longest = max(longest, run)
		default:
			run = -1 << 30
		}
	}
	return longest <= maxDepth
}

// field returns key and value of a map's field, through aliases and merges.
func field(n *yaml.Node, key string) (k, v *yaml.Node) {
	return fieldDepth(n, key, 0)
}

func fieldDepth(n *yaml.Node, key string, depth int) (k, v *yaml.Node) {
	n = follow(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > 16 {
		return nil, nil
	}
	// Of a key that occurs twice the last counts, as in the library.
	for i := len(n.Content)&^1 - 2; i >= 0; i -= 2 {
		if n.Content[i].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			return n.Content[i], follow(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if m := follow(n.Content[i+1]); m != nil && m.Kind == yaml.SequenceNode {
			from = m.Content
		}
		for _, m := range from {
			if k, v := fieldDepth(m, key, depth+1); k != nil {
				return k, v
			}
		}
	}
	return nil, nil
}

// get returns the value of a map's field, nil if it has none.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		_, n = field(n, key)
	}
	return n
}

// text returns a scalar field's text.
func text(n *yaml.Node, keys ...string) string {
	if v := get(n, keys...); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}

// items returns a list's entries.
func items(n *yaml.Node) []*yaml.Node {
	if n = follow(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// follow resolves aliases.
func follow(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// at is the position of node n of file, up to the end of value v.
func at(file string, n, v *yaml.Node) ops.Position {
	if n == nil {
		return ops.Position{File: file, Line: 1, Column: 1}
	}
	p := ops.Position{File: file, Line: n.Line, Column: n.Column, EndLine: n.Line}
	if v != nil {
		p.EndLine = max(p.EndLine, lastLine(v))
	}
	return p
}

func lastLine(n *yaml.Node) int {
	line := n.Line
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			line += strings.Count(strings.TrimRight(n.Value, "\n"), "\n") + 1
		}
	case yaml.MappingNode, yaml.SequenceNode:
		for _, c := range n.Content {
			line = max(line, lastLine(c))
		}
	}
	return line
}
