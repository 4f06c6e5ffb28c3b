package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/assess/control"
	"github.com/autoecoops/autoecoops/assess/scorecard"
)

// TestReferenceIsFresh holds docs/checks to the catalogue.
func TestReferenceIsFresh(t *testing.T) {
	pages, err := catalogue.Reference()
	if err != nil {
		t.Fatal(err)
	}
	dir := "../../docs/checks"
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if _, ok := pages[e.Name()]; !ok {
			t.Errorf("docs/checks/%s belongs to no check: run make generate", e.Name())
		}
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("docs/checks/%s is out of date: run make generate", name)
		}
	}
}

// TestCatalogueIsWhole checks what the catalogue's data refer to.
func TestCatalogueIsWhole(t *testing.T) {
	practices := map[string]bool{}
	for _, p := range scorecard.Practices() {
		practices[p.ID] = true
	}
	ideas := map[string]bool{}
	seen := map[string]bool{}
	for _, c := range catalogue.All() {
		if seen[string(c.ID)] {
			t.Errorf("two checks are called %s", c.ID)
		}
		seen[string(c.ID)] = true
		for _, p := range c.Practices {
			if !practices[p] {
				t.Errorf("%s names the practice %q, which does not exist", c.ID, p)
			}
		}
		for _, f := range c.Facts {
			if _, ok := control.ByNumber(f.Number); !ok {
				t.Errorf("%s names fact %d, which does not exist", c.ID, f.Number)
			}
		}
		for _, i := range c.Ideas {
			ideas[i] = true
		}
		if n := functions(c.Container != nil, c.Pod != nil, c.Object != nil, c.Unit != nil); n != 1 {
			t.Errorf("%s has %d functions, not one", c.ID, n)
		}
		if c.Object != nil && len(c.Kinds) == 0 {
			t.Errorf("%s looks at objects but names no kinds", c.ID)
		}
	}
	for n := 1; n <= 58; n++ {
		if id := "K" + string(rune('0'+n/10)) + string(rune('0'+n%10)); !ideas[id] {
			t.Errorf("no check implements idea %s", id)
		}
	}
}

func functions(set ...bool) (n int) {
	for _, s := range set {
		if s {
			n++
		}
	}
	return n
}

// TestDependenciesAreExplained holds docs/dependencies.md to go.mod.
func TestDependenciesAreExplained(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for line := range strings.Lines(string(mod)) {
		m := regexp.MustCompile(`^(?:require)?\s+(\S+\.\S+/\S+|golang\.org/\S+) v\S+\n$`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		direct++
		if !strings.Contains(string(doc), "`"+m[1]+"`") {
			t.Errorf("docs/dependencies.md does not say why %s is needed", m[1])
		}
	}
	if direct == 0 || direct > 45 {
		t.Errorf("%d direct modules; the budget is 45", direct)
	}
}
