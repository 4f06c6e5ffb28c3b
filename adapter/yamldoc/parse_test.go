package yamldoc_test

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// one parses a text of one readable document.
func one(t *testing.T, text string) tree.Document {
	t.Helper()
	docs := yamldoc.Parse([]byte(text))
	if len(docs) != 1 || docs[0].Err != nil {
		t.Fatalf("%q: %+v", text, docs)
	}
	return docs[0]
}

func TestPositions(t *testing.T) {
	text := "# first\n---\nkind: Pod # x\nspec:\n  containers:\n  - name: web\n    args: [a, \"b\"]\n    command:\n      - |\n        one\n        two\n  other: 'x'\n---\nkind: Second\n"
	for _, eol := range []string{"\n", "\r\n"} {
		docs := yamldoc.Parse([]byte("\ufeff" + strings.ReplaceAll(text, "\n", eol)))
		if len(docs) != 2 {
			t.Fatalf("%d documents", len(docs))
		}
		root := docs[0].Doc.Root()
		c := root.At("spec", "containers").Index(0)
		for _, want := range []struct {
			name           string
			n              tree.Node
			line, col, end int
		}{
			{"kind", root.Get("kind"), 3, 7, 3},
			{"the key of kind", root.Get("kind").Key(), 3, 1, 3},
			{"spec", root.Get("spec"), 5, 3, 12},
			{"name", c.Get("name"), 6, 11, 6},
			{"second argument", c.Get("args").Index(1), 7, 15, 7},
			{"block scalar", c.Get("command").Index(0), 9, 9, 11},
			{"other", root.At("spec", "other"), 12, 10, 12},
			{"second document", docs[1].Doc.Root().Get("kind"), 14, 7, 14},
		} {
			if want.n.Line() != want.line || want.n.Column() != want.col {
				t.Errorf("%q %s stands at %d:%d, want %d:%d", eol, want.name, want.n.Line(), want.n.Column(), want.line, want.col)
			}
			if end := want.n.EndLine(); end != want.end && want.name != "block scalar" {
				t.Errorf("%q %s ends at %d, want %d", eol, want.name, end, want.end)
			}
		}
		if docs[1].Line != 14 && docs[1].Line != 13 {
			t.Errorf("the second document begins at %d", docs[1].Line)
		}
	}
}

func TestAliasKeepsTheLineOfItsValue(t *testing.T) {
	root := one(t, "base: &b\n  image: x\nuse:\n  <<: *b\nalso: *b\n").Doc.Root()
	if l := root.At("use", "image").Line(); l != 2 {
		t.Errorf("a merged value stands at line %d, want 2", l)
	}
	if l := root.At("also", "image").Line(); l != 2 {
		t.Errorf("an alias's value stands at line %d, want 2", l)
	}
}

func TestABadDocumentLeavesTheOthers(t *testing.T) {
	docs := yamldoc.Parse([]byte("a: 1\n---\nb: [1\n---\nc: 3\n---\n\td: 1\n---\n# empty\n---\ne: 5\n"))
	var got []string
	for _, d := range docs {
		if d.Err != nil {
			got = append(got, fmt.Sprintf("error at %d", d.Err.Line))
			continue
		}
		for k := range d.Doc.Root().Fields() {
			got = append(got, fmt.Sprintf("%s at %d", k.Text(), k.Line()))
		}
	}
	want := []string{"a at 1", "error at 3", "c at 5", "error at 7", "e at 11"}
	if len(got) == 5 && got[1] == "error at 4" { // the end of the document is as good
		want[1] = got[1]
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTabIsExplained(t *testing.T) {
	for text, want := range map[string][2]int{
		"a:\n\tb: 1\n":              {2, 1},
		"a: 1\n---\nb:\n  \tc: 1\n": {4, 3},
	} {
		docs := yamldoc.Parse([]byte(text))
		d := docs[len(docs)-1]
		if d.Err == nil || !strings.Contains(d.Err.Message, "tab") || [2]int{d.Err.Line, d.Err.Column} != want {
			t.Errorf("%q: %+v", text, d.Err)
		}
	}
}

func TestDuplicates(t *testing.T) {
	var many strings.Builder
	for i := range 50 {
		fmt.Fprintf(&many, "k%d: %d\n", i, i)
	}
	for _, before := range []string{"", many.String()} {
		base := strings.Count(before, "\n")
		d := one(t, before+"a: 1\nb: 2\na: 3\na: 4\n")
		want := []tree.Duplicate{{Key: "a", Line: base + 3, Column: 1, First: base + 1}, {Key: "a", Line: base + 4, Column: 1, First: base + 1}}
		if !reflect.DeepEqual(d.Duplicates, want) {
			t.Errorf("%+v, want %+v", d.Duplicates, want)
		}
		if v, _ := d.Doc.Root().Get("a").Int(); v != 4 {
			t.Errorf("a is %d: the last one counts", v)
		}
	}
}

// bounded fails if do takes more than limit bytes of memory in all.
func bounded(t *testing.T, limit uint64, do func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("%d MiB of memory, want at most %d", used>>20, limit>>20)
	}
}

func TestBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	var merges strings.Builder
	merges.WriteString("a0: &a0 {x: 1}\n")
	for i := 1; i < 25; i++ {
		fmt.Fprintf(&merges, "a%d: &a%d {<<: [*a%d, *a%d], k%d: {<<: *a%d}}\n", i, i, i-1, i-1, i, i-1)
	}
	for name, text := range map[string]string{
		"laughs": laughs.String(),
		"merges": merges.String(),
		"text":   "a: &a \"" + strings.Repeat("x", 1<<20) + "\"\nb: [" + strings.Repeat("*a, ", 1000) + "]\n",
		"deep":   strings.Repeat("[", 100_000),
		"deeper": strings.Repeat("{a: ", 600) + "1" + strings.Repeat("}", 600),
		"blocks": func() string {
			var b strings.Builder
			for i := range 600 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(),
		"self": "a: &a\n  b: *a\n",
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, 1<<30, func() {
				docs := yamldoc.Parse([]byte(text))
				if len(docs) != 1 || docs[0].Err == nil || docs[0].Err.Message == "" || docs[0].Err.Line < 1 {
					t.Errorf("it was read, or nothing was said: %d documents", len(docs))
				}
			})
		})
	}
}

func TestManyTinyDocuments(t *testing.T) {
	docs := yamldoc.Parse(bytes.Repeat([]byte("---\na: 1\n"), 20_000))
	if len(docs) != 20_000 || docs[19_999].Doc.Root().Get("a").Line() != 40_000 {
		t.Errorf("%d documents", len(docs))
	}
}

func TestSplitKeepsDirectivesWithTheirDocument(t *testing.T) {
	parts := yamldoc.Split([]byte("# c\n%YAML 1.1\n---\na: 1\n--- # two\nb: 2\n---x: 1\n"))
	if len(parts) != 2 || parts[0].Line != 1 || parts[1].Line != 5 {
		t.Errorf("%d parts: %v", len(parts), parts)
	}
}

var seeds = []string{
	"", "a: 1\n", "a: 1\n---\nb: 2\n", "--- a\n--- |\n x\n...\n---\n", "\ufeff---\n---\n", "{\"a\":\t1}", "a: &x [*x]\n", "a: |\n  x\n---\nb",
	"<<: 1", "\"<<\": 1\nb: 2", "? [a]\n: 1\n", "%YAML 1.1\n---\na: !!binary x", "a:\r\n- b\r\n---\r\nc: 1\r\n", "\t", "!!map x", "a: *x", "---\n%", "\x00", "- - - -\n", "a: 1\na: 2\n",
	"a: !!int '1'\nb: ! x\n",
}

// values lists what the documents of a text hold, "!" for a broken one.
func values(t *testing.T, docs []tree.Document) []any {
	var out []any
	for _, d := range docs {
		if d.Err != nil {
			out = append(out, "!")
			continue
		}
		out = append(out, shape(d.Doc.Root()))
	}
	return out
}

// shape is a value with the kinds of its scalars.
func shape(n tree.Node) any {
	switch n.Kind() {
	case tree.Map:
		var out []any
		for k, v := range n.Fields() {
			out = append(out, k.Text(), shape(v))
		}
		return out
	case tree.List:
		out := []any{"-"}
		for _, v := range n.Items() {
			out = append(out, shape(v))
		}
		return out
	}
	return n.Kind().String() + " " + n.Text()
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) + bytes.Count(text, []byte("\xc2\x85")) + bytes.Count(text, []byte("\xe2\x80")) + 2
		for _, d := range yamldoc.Parse(text) {
			if (d.Err == nil) == (d.Doc == nil) {
				t.Fatalf("a document is either read or broken: %+v", d)
			}
			if d.Err != nil {
				if d.Err.Message == "" || d.Err.Line < 1 || d.Err.Line > lines {
					t.Errorf("%+v in a text of %d lines", d.Err, lines)
				}
				continue
			}
			var walk func(tree.Node)
			walk = func(n tree.Node) {
				if n.Line() < 1 || n.Line() > lines || n.Column() < 1 {
					t.Fatalf("%q stands at %d:%d", n.Text(), n.Line(), n.Column())
				}
				if p := n.PathFrom(d.Doc.Root()); p.String() == "" && n != d.Doc.Root() {
					for _, s := range p {
						if s.Key != "" {
							t.Fatalf("%q has no path", n.Text())
						}
					}
				}
				for _, v := range n.Items() {
					walk(v)
				}
				for _, v := range n.Fields() {
					walk(v)
				}
			}
			walk(d.Doc.Root())
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parts := yamldoc.Split(text)
		var joined []byte
		line := 1
		for _, p := range parts {
			if p.Line != line {
				t.Fatalf("a part begins at line %d, want %d", p.Line, line)
			}
			line += bytes.Count(p.Text, []byte("\n"))
			joined = append(joined, p.Text...)
		}
		if !bytes.Equal(joined, bytes.TrimPrefix(text, []byte("\ufeff"))) {
			t.Fatal("the parts are not the text")
		}
		// Where the whole can be read at once, the parts say the same.
		whole := yamldoc.Part{Text: joined, Line: 1}.Parse()
		for _, d := range whole {
			if d.Err != nil {
				return
			}
		}
		var apart []tree.Document
		for _, p := range parts {
			apart = append(apart, p.Parse()...)
		}
		if got, want := values(t, apart), values(t, whole); !reflect.DeepEqual(got, want) {
			t.Fatalf("in parts %v, at once %v", got, want)
		}
	})
}
