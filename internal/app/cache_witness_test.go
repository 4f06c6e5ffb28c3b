package app

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
)

func watching(t *testing.T, files map[string]string) (w *witness, dir string) {
	t.Helper()
	dir = t.TempDir()
	put(t, dir, files)
	tree, err := worktree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	isolated(t)
	cache, err := cachedir.Open("test")
	if err != nil {
		t.Fatal(err)
	}
	listed, err := openContents(t.Context(), tree, cache, dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w = &witness{src: tree, files: listed}
	w.begin()
	return w, dir
}

func TestAWitnessIsATree(t *testing.T) {
	w, _ := watching(t, map[string]string{"a.yaml": "abc", "d/b.yaml": "", "d/e/c.yaml": "x"})
	if err := fstest.TestFS(w, "a.yaml", "d/b.yaml", "d/e/c.yaml"); err != nil {
		t.Error(err)
	}
	entries, err := w.Entries(t.Context())
	if err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
	entries[0].Path = "changed"
	if again, _ := w.Entries(t.Context()); again[0].Path != "a.yaml" {
		t.Error("the reader's changes reach the witness")
	}
}

// TestLooksAnswerAsTheWitnessSaw holds that a rerun's questions get the very
// answers that were noted, and others after any change.
func TestLooksAnswerAsTheWitnessSaw(t *testing.T) {
	w, dir := watching(t, map[string]string{"a.yaml": "abc", "d/b.yaml": "1", "e/x": ""})
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.yaml", "d", "d/b.yaml", "none", "dangling", "../x", "e"} {
		_, _ = w.ReadFile(name)    // errors are
		_, _ = fs.Stat(w, name)    // answers
		_, _ = fs.ReadDir(w, name) // too
		if f, err := w.Open(name); err == nil {
			_, _ = io.ReadAll(f)
			_ = f.Close() // of a witness nothing is open
		}
	}
	looks, answers, ok := w.seal()
	if !ok || len(looks) != 21 || !slices.IsSortedFunc(looks, compareLooks) {
		t.Fatalf("%d looks, %v", len(looks), ok)
	}
	differ := func() (n int) {
		var room []byte
		for _, l := range looks {
			var now string
			if now, room = l.take(w.src, w.files, room); now != answers[l] {
				n++
			}
		}
		return n
	}
	if n := differ(); n != 0 {
		t.Errorf("%d answers differ in an unchanged tree", n)
	}
	for _, c := range []struct {
		what string
		do   func() error
		n    int
	}{
		{"a content", func() error { return os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("abd"), 0o644) }, 1},
		{"a size, in a listing", func() error { return os.WriteFile(filepath.Join(dir, "d/b.yaml"), []byte("12"), 0o644) }, 4},
		{"a new file, in a listing", func() error { return os.WriteFile(filepath.Join(dir, "e/y"), nil, 0o644) }, 5},
		{"a file that was not there", func() error { return os.WriteFile(filepath.Join(dir, "none"), nil, 0o644) }, 8},
		{"what a link names", func() error { return os.WriteFile(filepath.Join(dir, "nowhere"), nil, 0o644) }, 11},
		{"a folder that goes", func() error { return os.RemoveAll(filepath.Join(dir, "e")) }, 13},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if n := differ(); n != c.n {
			t.Errorf("%s: %d answers differ, want %d", c.what, n, c.n)
		}
	}
}

func TestATornViewIsNoView(t *testing.T) {
	w, dir := watching(t, map[string]string{"a.yaml": "abc"})
	if w.sound() {
		t.Error("it is sound before it is sealed")
	}
	for _, text := range []string{"abc", "abd"} {
		put(t, dir, map[string]string{"a.yaml": text})
		if got, err := w.ReadFile("a.yaml"); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, _, ok := w.seal(); ok || w.sound() {
		t.Error("one file with two contents is taken for one")
	}
	w.begin()
	if _, err := w.ReadFile("a.yaml"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := w.seal(); !ok || !w.sound() {
		t.Error("a new beginning is none")
	}
	if _, err := w.ReadFile("b.yaml"); !errors.Is(err, fs.ErrNotExist) || w.sound() {
		t.Errorf("what was not seen before is taken as seen: %v", err)
	}
}

func TestAHugeFileIsHandedOn(t *testing.T) {
	w, dir := watching(t, map[string]string{"huge": "abc"})
	if err := os.Truncate(filepath.Join(dir, "huge"), assess.MaxFile+1); err != nil {
		t.Fatal(err)
	}
	f, err := w.Open("huge")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 3)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "abc" {
		t.Errorf("%q, %v", head, err)
	}
	if _, _, ok := w.seal(); ok {
		t.Error("what was read in part is taken for the whole")
	}
}

func TestTracesAreReadAsWritten(t *testing.T) {
	for _, traces := range [][][]look{
		nil, {{}}, {{{content, "a.yaml"}}}, {{{kind, ""}, {listing, "with\x00zero\nand\xff"}}, {{content, strings.Repeat("x", 5000)}}, {}},
	} {
		got := parseTraces(formatTraces(traces))
		if len(got) != len(traces) {
			t.Errorf("%d traces, want %d", len(got), len(traces))
			continue
		}
		for i := range got {
			if !slices.Equal(got[i], traces[i]) {
				t.Errorf("%q, want %q", got[i], traces[i])
			}
		}
	}
}

func FuzzTraces(f *testing.F) {
	f.Add(formatTraces([][]look{{{content, "a.yaml"}, {kind, "d"}}, {}, {{listing, "."}}}))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01c"))
	f.Fuzz(func(t *testing.T, text []byte) {
		traces := parseTraces(text)
		if again := parseTraces(formatTraces(traces)); len(again) != len(traces) {
			t.Errorf("%d traces, then %d", len(traces), len(again))
		}
	})
}

func TestExactTextSeesEveryMark(t *testing.T) {
	text := strings.Repeat("x", 20) + replaced + strings.Repeat("y", 20)
	for cut := range len(text) {
		for _, size := range []int{1, 2, 5, 6, 100} {
			var out bytes.Buffer
			e := &exactText{w: &out}
			for _, part := range []string{text[:cut], text[cut:]} {
				for chunk := range slices.Chunk([]byte(part), size) {
					if _, err := e.Write(chunk); err != nil {
						t.Fatal(err)
					}
				}
			}
			if !e.lossy || out.String() != text {
				t.Errorf("cut at %d in pieces of %d: lossy %v, %q", cut, size, e.lossy, out.String())
			}
		}
	}
	e := &exactText{w: io.Discard}
	if _, err := io.WriteString(e, strings.ReplaceAll(text, replaced, `\ufff`+"\ufffd")); err != nil || e.lossy {
		t.Errorf("a letter is taken for a lost one: %v", err)
	}
}
