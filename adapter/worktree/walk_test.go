package worktree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
)

// TestTheWalkFindsWhatALibraryFinds compares the parallel walk with fs.WalkDir
// on trees of many folders, long names and odd ones.
func TestTheWalkFindsWhatALibraryFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	dir := t.TempDir()
	dirs := []string{"."}
	for i := range 300 {
		d := filepath.Join(dirs[r.IntN(len(dirs))], fmt.Sprintf("%s-%d", []string{"a", "b b", "\u00fc", "x\ny", strings.Repeat("long", 40)}[r.IntN(5)], i))
		if len(d) > 2000 {
			continue
		}
		dirs = append(dirs, d)
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		for n := range r.IntN(6) {
			write(t, dir, map[string]string{filepath.Join(d, fmt.Sprintf("f\xff%d.yaml", n)): "x"})
		}
	}
	// One folder that needs several calls to be listed.
	for i := range 3000 {
		write(t, dir, map[string]string{fmt.Sprintf("wide/%060d", i): ""})
	}
	var want []assess.Entry
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			want = append(want, assess.Entry{Path: p})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want, func(a, b assess.Entry) int { return strings.Compare(a.Path, b.Path) })
	got, err := open(t, dir).Entries(context.Background())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d entries, %v, want %d", len(got), err, len(want))
	}
}

// TestAPathThatIsTooLongForTheKernel is read step by step.
func TestAPathThatIsTooLongForTheKernel(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	step := strings.Repeat("d", 250)
	for range 20 {
		if err := root.Mkdir(step, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := root.OpenRoot(step)
		if err := errors.Join(err, root.Close()); err != nil {
			t.Fatal(err)
		}
		root = next
	}
	f, err := root.Create("deep.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("deep")
	if err := errors.Join(err, f.Close(), root.Close()); err != nil {
		t.Fatal(err)
	}
	tree := open(t, dir)
	list, err := tree.Entries(context.Background())
	if err != nil || len(list) != 1 || list[0].Unreadable != "" {
		t.Fatalf("%v, %v", list, err)
	}
	if text, err := tree.ReadFile(list[0].Path); err != nil || string(text) != "deep" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAppendFile(t *testing.T) {
	dir := t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	write(t, dir, map[string]string{"a.yaml": "abc", "empty.yaml": "", "big.yaml": string(big), "d/x": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []*worktree.Tree{open(t, dir), worktree.Over(os.DirFS(dir), "x")} {
		buf := []byte("before:")
		for name, want := range map[string]string{"a.yaml": "abc", "empty.yaml": "", "big.yaml": string(big)} {
			got, err := tree.AppendFile(buf, name)
			if err != nil || string(got) != "before:"+want {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if got, err := tree.AppendFile(nil, name); err != nil || string(got) != want {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		for _, name := range []string{"none", "d", "../x", "a.yaml/x", ""} {
			if got, err := tree.AppendFile(buf, name); err == nil || string(got) != "before:" {
				t.Errorf("%q: %q, %v", name, got, err)
			}
		}
	}
	if got, err := open(t, dir).AppendFile(nil, "pipe"); err == nil {
		t.Errorf("a pipe was read: %q", got)
	}
}

// failingList is a folder that breaks off while it is listed.
type failingList struct{ fstest.MapFS }

// Open implements fs.FS.
func (f failingList) Open(name string) (fs.File, error) {
	if name == "broken" {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.EIO}
	}
	return f.MapFS.Open(name)
}

func TestAFolderThatBreaksOffIsAccountedFor(t *testing.T) {
	files := failingList{fstest.MapFS{"broken/a.yaml": {}, "b.yaml": {}}}
	got := entries(t, worktree.Over(files, "x"))
	if got["broken"].Unreadable == "" || got["b.yaml"].Unreadable != "" || len(got) != 2 {
		t.Errorf("%+v", got)
	}
}
