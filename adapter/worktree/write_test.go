package worktree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/fault"
)

func TestWrite(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "out.yaml")
	put := func(name string, mode os.FileMode) {
		if err := os.WriteFile(name, []byte("old"), mode); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(dir, "a.yaml"), 0o640)
	put(outside, 0o600)
	for link, to := range map[string]string{"link.yaml": "a.yaml", "out.yaml": outside, "dir": filepath.Dir(outside)} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := worktree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for name, want := range map[string]fault.Kind{
		"link.yaml": fault.Denied, "out.yaml": fault.Denied, "dir/out.yaml": fault.Denied, "../x": fault.Denied, "none.yaml": fault.Unavailable,
	} {
		if err := tree.Write(name, []byte("old"), []byte("new")); err == nil || fault.KindOf(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if err := tree.Write("a.yaml", []byte("other"), []byte("new")); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a changed file: %v", err)
	}
	if err := tree.Write("a.yaml", []byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "a.yaml"))
	info, _ := os.Stat(filepath.Join(dir, "a.yaml"))
	if err != nil || string(text) != "new" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q %v %v", text, info.Mode(), err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 4 {
		t.Errorf("files are left: %v", left)
	}
}
