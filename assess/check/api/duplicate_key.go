package api

import (
	"fmt"
	"path"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var duplicateKey = &check.Check{
	ID: "k8s-duplicate-key", Name: "duplicate-key", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K58"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 32, Strength: check.Supporting}},
	Kinds:     []string{"*"},
	Object: func(p *check.Pass, o *graph.Object) {
		if len(o.Duplicates) == 0 {
			return
		}
		// A document that is a List shares its duplicates among its items.
		from, to := o.Body.Line(), o.Body.EndLine()
		for _, d := range o.Duplicates {
			if d.Line < from || d.Line > to {
				continue
			}
			at := keyAt(o.Body, d)
			p.Fail(at, "", "key %q stands twice in the same map%s: only the second counts, and strict readers refuse the file", d.Key, lines(o, d))
		}
	},
}

// lines says where a key stands. The lines of a rendering are in no file that
// a person could open.
func lines(o *graph.Object, d tree.Duplicate) string {
	switch path.Ext(o.Source) {
	case ".yaml", ".yml", ".json":
		return fmt.Sprintf(", in lines %d and %d", d.First, d.Line)
	}
	return ""
}

// keyAt finds the value whose key is the duplicate, or the nearest before it
// if a third occurrence took its place.
func keyAt(n tree.Node, d tree.Duplicate) tree.Node {
	for k, v := range n.Fields() {
		if k.Line() == d.Line && k.Column() == d.Column {
			return v
		}
		if v.Line() <= d.Line && d.Line <= v.EndLine() {
			if found := keyAt(v, d); found.Exists() {
				return found
			}
		}
	}
	for _, v := range n.Items() {
		if v.Line() <= d.Line && d.Line <= v.EndLine() {
			if found := keyAt(v, d); found.Exists() {
				return found
			}
		}
	}
	for k, v := range n.Fields() {
		if k.Text() == d.Key {
			return v
		}
	}
	return tree.Node{}
}
