package check

import (
	"fmt"
	"io/fs"
	"strings"
)

// Page is a check's page, read from its Markdown file.
type Page struct {
	// Title is a short noun phrase for what is wrong.
	Title string
	// Why says what goes wrong in practice.
	Why string
	// Fix is one imperative sentence; More is what follows it.
	Fix, More string
	// References are addresses to read on.
	References []string
}

// Page reads the check's page.
func (c *Check) Page() (Page, error) {
	b, err := fs.ReadFile(c.Pages, c.Name+".md")
	if err != nil {
		return Page{}, fmt.Errorf("read page of %s: %w", c.ID, err)
	}
	return parsePage(string(b)), nil
}

func parsePage(text string) Page {
	var p Page
	head, rest, _ := strings.Cut(text, "\n")
	p.Title = strings.TrimSpace(strings.TrimPrefix(head, "#"))
	for section := range strings.SplitSeq("\n"+rest, "\n## ") {
		name, body, _ := strings.Cut(section, "\n")
		body = strings.TrimSpace(body)
		switch strings.TrimSpace(name) {
		case "Why":
			p.Why = body
		case "Fix":
			p.Fix, p.More, _ = strings.Cut(body, "\n")
			p.More = strings.TrimSpace(p.More)
		case "References":
			for line := range strings.SplitSeq(body, "\n") {
				if ref := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "-")); ref != "" {
					p.References = append(p.References, ref)
				}
			}
		}
	}
	return p
}
