package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops"
)

// Manifests are what a tree of manifests declares.
type Manifests struct {
	// Path is the tree as it may be shown.
	Path string
	// Place puts what was seen in traces beside the workloads. It is called once.
	Place func(totals []spans.Total) Ownership
	// Needs tells which components of a case wait for which by what is declared.
	Needs func(c *cause.Case) []cause.Dependency
	// Notes say what could not be read.
	Notes []string
}

// owned is who owns what of the totals, of a namespace if it is not "". It is nil if no
// manifests were asked for.
func (m *Manifests) owned(namespace string, totals [][]spans.Total) *Ownership {
	if m == nil {
		return nil
	}
	p := m.Place(slices.Concat(totals...))
	p.within(namespace)
	return &p
}

// shown is what was read: not all of the path if there are notes.
func (m *Manifests) shown() string {
	if len(m.Notes) > 0 {
		return "what could be read of " + m.Path
	}
	return m.Path
}

// notes are what a person should know of who owns what.
func (m *Manifests) notes(p *Ownership) []string {
	if m == nil {
		return nil
	}
	out := slices.Clone(m.Notes)
	if n := len(p.Silent); n > 0 {
		out = append(out, fmt.Sprintf("of %s that %s declares nothing is in this sample: silence is no health", count(n, "workload"), m.Path))
	}
	return out
}

// Ownership says which workloads are those of the services that were seen.
type Ownership struct {
	// Services are those that were seen, with the databases and other hosts that a
	// workload is known of.
	Services []PlacedService `json:"services"`
	// Silent are workloads that nothing was seen of, though something was beside them.
	Silent []Workload `json:"notSeen"`
}

// PlacedService is a party with the workloads that it is of, none if none is declared.
type PlacedService struct {
	spans.Party
	Workloads []Workload `json:"workloads"`
}

// Workload is an object with the place where a person wrote it.
type Workload struct {
	ops.Ref
	ops.Position
	// Roots are the kustomizations and charts that it is rendered by.
	Roots []string `json:"roots"`
}

// within leaves out what is not of a namespace: "" means all are.
func (p *Ownership) within(namespace string) {
	if namespace == "" {
		return
	}
	of := func(w Workload) bool { return w.Namespace == namespace }
	p.Services = slices.DeleteFunc(p.Services, func(s PlacedService) bool {
		return s.Key.Namespace != namespace && !slices.ContainsFunc(s.Workloads, of)
	})
	p.Silent = slices.DeleteFunc(p.Silent, func(w Workload) bool {
		return !of(w) && w.Namespace != "" // without one it goes where it is applied
	})
}

// of returns the workloads of a party; known is false if nobody was asked for them.
func (p *Ownership) of(party spans.Party) (workloads []Workload, known bool) {
	if p == nil {
		return nil, false
	}
	for _, s := range p.Services {
		if s.Party == party {
			return s.Workloads, true
		}
	}
	return nil, false
}

// table writes what runs and what is declared side by side.
func (p *Ownership) table(out io.Writer, path string) error {
	if len(p.Services)+len(p.Silent) == 0 {
		return nil
	}
	var rows []string
	for _, s := range p.Services {
		if len(s.Workloads) == 0 {
			rows = append(rows, fmt.Sprintf("%s\t-\truns, and is not in %s", clean(s.Party.String()), clean(path)))
		}
		for _, x := range s.Workloads {
			rows = append(rows, fmt.Sprintf("%s\t%s\t%s", clean(s.Party.String()), clean(x.Ref.String()), x.place()))
		}
	}
	for _, x := range p.Silent {
		rows = append(rows, fmt.Sprintf("-\t%s\t%s: declared, and not seen", clean(x.Ref.String()), x.place()))
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\nSEEN\tWORKLOAD\tDECLARED IN")
	for _, r := range rows[:min(len(rows), maxRows)] {
		fmt.Fprintln(w, r)
	}
	if err := w.Flush(); err != nil || len(rows) <= maxRows {
		return err
	}
	_, err := fmt.Fprintf(out, "and %d more: -o json has them all\n", len(rows)-maxRows)
	return err
}

// place is the file and line, with the roots that render it.
func (w *Workload) place() string {
	at := fmt.Sprintf("%s:%d", clean(w.File), w.Line)
	if len(w.Roots) > 0 {
		at += " (" + clean(strings.Join(w.Roots, ", ")) + ")"
	}
	return at
}

// mermaid is a second line for the node of a party: what it is declared as.
func (p *Ownership) mermaid(party spans.Party) string {
	workloads, known := p.of(party)
	switch {
	case !known:
		return ""
	case len(workloads) == 0:
		return "<br/>not declared"
	}
	var b strings.Builder
	for _, w := range workloads {
		b.WriteString("<br/>" + mermaidText(w.Ref.String()))
	}
	return b.String()
}

// mermaidSilent draws what is declared and was not seen, beside the rest.
func (p *Ownership) mermaidSilent(out io.Writer) error {
	if p == nil || len(p.Silent) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("  subgraph silent[\"declared, and not seen\"]\n")
	for i, w := range p.Silent {
		fmt.Fprintf(&b, "    s%d[\"%s\"]\n", i, mermaidText(w.Ref.String()))
	}
	b.WriteString("  end\n")
	_, err := io.WriteString(out, b.String())
	return err
}
