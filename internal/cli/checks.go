package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/control"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

func newChecks(s *Streams) *cobra.Command {
	c := &cobra.Command{Use: "checks", Short: "Print the reference of the checks"}
	c.AddCommand(newChecksList(s), newShow(s, "show ID", "aeo checks show", "Print one check's page: why, how to fix, controls, samples"))
	return c
}

func newExplain(s *Streams) *cobra.Command {
	return newShow(s, "explain ID", "aeo explain", "Explain a check: why it matters and how to fix it")
}

func newChecksList(s *Streams) *cobra.Command {
	var output, area string
	c := &cobra.Command{
		Use:   "list",
		Short: "List all checks",
		Example: `  aeo checks list
  aeo checks list --area identity
  aeo checks list -o json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch output {
			case "table":
				return listTable(s.Out, area)
			case "json":
				return listJSON(s.Out, area)
			}
			return fault.New(fault.Invalid, "read the command line", "-o "+output, "there is no such format here", "use table or json")
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "`FORMAT`: table, json")
	c.Flags().StringVar(&area, "area", "", "only this `AREA`")
	return c
}

func listTable(w io.Writer, area string) error {
	for _, a := range catalogue.Areas() {
		if area != "" && a.Name != area {
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", a.Name, a.Title)
		for _, c := range a.Checks {
			page, err := c.Page()
			if err != nil {
				return fault.Wrap(fault.Internal, "read page", string(c.ID), err, "")
			}
			opt := ""
			if c.OptIn {
				opt = " (opt-in)"
			}
			fmt.Fprintf(w, "  %-40s %-8s %-9s %s%s\n", c.ID, c.Severity, strings.Join(c.Ideas, ","), page.Title, opt)
		}
	}
	return nil
}

// listed is a check in aeo checks list -o json.
type listed struct {
	ID         ops.CheckID     `json:"id"`
	Area       string          `json:"area"`
	Title      string          `json:"title"`
	Severity   ops.Severity    `json:"severity"`
	OptIn      bool            `json:"optIn"`
	Ideas      []string        `json:"ideas"`
	Practices  []string        `json:"practices"`
	Why        string          `json:"why"`
	Fix        string          `json:"fix"`
	References []string        `json:"references"`
	Controls   []listedControl `json:"controls"`
}

// listedControl is a control that a check bears on.
type listedControl struct {
	ID        string         `json:"id"`
	Framework string         `json:"framework"`
	Label     string         `json:"label"`
	Strength  check.Strength `json:"strength"`
	Rationale string         `json:"rationale"`
}

func listJSON(w io.Writer, area string) error {
	all := []listed{}
	for _, a := range catalogue.Areas() {
		if area != "" && a.Name != area {
			continue
		}
		for _, c := range a.Checks {
			page, err := c.Page()
			if err != nil {
				return fault.Wrap(fault.Internal, "read page", string(c.ID), err, "")
			}
			all = append(all, listed{
				ID: c.ID, Area: a.Name, Title: page.Title, Severity: c.Severity, OptIn: c.OptIn, Ideas: c.Ideas,
				Practices: c.Practices, Why: page.Why, Fix: page.Fix, References: page.References, Controls: controlsOf(c),
			})
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

// controlsOf lists the controls of a check; of two facts that lead to the same
// control the stronger one counts.
func controlsOf(c *check.Check) []listedControl {
	best := map[string]listedControl{}
	for _, f := range c.Facts {
		fact, _ := control.ByNumber(f.Number)
		for _, ref := range fact.Refs {
			id := ref.String()
			if old, ok := best[id]; ok && old.Strength == check.Direct {
				continue
			}
			best[id] = listedControl{ID: id, Framework: ref.Framework.Name(), Label: ref.Label(), Strength: f.Strength, Rationale: fact.Rationale}
		}
	}
	out := []listedControl{}
	for _, id := range assess.Controls(c) {
		out = append(out, best[id])
	}
	return out
}

func newShow(s *Streams, use, command, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		Long:    short + ". The id may be given without its k8s- prefix, or as a number such as K27.",
		Example: "  " + command + " k8s-privilege-path",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return fault.New(fault.Invalid, "read the command line", "", fmt.Sprintf("it takes the id of one check, not %d", len(args)), command+" k8s-privilege-path; `aeo checks list` lists the ids")
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, c := range catalogue.All() {
				ids = append(ids, string(c.ID))
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, ok := catalogue.Find(args[0])
			if !ok {
				hint := "list them with `aeo checks list`"
				if near := catalogue.Near(args[0]); len(near) > 0 {
					hint = "did you mean " + strings.Join(near[:min(3, len(near))], ", ") + "?"
				}
				return fault.New(fault.NotFound, "explain", args[0], "there is no check with this id", hint)
			}
			text, err := catalogue.Markdown(c)
			if err != nil {
				return fault.Wrap(fault.Internal, "read page", string(c.ID), err, "")
			}
			_, err = io.WriteString(s.Out, text)
			return err
		},
	}
}
