package gitmirror_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/fault"
)

// noise is text that no compression makes smaller.
func noise(n int, seed uint64) string {
	b := make([]byte, n)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 56)
	}
	return string(b)
}

// mirrorDir is the only mirror in a cache.
func mirrorDir(t testing.TB, cache string) string {
	t.Helper()
	heads, err := filepath.Glob(filepath.Join(cache, "*", "HEAD"))
	if err != nil || len(heads) != 1 {
		t.Fatalf("%v, %v", heads, err)
	}
	return filepath.Dir(heads[0])
}

func size(t testing.TB, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, err := d.Info()
			n += info.Size()
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPartial(t *testing.T) {
	o := newOrigin(t)
	o.git("config", "uploadpack.allowFilter", "true")
	files := map[string]string{"apps/a/k.yaml": "a", "apps/b/k.yaml": "b", "base/x.yaml": "x", "base/y.yaml": "y", "assets/huge.bin": noise(1<<20, 1)}
	if err := errors.Join(os.MkdirAll(filepath.Join(o.dir, "apps/a"), 0o755), os.Symlink("../../base", filepath.Join(o.dir, "apps/a/link"))); err != nil {
		t.Fatal(err)
	}
	first := o.commit(files)
	s := serve(t, o)
	cache := t.TempDir()
	m, repo := open(t, cache, gitmirror.Options{AllowHTTP: true}), gitmirror.Repo{URL: s.url()}
	tree, err := m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: first}, "apps/a", "apps/gone")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.count(); n != 2 {
		t.Errorf("%d exchanges for a commit and its files", n)
	}
	if n := size(t, mirrorDir(t, cache)); n > 1<<18 {
		t.Errorf("the mirror has %d bytes", n)
	}
	holds(t, tree, "apps/a/k.yaml", "a")
	if n := s.count(); n != 0 {
		t.Errorf("%d exchanges to read what was fetched", n)
	}
	// What lies beside what is read comes with it.
	holds(t, tree, "apps/a/link/x.yaml", "x")
	holds(t, tree, "base/y.yaml", "y")
	if n := s.count(); n != 1 {
		t.Errorf("%d exchanges for one folder more", n)
	}
	if _, err := fs.Stat(tree, "assets/huge.bin"); err != nil {
		t.Error(err)
	}
	s.count()
	// The next commit costs what changed.
	second := o.commit(map[string]string{"apps/a/k.yaml": "a2"})
	if tree, err = m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: second}, "apps"); err != nil {
		t.Fatal(err)
	}
	holds(t, tree, "apps/a/k.yaml", "a2")
	holds(t, tree, "apps/b/k.yaml", "b")
	if n := s.count(); n != 2 {
		t.Errorf("%d exchanges for the second commit", n)
	}
	// And all of it, when all is asked for.
	third := o.commit(map[string]string{"apps/a/k.yaml": "a3"})
	if tree, err = m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: third}); err != nil {
		t.Fatal(err)
	}
	s.count()
	for name, want := range files {
		if name == "apps/a/k.yaml" {
			want = "a3"
		}
		holds(t, tree, name, want)
	}
	if n := s.count(); n != 0 {
		t.Errorf("%d exchanges to read what was fetched", n)
	}
	// A file that is missing and cannot be fetched is not absent.
	fourth := o.commit(map[string]string{"new/z.yaml": "z"})
	if tree, err = m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: fourth}, "apps"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := tree.ReadFile("new/z.yaml"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	} else {
		kind(t, err, fault.Unavailable)
	}
}

func TestIncremental(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"big.bin": noise(2<<20, 2), "a": "a"})
	s, cache := serve(t, o), t.TempDir()
	m, repo := open(t, cache, gitmirror.Options{AllowHTTP: true}), gitmirror.Repo{URL: s.url()}
	get(t, m, repo, gitmirror.Ref{})
	before := size(t, mirrorDir(t, cache))
	o.commit(map[string]string{"a": "b"})
	tree := get(t, m, repo, gitmirror.Ref{})
	holds(t, tree, "a", "b")
	if grown := size(t, mirrorDir(t, cache)) - before; grown > 1<<16 {
		t.Errorf("a small commit brought %d bytes", grown)
	}
}

func TestKeep(t *testing.T) {
	o := newOrigin(t)
	old := o.commit(map[string]string{"a": "old"})
	o.git("tag", "-am", "x", "v1")
	s, cache := serve(t, o), t.TempDir()
	now := time.Now()
	opts := gitmirror.Options{AllowHTTP: true, Now: func() time.Time { return now }}
	m, err := gitmirror.Open(cache, opts)
	if err != nil {
		t.Fatal(err)
	}
	repo := gitmirror.Repo{URL: s.url()}
	c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Tag: "v1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	kind(t, m.Keep(t.Context(), gitmirror.Repo{URL: s.url(), Auth: gitmirror.Auth{Bearer: "x"}}, "app", c), fault.Denied)
	kind(t, m.Keep(t.Context(), repo, "app", c), fault.NotFound)
	if _, err := m.Fetch(t.Context(), repo, c); err != nil {
		t.Fatal(err)
	}
	kind(t, m.Keep(t.Context(), repo, "", c), fault.Invalid)
	if err := m.Keep(t.Context(), repo, "app", c); err != nil {
		t.Fatal(err)
	}
	o.commit(map[string]string{"a": "new"})
	get(t, m, repo, gitmirror.Ref{})
	s.Close()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = m.Kept(t.Context(), s.url(), "app", old)
	kind(t, err, fault.Unavailable) // closed

	now = now.Add(48 * time.Hour)
	m = open(t, cache, opts)
	got, err := m.Collect(t.Context(), 24*time.Hour, 0)
	if err != nil || got.Commits != 2 || got.Removed != 0 || got.Mirrors != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	tree, err := m.Kept(t.Context(), s.url(), "app", old)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, tree, "a", "old")
	if tree.Info().Tag == nil {
		t.Error("the tag is lost")
	}
	_, err = m.Kept(t.Context(), s.url(), "another", old)
	kind(t, err, fault.NotFound)
	_, err = m.Fetch(t.Context(), repo, c)
	kind(t, err, fault.Unavailable)
	if out, err := exec.Command("git", "-C", mirrorDir(t, cache), "fsck", "--full").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if err := m.Release(t.Context(), s.url(), "app", old, old); err != nil {
		t.Error(err)
	}
	_, err = m.Kept(t.Context(), s.url(), "app", old)
	kind(t, err, fault.NotFound)
	if got, err = m.Collect(t.Context(), 24*time.Hour, 0); err != nil || got.Removed != 1 || got.After != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := m.Release(t.Context(), s.url(), "nobody"); err != nil {
		t.Error(err)
	}
}

// TestManyFoldersOfACommit has many read a folder each: the files that a commit
// changed come in one exchange, not in one for each of them.
func TestManyFoldersOfACommit(t *testing.T) {
	o := newOrigin(t)
	o.git("config", "uploadpack.allowFilter", "true")
	files := map[string]string{"assets/huge.bin": noise(1<<20, 1)}
	const n = 20
	for i := range n {
		files[fmt.Sprintf("apps/%d/k.yaml", i)] = fmt.Sprint("one ", i)
	}
	s := serve(t, o)
	cache := t.TempDir()
	m, repo := open(t, cache, gitmirror.Options{AllowHTTP: true}), gitmirror.Repo{URL: s.url()}
	read := func(sha, want string) int {
		s.count()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				dir := fmt.Sprintf("apps/%d", i)
				tree, err := m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: sha}, dir)
				if err != nil {
					t.Error(err)
					return
				}
				holds(t, tree, dir+"/k.yaml", fmt.Sprint(want, " ", i))
			})
		}
		wg.Wait()
		return s.count()
	}
	if got := read(o.commit(files), "one"); got > n {
		t.Errorf("%d exchanges for the first commit", got)
	}
	for i := range n {
		files[fmt.Sprintf("apps/%d/k.yaml", i)] = fmt.Sprint("two ", i)
	}
	if got := read(o.commit(files), "two"); got != 2 {
		t.Errorf("%d exchanges for a commit and its files", got)
	}
	if got := size(t, mirrorDir(t, cache)); got > 1<<19 {
		t.Errorf("the mirror has %d bytes: what nobody reads is here too", got)
	}
}

func TestCollectPartialAndFetchAgain(t *testing.T) {
	o := newOrigin(t)
	o.git("config", "uploadpack.allowFilter", "true")
	now := time.Now()
	cache := t.TempDir()
	m, repo := open(t, cache, gitmirror.Options{AllowFile: true, Now: func() time.Time { return now }}), gitmirror.Repo{URL: o.url()}
	commits := []string{}
	for i := range 5 {
		commits = append(commits, o.commit(map[string]string{"app/a": fmt.Sprint(i), "app/noise": noise(200<<10, uint64(i)), "other/b": fmt.Sprint("other", i)}))
		tree, err := m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: commits[i]}, "app")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Keep(t.Context(), repo, fmt.Sprint("app", i%2), gitmirror.Commit{SHA: commits[i]}); err != nil {
			t.Fatal(err)
		}
		holds(t, tree, "app/a", fmt.Sprint(i))
		now = now.Add(2 * time.Hour)
	}
	if err := m.Release(t.Context(), repo.URL, "app0"); err != nil {
		t.Fatal(err)
	}
	got, err := m.Collect(t.Context(), 3*time.Hour, 0)
	if err != nil || got.Commits != 4 || got.After > got.Before-300<<10 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, sha := range commits {
		tree, err := m.Kept(t.Context(), repo.URL, "app1", sha)
		if i%2 == 0 {
			kind(t, err, fault.NotFound)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		holds(t, tree, "app/a", fmt.Sprint(i))
		if _, err := tree.ReadFile("other/b"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what was not kept: %v", err)
		}
	}
	for i, sha := range commits {
		tree, err := m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: sha})
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		holds(t, tree, "app/a", fmt.Sprint(i))
		holds(t, tree, "other/b", fmt.Sprint("other", i))
	}
	// The largest go first when the size is bounded.
	now = now.Add(2 * time.Hour)
	if got, err = m.Collect(t.Context(), 1000*time.Hour, 1<<19); err != nil || got.Commits == 0 || got.After >= got.Before {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTrimAndForget(t *testing.T) {
	o := newOrigin(t)
	now := time.Now()
	m, repo := open(t, t.TempDir(), gitmirror.Options{AllowFile: true, Now: func() time.Time { return now }}), gitmirror.Repo{URL: o.url()}
	var commits []gitmirror.Commit
	for i := range 5 {
		c := gitmirror.Commit{SHA: o.commit(map[string]string{"a": fmt.Sprint(i)})}
		commits = append(commits, c)
		if _, err := m.Fetch(t.Context(), repo, c); err != nil {
			t.Fatal(err)
		}
		for _, holder := range []string{"app", "other"} {
			if err := m.Keep(t.Context(), repo, holder, c); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Minute)
	}
	if err := m.Keep(t.Context(), repo, "app", commits[0]); err != nil { // again
		t.Fatal(err)
	}
	kept := func(holder string) (is string) {
		for i, c := range commits {
			if _, err := m.Kept(t.Context(), repo.URL, holder, c.SHA); err == nil {
				is += fmt.Sprint(i)
			}
		}
		return is
	}
	for n, want := range map[int]string{9: "01234"} {
		if err := m.Trim(t.Context(), repo.URL, "app", n); err != nil || kept("app") != want {
			t.Errorf("%d: %s, %v", n, kept("app"), err)
		}
	}
	if err := m.Trim(t.Context(), repo.URL, "app", 2); err != nil || kept("app") != "04" || kept("other") != "01234" {
		t.Errorf("%s, %s, %v", kept("app"), kept("other"), err)
	}
	if err := m.Forget(t.Context(), "other"); err != nil || kept("app") != "04" || kept("other") != "" {
		t.Errorf("%s, %s, %v", kept("app"), kept("other"), err)
	}
	if err := m.Trim(t.Context(), repo.URL, "nobody", 1); err != nil {
		t.Error(err)
	}
}

func TestWhatAKilledGitLeaves(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	cache := t.TempDir()
	m, repo := open(t, cache, gitmirror.Options{AllowFile: true}), gitmirror.Repo{URL: o.url()}
	get(t, m, repo, gitmirror.Ref{})
	dir := mirrorDir(t, cache)
	next := o.commit(map[string]string{"a": "b"})
	for _, name := range []string{"shallow.lock", "packed-refs.lock", "config.lock", "HEAD.lock", "refs/aeo/seen/" + next + ".lock", "objects/pack/tmp_pack_x", "objects/pack/tmp_idx_x", "objects/tmp_objdir-x/y"} {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	// A crash of the machine can leave a reference empty.
	if err := os.WriteFile(filepath.Join(dir, "refs/aeo/seen", next), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, get(t, m, repo, gitmirror.Ref{}), "a", "b")
	if left, _ := filepath.Glob(filepath.Join(dir, "objects/pack/tmp_*")); len(left) > 0 {
		t.Error(left)
	}
	// A mirror that was only half made is made again.
	if err := os.Remove(filepath.Join(dir, "HEAD")); err != nil {
		t.Fatal(err)
	}
	o.commit(map[string]string{"a": "c"})
	holds(t, get(t, m, repo, gitmirror.Ref{}), "a", "c")
}

// TestTwoProcesses lets two caches work on one folder.
func TestTwoProcesses(t *testing.T) {
	o := newOrigin(t)
	var commits []string
	for i := range 6 {
		commits = append(commits, o.commit(map[string]string{"a": fmt.Sprint(i)}))
	}
	cache := t.TempDir()
	var wg sync.WaitGroup
	for range 2 {
		m := open(t, cache, gitmirror.Options{AllowFile: true})
		for i, sha := range commits {
			wg.Go(func() {
				tree, err := m.Fetch(t.Context(), gitmirror.Repo{URL: o.url()}, gitmirror.Commit{SHA: sha})
				if err != nil {
					t.Error(err)
					return
				}
				holds(t, tree, "a", fmt.Sprint(i))
			})
		}
		wg.Go(func() {
			if _, err := m.Collect(t.Context(), time.Hour, 1); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if out, err := exec.Command("git", "-C", mirrorDir(t, cache), "fsck", "--full").CombinedOutput(); err != nil || strings.Contains(string(out), "missing") {
		t.Errorf("%v\n%s", err, out)
	}
}
