// Package checktest holds a check to its samples: every check must have a
// page, controls, a negative sample, and must report exactly the lines that
// its positive samples mark.
package checktest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Settings are what samples are evaluated with.
func Settings() *check.Settings {
	return &check.Settings{KubeMinor: 37, PodSecurity: "restricted", PodSecurityMinor: 37}
}

// Run tests every check of an area.
func Run(t *testing.T, checks []*check.Check) {
	t.Helper()
	for _, c := range checks {
		t.Run(string(c.ID), func(t *testing.T) {
			described(t, c)
			samples(t, c)
		})
	}
}

func described(t *testing.T, c *check.Check) {
	page, err := c.Page()
	if err != nil {
		t.Fatal(err)
	}
	if page.Title == "" || page.Why == "" || page.Fix == "" {
		t.Errorf("page of %s lacks a title, a Why or a Fix", c.ID)
	}
	if string(c.ID) != "k8s-"+c.Name {
		t.Errorf("check %s is named %q", c.ID, c.Name)
	}
	if len(c.Facts) == 0 || len(c.Ideas) == 0 || len(c.Practices) == 0 {
		t.Errorf("check %s lacks facts, ideas or practices", c.ID)
	}
}

func samples(t *testing.T, c *check.Check) {
	all, err := c.Samples()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[ops.Status]int{}
	for _, s := range all {
		seen[s.Want]++
		t.Run(string(s.Want)+"/"+s.Name, func(t *testing.T) { sample(t, c, s) })
	}
	if seen[ops.Fail]+seen[ops.Unknown] == 0 || seen[ops.Pass] == 0 {
		t.Errorf("check %s has %d failing and %d passing samples: it needs both", c.ID, seen[ops.Fail], seen[ops.Pass])
	}
}

func sample(t *testing.T, c *check.Check, s check.Sample) {
	g, err := Graph(s.Files)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range s.Files {
		line := 0
		for l := range bytes.Lines(f.Text) {
			line++
			if bytes.HasSuffix(bytes.TrimSpace(l), []byte("# want")) {
				want = append(want, fmt.Sprintf("%s:%d", f.Name, line))
			}
		}
	}
	for _, r := range Evaluate(c, g) {
		if r.Status == ops.Pass {
			continue
		}
		if r.Status != s.Want {
			t.Errorf("%s: got %s %q, want %s", where(r), r.Status, r.Message, s.Want)
		}
		if r.Message == "" {
			t.Errorf("%s: no message", where(r))
		}
		got = append(got, where(r))
	}
	if s.Want != ops.Pass && len(want) == 0 {
		t.Fatal("the sample marks no line with # want")
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("results at\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// Graph reads and links a sample's files.
func Graph(files []check.SampleFile) (*graph.Graph, error) {
	g := graph.New()
	for _, f := range files {
		for _, d := range yamldoc.Parse(f.Text) {
			if d.Err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, d.Err)
			}
			bodies := []tree.Node{d.Doc.Root()}
			if items := d.Doc.Root().Get("items"); items.IsList() {
				bodies = bodies[:0]
				for _, it := range items.Items() {
					bodies = append(bodies, it)
				}
			}
			for _, b := range bodies {
				if o, ok := graph.NewObject(b, f.Name); ok {
					o.Duplicates = d.Duplicates
					g.Add(o)
				}
			}
		}
	}
	wire.Link(g)
	return g, nil
}

// Evaluate runs one check over a graph.
func Evaluate(c *check.Check, g *graph.Graph) (out []*check.Result) {
	x := check.NewIndex([]*check.Check{c})
	p := check.NewPass(Settings(), g, nil)
	emit := func(rs []*check.Result) { out = append(out, rs...) }
	for _, o := range g.Objects {
		x.Object(p, o, emit)
	}
	for i := range x.Units() {
		x.Unit(p, i, emit)
	}
	return out
}

func where(r *check.Result) string {
	at := r.At
	if r.Missing != "" {
		at, _ = r.At.Follow(tree.Path{}.Join(r.Missing))
	}
	line, _ := at.Position()
	return fmt.Sprintf("%s:%d", r.Object.Source, line)
}
