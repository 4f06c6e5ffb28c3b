package worktree_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/adapter/worktree"
)

// later is a time at which what was written now has settled.
func later() time.Time { return time.Now().Add(time.Hour) }

// stamping returns a tree on a file system whose stamps count.
func stamping(t *testing.T) (tree *worktree.Tree, dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, map[string]string{"a.yaml": "abc", "d/b.yaml": "abc"})
	tree = open(t, dir)
	if _, s, err := tree.ReadStamped(nil, "a.yaml", later()); err != nil {
		t.Fatal(err)
	} else if s == (worktree.Stamp{}) {
		t.Skip("the file system of temporary files does not vouch for stamps")
	}
	return tree, dir
}

func TestEveryChangeChangesTheStamp(t *testing.T) {
	tree, dir := stamping(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	past := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	seen := map[worktree.Stamp]string{}
	stamp := func(what string) {
		t.Helper()
		text, s, err := tree.ReadStamped([]byte("x"), "a.yaml", later())
		if err != nil || len(text) != 4 {
			t.Fatalf("%s: %q, %v", what, text, err)
		}
		if other, found := seen[s]; found || s == (worktree.Stamp{}) {
			t.Errorf("%s has the stamp of %s: %+v", what, other, s)
		}
		seen[s] = what
		list, stamps, err := tree.Stamped(context.Background())
		if err != nil || len(list) != len(stamps) || list[0].Path != "a.yaml" || stamps[0] != s {
			t.Errorf("%s: the walk says %+v, %v, want %+v", what, stamps, err, s)
		}
	}
	stamp("the first")
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"a write of the same bytes", func() error { return os.WriteFile(at("a.yaml"), []byte("abc"), 0o644) }},
		{"times set back", func() error { return os.Chtimes(at("a.yaml"), past, past) }},
		{"times set back once more", func() error { return os.Chtimes(at("a.yaml"), past, past) }},
		{"a write with times set back", func() error {
			return errors.Join(os.WriteFile(at("a.yaml"), []byte("abd"), 0o644), os.Chtimes(at("a.yaml"), past, past))
		}},
		{"another file under the name", func() error {
			return errors.Join(os.WriteFile(at("new"), []byte("abe"), 0o644), os.Chtimes(at("new"), past, past), os.Rename(at("new"), at("a.yaml")))
		}},
		{"two files swapped", func() error {
			return errors.Join(os.Rename(at("a.yaml"), at("t")), os.Rename(at("d/b.yaml"), at("a.yaml")), os.Rename(at("t"), at("d/b.yaml")))
		}},
		{"permissions", func() error { return os.Chmod(at("a.yaml"), 0o600) }},
		{"a write through a mapping", func() error {
			f, err := os.OpenFile(at("a.yaml"), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			m, err := unix.Mmap(int(f.Fd()), 0, 3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				return err
			}
			m[0] = 'z'
			return errors.Join(unix.Munmap(m), f.Close())
		}},
	} {
		// The kernel's clock must tick between two changes.
		tick(t, dir)
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		stamp(c.what)
	}
}

// tick waits until the kernel stamps files with another time.
func tick(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(filepath.Dir(dir), "tick")
	var first time.Time
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			t.Fatal(err)
		case first.IsZero():
			first = info.ModTime()
		case !info.ModTime().Equal(first):
			return
		case time.Now().After(deadline):
			t.Fatal("the clock of the file system stands still")
		}
	}
}

func TestAStampIsNotPromisedLightly(t *testing.T) {
	tree, dir := stamping(t)
	promised := func(name string, now time.Time) bool {
		t.Helper()
		text, s, err := tree.ReadStamped(nil, name, now)
		if err != nil || string(text) != "abc" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		return s != worktree.Stamp{}
	}
	if promised("a.yaml", time.Now()) {
		t.Error("the file was written just now")
	}
	if promised("a.yaml", time.Now().Add(-time.Hour)) {
		t.Error("the clock was set back")
	}
	f, err := os.OpenFile(filepath.Join(dir, "a.yaml"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if promised("a.yaml", later()) {
		t.Error("somebody has it open for writing")
	}
	m, err := unix.Mmap(int(f.Fd()), 0, 3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if promised("a.yaml", later()) {
		t.Error("somebody has it mapped")
	}
	if err := unix.Munmap(m); err != nil {
		t.Fatal(err)
	}
	if !promised("a.yaml", later()) || !promised("d/b.yaml", later()) {
		t.Error("nobody can write to it unstamped")
	}
	if err := errors.Join(os.Symlink("a.yaml", filepath.Join(dir, "l")), os.Symlink("d", filepath.Join(dir, "e"))); err != nil {
		t.Fatal(err)
	}
	if promised("l", later()) || promised("e/b.yaml", later()) {
		t.Error("a link may name another file tomorrow")
	}
	over := worktree.Over(os.DirFS(dir), "x")
	if text, s, err := over.ReadStamped(nil, "a.yaml", later()); err != nil || string(text) != "abc" || s != (worktree.Stamp{}) {
		t.Errorf("%q %+v %v", text, s, err)
	}
	if _, stamps, err := over.Stamped(context.Background()); err != nil || stamps[0] != (worktree.Stamp{}) {
		t.Errorf("%+v %v", stamps, err)
	}
	for _, name := range []string{"none", "d", "../x", ""} {
		if text, s, err := tree.ReadStamped([]byte("x"), name, later()); err == nil || string(text) != "x" || s != (worktree.Stamp{}) {
			t.Errorf("%q: %q %+v %v", name, text, s, err)
		}
	}
}

// TestAskingDisturbsNobody reads files over and over while others open them for
// writing, which asks the kernel to take back what it vouched.
func TestAskingDisturbsNobody(t *testing.T) {
	tree, dir := stamping(t)
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, _, err := tree.ReadStamped(nil, "a.yaml", later()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range 2000 {
				if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(fmt.Sprintf("%d %d", w, i)), 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if text, _, err := tree.ReadStamped(nil, "a.yaml", later()); err != nil || !strings.Contains(string(text), "1999") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestOnlyFilesAreStamped walks over everything else.
func TestOnlyFilesAreStamped(t *testing.T) {
	tree, dir := stamping(t)
	write(t, dir, map[string]string{".gitignore": "ignored\n", "ignored": "x"})
	if err := errors.Join(os.Symlink("a.yaml", filepath.Join(dir, "link")), unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	list, stamps, err := tree.Stamped(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := tree.Entries(context.Background())
	if err != nil || len(plain) != len(list) {
		t.Fatalf("%d entries, %v, want %d", len(plain), err, len(list))
	}
	for i, e := range list {
		if e != plain[i] || (stamps[i] != worktree.Stamp{}) != (e.Skip == "") {
			t.Errorf("%+v: %+v", e, stamps[i])
		}
	}
	one := open(t, filepath.Join(dir, "a.yaml"))
	if list, stamps, err := one.Stamped(context.Background()); err != nil || len(list) != 1 || stamps[0] != (worktree.Stamp{}) {
		t.Errorf("%v %v %v", list, stamps, err)
	}
	if _, _, err := open(t, dir).Stamped(cancelled()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
