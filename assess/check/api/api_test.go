package api

import (
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/graph"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks()) }

// A version that is gone must have been deprecated first, and what replaces it
// must not itself be gone.
func TestLifecycles(t *testing.T) {
	for s, l := range lifecycles {
		if l.deprecated == 0 || l.removed != 0 && l.removed < l.deprecated {
			t.Errorf("%v: deprecated in %d, removed in %d", s, l.deprecated, l.removed)
		}
		if next, ok := lifecycles[served{l.instead, s.kind}]; ok && next.removed != 0 {
			t.Errorf("%v is replaced by %s, which is removed in %d", s, l.instead, next.removed)
		}
	}
}

// A kind without a definition is reported by one unit of a repository, however
// many have objects of it, and by that alone whatever the order of the units.
func TestUndefinedKindOnce(t *testing.T) {
	var units []*graph.Graph
	for _, name := range []string{"b.yaml", "a.yaml", "c.yaml"} {
		g, err := checktest.Graph([]check.SampleFile{{Name: name, Text: []byte("apiVersion: example.com/v1\nkind: Shop\nmetadata: {name: x}\n")}})
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, g)
	}
	for i, g := range units {
		var others []*graph.Graph
		others = append(append(others, units[:i]...), units[i+1:]...)
		p := check.NewPass(checktest.Settings(), g, others)
		got := 0
		check.NewIndex([]*check.Check{schemaFit}).Unit(p, 0, func(rs []*check.Result) { got += len(rs) })
		want := 0
		if g.Objects[0].Source == "a.yaml" {
			want = 1
		}
		if got != want {
			t.Errorf("unit of %s: %d results, want %d", g.Objects[0].Source, got, want)
		}
	}
}
