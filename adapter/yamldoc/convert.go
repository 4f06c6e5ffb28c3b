package yamldoc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// converter turns the library's nodes into a tree.
type converter struct {
	b      *tree.Builder
	before int // lines before the part
	open   map[*yaml.Node]bool
	copied int // bytes of text that aliases repeat
	dups   []tree.Duplicate
	err    *tree.SyntaxError
}

// convert makes a document of n. It uses b and leaves nothing in it.
func convert(b *tree.Builder, n *yaml.Node, before int) tree.Document {
	defer b.Reset()
	c := converter{b: b, before: before}
	c.value(n, 0)
	doc := tree.Document{Line: before + n.Line, Duplicates: c.dups, Err: c.err}
	if c.err != nil {
		return doc
	}
	d, err := c.b.Doc()
	if errors.Is(err, tree.ErrTooLarge) {
		doc.Err = &tree.SyntaxError{Line: doc.Line, Message: fmt.Sprintf("the document has more than %d values once its aliases are expanded; split it, or remove the nested aliases", MaxNodes)}
		return doc
	}
	doc.Doc = d
	return doc
}

func (c *converter) fail(n *yaml.Node, format string, args ...any) {
	if c.err == nil {
		c.err = &tree.SyntaxError{Line: c.before + n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
	}
}

func (c *converter) value(n *yaml.Node, depth int) {
	if c.err != nil || c.b.Full() {
		return
	}
	if depth > MaxDepth {
		c.fail(n, "values nest deeper than %d levels", MaxDepth)
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		c.alias(n, depth)
	case yaml.MappingNode:
		c.b.Open(tree.Map, c.before+n.Line, n.Column, n.Style&yaml.FlowStyle != 0)
		c.fields(n, depth, nil)
		c.b.Close()
	case yaml.SequenceNode:
		c.b.Open(tree.List, c.before+n.Line, n.Column, n.Style&yaml.FlowStyle != 0)
		for _, e := range n.Content {
			c.value(e, depth+1)
		}
		c.b.Close()
	case yaml.ScalarNode:
		c.scalarValue(n)
	default:
		c.fail(n, "unexpected value")
	}
}

// scalarValue adds a scalar. Text that stands behind an alias counts each time
// that it is used: a bomb may repeat one long text instead of many values.
func (c *converter) scalarValue(n *yaml.Node) {
	if len(c.open) > 0 {
		if c.copied += len(n.Value); c.copied > MaxCopied {
			c.fail(n, "its aliases repeat more than %d MiB of text; split the document, or remove the aliases", MaxCopied>>20)
			return
		}
	}
	c.b.Value(c.scalar(n))
}

func (c *converter) alias(n *yaml.Node, depth int) {
	if c.open[n.Alias] {
		c.fail(n, "anchor %q contains itself", n.Value)
		return
	}
	if c.open == nil {
		c.open = map[*yaml.Node]bool{}
	}
	c.open[n.Alias] = true
	c.value(n.Alias, depth+1)
	delete(c.open, n.Alias)
}

// fields adds a map's own entries and then those that it merges in. skip holds
// the keys that a nearer map has set.
func (c *converter) fields(n *yaml.Node, depth int, skip map[string]bool) {
	own := make(map[string]bool, 0)
	var merges []*yaml.Node
	last := c.lastOccurrences(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && (k.Tag == "!!merge" || k.Tag == "") && k.Style == 0 {
			merges = append(merges, v)
			continue
		}
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			c.fail(k, "a map key must be a plain value")
			return
		}
		if skip[k.Value] || (last != nil && last[k.Value] != i) {
			continue
		}
		if skip != nil || hasMerge(n) {
			own[k.Value] = true
		}
		c.b.Key(c.scalar(k))
		c.value(v, depth+1)
	}
	if skip == nil {
		skip = own
	} else {
		maps.Copy(skip, own)
	}
	// Of several merge keys in one map the last one wins, as for any key.
	for _, m := range slices.Backward(merges) {
		c.merge(m, depth, skip)
	}
}

func (c *converter) merge(n *yaml.Node, depth int, skip map[string]bool) {
	if depth > MaxDepth {
		c.fail(n, "merge keys nest too deep")
		return
	}
	switch {
	case n.Kind == yaml.AliasNode && !c.open[n.Alias]:
		if c.open == nil {
			c.open = map[*yaml.Node]bool{}
		}
		c.open[n.Alias] = true
		c.merge(n.Alias, depth+1, skip)
		delete(c.open, n.Alias)
	case n.Kind == yaml.MappingNode:
		c.fields(n, depth+1, skip)
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			c.merge(e, depth+1, skip)
		}
	default:
		c.fail(n, "a merge key (<<) needs a map or a list of maps")
	}
}

func hasMerge(n *yaml.Node) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == "<<" {
			return true
		}
	}
	return false
}

// lastOccurrences notes a map's duplicate keys and returns, if there are any,
// the index at which each key stands last.
func (c *converter) lastOccurrences(n *yaml.Node) map[string]int {
	dup := false
	if len(n.Content) <= 32 {
		for i := 2; i < len(n.Content) && !dup; i += 2 {
			for j := 0; j < i; j += 2 {
				if n.Content[i].Value == n.Content[j].Value && n.Content[i].Kind == yaml.ScalarNode && n.Content[j].Kind == yaml.ScalarNode && n.Content[i].Value != "<<" {
					dup = true
					break
				}
			}
		}
		if !dup {
			return nil
		}
	}
	first := make(map[string]int, len(n.Content)/2)
	last := make(map[string]int, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if f, ok := first[k.Value]; ok && k.Value != "<<" && k.Kind == yaml.ScalarNode {
			c.dups = append(c.dups, tree.Duplicate{Key: k.Value, Line: c.before + k.Line, Column: k.Column, First: c.before + n.Content[f].Line})
		} else {
			first[k.Value] = i
		}
		last[k.Value] = i
	}
	return last
}

func (c *converter) scalar(n *yaml.Node) tree.Scalar {
	s := tree.Scalar{Text: n.Value, Line: c.before + n.Line, Column: n.Column}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch {
	case quoted && n.Style&yaml.TaggedStyle != 0:
		s.Kind, s.Quoted = tagged(n.Tag, n.Value), true
	case quoted:
		s.Kind, s.Quoted = tree.String, true
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.Kind, s.Block = tree.String, true
	case n.Style&yaml.TaggedStyle != 0:
		s.Kind = tagged(n.Tag, n.Value)
	default:
		s.Kind = resolve(n.Value)
	}
	if n.Tag == "!!binary" {
		if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), "")); err == nil {
			s.Text, s.Kind = string(b), tree.String
		}
	}
	return s
}

func tagged(tag, value string) tree.Kind {
	switch tag {
	case "!!bool":
		return tree.Bool
	case "!!int":
		return tree.Int
	case "!!float":
		return tree.Float
	case "!!null":
		return tree.Null
	}
	return tree.String
}
