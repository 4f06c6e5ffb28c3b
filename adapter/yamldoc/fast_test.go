package yamldoc_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// dump writes all that a tree says about a document.
func dump(d tree.Document) string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d error %v duplicates %v\n", d.Line, d.Err, d.Duplicates)
	var walk func(n tree.Node, depth int)
	walk = func(n tree.Node, depth int) {
		fmt.Fprintf(&b, "%*s%d:%d %s %q quoted=%t flow=%t block=%t\n", 2*depth, "", n.Line(), n.Column(), n.Kind(), n.Text(), n.Quoted(), n.Flow(), n.Block())
		for _, v := range n.Items() {
			walk(v, depth+1)
		}
		for k, v := range n.Fields() {
			walk(k, depth+1)
			walk(v, depth+2)
		}
	}
	walk(d.Doc.Root(), 0)
	return b.String()
}

// held fails if the fast path reads text in another way than the library, and
// reports whether it reads it at all.
func held(t *testing.T, text string) bool {
	t.Helper()
	p := yamldoc.Part{Text: []byte(text), Line: 5}
	got, ok := p.Fast()
	if !ok {
		return false
	}
	docs, panicked := p.Library()
	if panicked || len(docs) != 1 {
		t.Errorf("%q: the fast path reads it, the library reads %d documents (panicked: %t)", text, len(docs), panicked)
		return true
	}
	// The arenas are equal byte for byte, so everything that a tree can say is.
	if !reflect.DeepEqual(got, docs[0]) {
		t.Errorf("%q:\nfast path:\n%slibrary:\n%s", text, dump(got), dump(docs[0]))
	}
	return true
}

// manifests returns the parts of the repository's own manifests.
func manifests(t testing.TB) (texts []string) {
	t.Helper()
	add := func(name string, text []byte) {
		switch filepath.Ext(name) {
		case ".yaml", ".yml":
			for _, p := range yamldoc.Split(text) {
				texts = append(texts, string(p.Text))
			}
		}
	}
	for _, root := range []string{"../../assess", "../../examples", "../../adapter"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			ext := filepath.Ext(path)
			if ext != ".txtar" && ext != ".yaml" && ext != ".yml" {
				return nil
			}
			text, err := os.ReadFile(path)
			add(path, text)
			if ext == ".txtar" {
				for _, f := range txtar.Parse(text).Files {
					add(f.Name, f.Data)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		texts = append(texts, corpus.App(i)...)
	}
	if len(texts) < 300 {
		t.Fatalf("only %d manifests found", len(texts))
	}
	return texts
}

// tricky are texts close to the edge of what the fast path reads.
var tricky = []struct {
	text string
	fast bool
}{
	{"a: 1\n", true}, {"a: 1", true}, {"a:\n", true}, {"a:", true}, {"a: \n", true}, {" a: 1\n b: 2\n", true},
	{"# c\n\n---\n# d\na: 1 # e\n# f\n  # g\n", true}, {"--- # c\na: 1\n", true}, {"---\n- a\n", true},
	{"a:\n  b: 1\nc: 2\n", true}, {"a:\n- b\n- c\nd: 1\n", true}, {"a:\n  - b\n  - c\nd: 1\n", true},
	{"- a: 1\n  b: 2\n- c: 3\n", true}, {"-   a: 1\n    b:\n    - x\n    c: 2\n-\n- d\n", true}, {"-\n  a: 1\n", true},
	{"- # c\n  a: 1\n", true}, {"a: # c\n  b: 1\n", true}, {"a: #c\nb: 1\n", true}, {"a: b#c\n", true}, {"a: b #c\n", true}, {"a: b c  \n", true},
	{"a: 'it''s'\nb: \"x\\n\\\"\"\n", true}, {"'a': 1\n\"b\": 2\n", true}, {"a: 'x\ty'\nb: \"x\ty\"\n", true},
	{"a: b:c\n", true}, {"a: http://x:1/\n", true}, {"a: -x\n", true}, {"-x: 1\n", true}, {"a: x-\n", true}, {"a: x'y\"\n", true}, {"a: x: \n", false},
	{"a: {}\nb: []\nc: { }\n", true}, {"a: {b: 1, c: [d, \"e\", -1]} # x\n", true}, {"- [a, {b: c}]\n", true}, {"a: [http://x/, b:c]\n", true},
	{"a: |\n  x\n   y\n\n  z\n\nb: 1\n", true}, {"a: |-\n  x\n", true}, {"a: |+\n  x\n\n\nb: 1\n", true}, {"- |\n  x\n  # no comment\n# comment\n- y\n", true},
	{"a: >\n  x\n  y\n\n  z\n    more\n  less\n\n", true}, {"a: >-\n  x\n\n\n  y", true}, {"a: >+\n\n  x\n   \n  y\n\n", true}, {"a: |\n\n \n  x\n", true},
	{"a: | # c\n  x\n", true}, {"a: |\n  x\n    ", true}, {"a: |\n  \tx\n", false}, {"a: |\n  x\n  \ty\n", true},
	{"é: ü\nb: {é: ü, c: d}\n", true}, {"a: \"é\" # ü\n", true}, {"~: 1\n", true}, {"1: 2\ntrue: x\n", true},

	{"", false}, {"# c\n", false}, {"---\n", false}, {"--- a\n", false}, {"---\n---\na: 1\n", false}, {"a: 1\n...\n", false}, {"a: 1\n--- \n", false}, {"a: 1\n--- b: 2\n", false}, {"a: 1\n... b: 2\n", false}, {"... b: 2\n", false}, {"---\n--- b: 2\n", false},
	{"%YAML 1.1\n---\na: 1\n", false}, {"x\n", false}, {"'x'\n", false}, {"{a: 1}\n", false}, {"[a]\n", false}, {"? a\n: 1\n", false}, {"a: ? b\n", false},
	{"a: &x 1\n", false}, {"a: *x\n", false}, {"a: !!str 1\n", false}, {"<<: {a: 1}\n", false}, {"'<<': 1\n", false}, {"a: {<<: 1}\n", false},
	{"a: 1\na: 2\n", false}, {"a: {b: 1, \"b\": 2}\n", false}, {"a: 1\r\n", false}, {"a:\t1\n", false}, {"\ta: 1\n", false}, {"a: 1\t\n", false}, {"a: b\tc\n", false},
	{"a: b\n  c\n", false}, {"a: b\n\n  c\n", false}, {"a:\n  b\n", false}, {"a: 'b\n  c'\n", false}, {"a: \"b\n  c\"\n", false}, {"a: \"\\x41\"\n", false}, {"a: \"\\", false},
	{"- - x\n", false}, {"- -\n", false}, {"a: - b\n", false}, {"a: b: c\n", false}, {"a : b\n", false}, {"'a' : b\n", false}, {": b\n", false}, {"a: |2\n  x\n", false}, {"a: |\n", false}, {"a: |\nb: 1\n", false},
	{"a: |\n   \n  x\n", false}, {"a: |\n    x\n  y\n", false}, {"a: |#c\n  x\n", false}, {"a: 'x'#c\n", false}, {"a: 'x'y\n", false}, {"a: 'x\n", false},
	{"a: [b,\n c]\n", false}, {"a: [b, ]\n", false}, {"a: [b: c]\n", false}, {"a: {b}\n", false}, {"a: {b: }\n", false}, {"a: {b: , c: d}\n", false}, {"a: {\"b\":1}\n", false}, {"a: [b] c\n", false}, {"a: [b\n", false}, {"a: [b #c]\n", false},
	{"a: [-]\n", false}, {"a: [b?c]\n", false}, {"- [a]: b\n", false}, {"a: @x\n", false}, {"a: `x`\n", false}, {"a: %x\n", false}, {"a: ,x\n", false}, {"a: ]\n", false},
	{"a:\n   b: 1\n  c: 2\n", false}, {"a:\n  - x\n  b: 1\n", false}, {"a: 1\n  b: 2\n", false}, {"a: 1\n- b\n", false}, {"- a\nb: 1\n", false}, {"  a: 1\nb: 2\n", false}, {"a\nb: 1\n", false},
	{"a: \x01\n", false}, {"a: \x00", false}, {"a: \xff\n", false}, {"a: \u0085b\n", false}, {"# \u2028\na: 1\n", false}, {"a: \ufeffb\n", false}, {"\ufeffa: 1\n", false},
	{strings.Repeat("k: 1\n", 40), false}, {"a:\n" + strings.Repeat(" - b: 1\n", 40), true},
	{strings.Repeat("k", 1025) + ": 1\n", false}, {strings.Repeat("k", 900) + ": 1\n", true}, {"a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "\n", false},
}

func TestFastPathReadsTheEverydaySubset(t *testing.T) {
	for _, c := range tricky {
		if got := held(t, c.text); got != c.fast {
			t.Errorf("%q: read by the fast path: %t, want %t", c.text, got, c.fast)
		}
	}
	read, all := 0, 0
	for i := range 40 {
		for _, text := range corpus.App(i) {
			all++
			if held(t, text) {
				read++
			}
		}
	}
	if read != all {
		t.Errorf("the fast path reads %d of %d everyday manifests", read, all)
	}
}

func TestFastPathDeclinesAfterTheBuilderWasUsed(t *testing.T) {
	for range 3 {
		held(t, "a: [b, {c: d\n")
		if !held(t, "a: [b, {c: d}]\n") {
			t.Error("not read")
		}
	}
}

// edits are what a mutation may insert.
var edits = []string{
	" ", "  ", "\n", "\n\n", "\n  ", ":", ": ", "-", "- ", "\n- ", "#", " #", " # c\n", "\n# c\n", "\n    # c\n", "'", "''", "\"", "\\", "\\n", "[", "]", "{", "}", ", ", ",",
	"|", "|\n", "|-\n", "|+\n", ">\n", ">-\n", ">+\n", "?", "? ", "&a ", "*a", "!", "!!str ", "%", "@", "`", "~", "\t", "\r", "é", "\u0085", "\u2028", "\x00", "---\n", "...\n", "<<: ", "<<", "a: ", "null", "0", ".", "=", "^",
}

// mutate makes one to three random small edits.
func mutate(r *rand.Rand, text string) string {
	for range 1 + r.IntN(3) {
		at := r.IntN(len(text) + 1)
		if r.IntN(3) == 0 { // near the beginning or end of a line
			if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
				at += i + r.IntN(2)
			}
		}
		end := min(len(text), at+r.IntN(4))
		switch r.IntN(8) {
		case 0, 1, 2:
			text = text[:at] + edits[r.IntN(len(edits))] + text[at:]
		case 3:
			text = text[:at] + text[end:]
		case 4:
			text = text[:at] + edits[r.IntN(len(edits))] + text[end:]
		default:
			text = mutateLines(r, text)
		}
	}
	return text
}

// mutateLines moves, repeats, drops or indents lines.
func mutateLines(r *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i, j := r.IntN(len(lines)), r.IntN(len(lines))
	if r.IntN(2) == 0 {
		j = min(i+1, len(lines)-1)
	}
	spaces := strings.Repeat(" ", r.IntN(7))
	switch r.IntN(7) {
	case 0:
		lines[i], lines[j] = lines[j], lines[i]
	case 1:
		lines[i] = " " + lines[i]
	case 2:
		lines[i] = strings.TrimPrefix(lines[i], " ")
	case 3:
		lines[i] = spaces + strings.TrimLeft(lines[i], " ")
	case 4:
		lines[i] += spaces + "# comment\n"
	case 5:
		lines[i] += spaces + "\n"
	case 6:
		lines[i] += spaces + lines[j]
	}
	return strings.Join(lines, "")
}

// window cuts a few lines out of a long text, so that an edit matters.
func window(r *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i := r.IntN(len(lines))
	lines = lines[i:min(len(lines), i+3+r.IntN(20))]
	indent := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
	for i, l := range lines {
		lines[i] = l[min(indent, len(l)-len(strings.TrimLeft(l, " "))):]
	}
	return strings.Join(lines, "")
}

func TestFastPathIsTheLibraryUnderRandomEdits(t *testing.T) {
	rounds := 200_000
	if testing.Short() {
		rounds = 10_000
	}
	texts := manifests(t)
	for _, c := range tricky {
		texts = append(texts, c.text)
	}
	read := 0
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		text := texts[r.IntN(len(texts))]
		if r.IntN(4) > 0 {
			text = window(r, text)
		}
		if held(t, mutate(r, text)) {
			read++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if read < rounds/4 {
		t.Errorf("only %d of %d mutations were read by the fast path: the test tests nothing", read, rounds)
	}
}

func FuzzFast(f *testing.F) {
	for _, text := range manifests(f) {
		if len(text) < 1500 {
			f.Add(text)
		}
	}
	for _, c := range tricky {
		f.Add(c.text)
	}
	for _, s := range seeds {
		f.Add(string(s))
	}
	f.Fuzz(func(t *testing.T, text string) { held(t, text) })
}

func BenchmarkParts(b *testing.B) {
	var parts []yamldoc.Part
	size := 0
	for i := range 40 {
		for _, text := range corpus.App(i) {
			parts = append(parts, yamldoc.Part{Text: []byte(text), Line: 1})
			size += len(text)
		}
	}
	for name, read := range map[string]func(yamldoc.Part){
		"fast":    func(p yamldoc.Part) { p.Fast() },
		"library": func(p yamldoc.Part) { p.Library() },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range parts {
					read(p)
				}
			}
		})
	}
}
