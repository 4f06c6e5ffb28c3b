package edit_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess/fix/edit"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// path reads a.b[0].'c.d'.
func path(s string) (p tree.Path) {
	for s != "" {
		switch {
		case s[0] == '[':
			n, rest, _ := strings.Cut(s[1:], "]")
			i, _ := strconv.Atoi(n)
			p, s = append(p, tree.Step{Index: i}), rest
		case s[0] == '\'':
			key, rest, _ := strings.Cut(s[1:], "'")
			p, s = append(p, tree.Step{Key: key, Index: -1}), rest
		case s[0] == '.':
			s = s[1:]
		default:
			end := strings.IndexAny(s, ".[")
			if end < 0 {
				end = len(s)
			}
			p, s = append(p, tree.Step{Key: s[:end], Index: -1}), s[end:]
		}
	}
	return p
}

// TestLayouts plays the layouts in testdata: each file lists changes, and the
// text before and after them.
func TestLayouts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(f)
			if err != nil {
				t.Fatal(err)
			}
			play(t, ar)
		})
	}
}

func play(t *testing.T, ar *txtar.Archive) {
	text, want, doc := ar.Files[0].Data, string(ar.Files[1].Data), 0
	for line := range strings.Lines(string(ar.Comment)) {
		line, refuse := strings.CutPrefix(strings.TrimSpace(line), "refuse ")
		verb, rest, _ := strings.Cut(line, " ")
		c := edit.Change{}
		var p string
		switch verb {
		case "crlf":
			text = []byte(strings.ReplaceAll(string(text), "\n", "\r\n"))
			want = strings.ReplaceAll(want, "\n", "\r\n")
			continue
		case "chomp":
			text, want = []byte(strings.TrimSuffix(string(text), "\n")), strings.TrimSuffix(want, "\n")
			continue
		case "doc":
			doc, _ = strconv.Atoi(rest)
			continue
		case "set":
			p, c.Value, _ = strings.Cut(rest, " ")
		case "remove":
			p, c.Remove = rest, true
		default:
			continue
		}
		c.Path = path(p)
		out, err := edit.Apply(yamldoc.Parse, text, doc, c)
		var no edit.Refusal
		switch {
		case refuse && !errors.As(err, &no):
			t.Errorf("%s: not refused: %s", line, out)
		case !refuse && err != nil:
			t.Errorf("%s: %v", line, err)
		}
		text = out
	}
	if string(text) != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

// FuzzApply holds the editor to what it promises: it never panics, a text that
// parsed still parses, and only the changed path has another value.
func FuzzApply(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(ar.Comment)) {
			verb, rest, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "refuse ")), " ")
			p, v, _ := strings.Cut(rest, " ")
			if verb == "set" || verb == "remove" {
				f.Add(string(ar.Files[0].Data), p, v, verb == "remove")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, p, value string, remove bool) {
		c := edit.Change{Path: path(p), Value: value, Remove: remove}
		before := yamldoc.Parse([]byte(text))
		out, err := edit.Apply(yamldoc.Parse, []byte(text), 0, c)
		if err != nil {
			if string(out) != text {
				t.Fatalf("refused, but changed: %q", out)
			}
			return
		}
		after := yamldoc.Parse(out)
		if len(after) != len(before) || after[0].Doc == nil {
			t.Fatalf("%q became %q", text, out)
		}
		again, err := edit.Apply(yamldoc.Parse, out, 0, c)
		if err == nil && !remove && string(again) != string(out) {
			t.Fatalf("not idempotent: %q, %q", out, again)
		}
	})
}
