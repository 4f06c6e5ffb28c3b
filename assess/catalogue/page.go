package catalogue

import (
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/control"
	"github.com/autoecoops/autoecoops/ops"
)

// Markdown returns a check's whole reference page.
func Markdown(c *check.Check) (string, error) {
	page, err := c.Page()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", page.Title)
	fmt.Fprintf(&b, "`%s` · severity **%s** · ideas %s · practices %s", c.ID, c.Severity, strings.Join(c.Ideas, ", "), strings.Join(c.Practices, ", "))
	if c.OptIn {
		fmt.Fprintf(&b, " · opt-in: `--enable %s`", c.ID)
	}
	fmt.Fprintf(&b, "\n\n## Why\n\n%s\n\n## Fix\n\n%s\n", page.Why, page.Fix)
	if page.More != "" {
		fmt.Fprintf(&b, "\n%s\n", page.More)
	}
	controls(&b, c)
	if err := samples(&b, c); err != nil {
		return "", err
	}
	if len(page.References) > 0 {
		b.WriteString("\n## References\n\n")
		for _, r := range page.References {
			fmt.Fprintf(&b, "- %s\n", r)
		}
	}
	return b.String(), nil
}

func controls(b *strings.Builder, c *check.Check) {
	b.WriteString("\n## Controls\n\n| strength | controls | because |\n|---|---|---|\n")
	for _, f := range c.Facts {
		fact, ok := control.ByNumber(f.Number)
		if !ok {
			continue
		}
		var ids []string
		for _, r := range fact.Refs {
			ids = append(ids, r.String())
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", f.Strength, strings.Join(ids, ", "), fact.Rationale)
	}
}

// samples prints the first failing and the first passing sample.
func samples(b *strings.Builder, c *check.Check) error {
	all, err := c.Samples()
	if err != nil {
		return err
	}
	b.WriteString("\n## Samples\n")
	for _, want := range [...]struct {
		status ops.Status
		says   string
	}{{ops.Fail, "Reported"}, {ops.Unknown, "Cannot be told"}, {ops.Pass, "In order"}} {
		for _, s := range all {
			if s.Want != want.status {
				continue
			}
			fmt.Fprintf(b, "\n%s (%s):\n\n```yaml\n", want.says, strings.ReplaceAll(s.Name, "-", " "))
			for i, f := range s.Files {
				if i > 0 {
					b.WriteString("---\n")
				}
				b.WriteString(strings.ReplaceAll(string(f.Text), "# want\n", "# reported here\n"))
			}
			b.WriteString("```\n")
			break
		}
	}
	return nil
}

// Reference returns the whole reference as files: a page for each check and
// README.md as their index.
func Reference() (map[string]string, error) {
	pages := map[string]string{}
	var b strings.Builder
	b.WriteString("# The checks\n\nThis folder is printed from the catalogue by `make generate`; `aeo explain ID`\nprints the same pages. Ideas are the numbers of the catalogue's plan.\n")
	for _, a := range Areas() {
		fmt.Fprintf(&b, "\n## %s: %s\n\n| check | severity | what is wrong | ideas |\n|---|---|---|---|\n", a.Name, a.Title)
		for _, c := range a.Checks {
			page, err := c.Page()
			if err != nil {
				return nil, err
			}
			text, err := Markdown(c)
			if err != nil {
				return nil, err
			}
			name := c.Name + ".md"
			pages[name] = text
			opt := ""
			if c.OptIn {
				opt = " (opt-in)"
			}
			fmt.Fprintf(&b, "| [%s](%s) | %s | %s%s | %s |\n", c.ID, name, c.Severity, page.Title, opt, strings.Join(c.Ideas, ", "))
		}
	}
	pages["README.md"] = b.String()
	return pages, nil
}
