package worktree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func entries(t *testing.T, tree *worktree.Tree) map[string]assess.Entry {
	t.Helper()
	list, err := tree.Entries(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]assess.Entry{}
	for i, e := range list {
		if i > 0 && list[i-1].Path >= e.Path {
			t.Errorf("%s and %s are not in order", list[i-1].Path, e.Path)
		}
		all[e.Path] = e
	}
	return all
}

func open(t *testing.T, name string) *worktree.Tree {
	t.Helper()
	tree, err := worktree.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

func TestEntriesOfAFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"b.yaml": "12345", "a/c.yaml": "", "a/d/e.txt": "x", ".git/config": "secret", "a/.git": "gitdir: x", "a.yaml": "1"})
	tree := open(t, dir)
	got := entries(t, tree)
	want := map[string]int{"b.yaml": 5, "a/c.yaml": 0, "a/d/e.txt": 1, "a.yaml": 1}
	for p, size := range want {
		if e, ok := got[p]; !ok || e.Skip != "" || e.Unreadable != "" {
			t.Errorf("%s: %+v", p, e)
		}
		if text, err := fs.ReadFile(tree, p); err != nil || len(text) != size {
			t.Errorf("%s: %q, %v", p, text, err)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

func TestOneFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yaml": "abc", "b.yaml": "x", ".gitignore": "a.yaml"})
	got := entries(t, open(t, filepath.Join(dir, "a.yaml")))
	if len(got) != 1 || got["a.yaml"].Skip != "" {
		t.Errorf("a file that was asked for by name is read: %+v", got)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := worktree.Open(filepath.Join(t.TempDir(), "none")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a missing path: %v", err)
	}
	files := fstest.MapFS{".": {Mode: fs.ModeDir}}
	if _, err := worktree.Over(failing{files, ".", fs.ErrPermission}, "x").Entries(context.Background()); fault.KindOf(err) != fault.Denied {
		t.Errorf("a folder that may not be read: %v", err)
	}
	if _, err := worktree.Over(failing{files, ".", syscall.EIO}, "x").Entries(context.Background()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a folder that cannot be read: %v", err)
	}
	if worktree.Over(files, "x").Close() != nil {
		t.Error("closing what is not open fails")
	}
}

func TestLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, map[string]string{"secret.yaml": "outside", "sub/x.yaml": "outside"})
	write(t, dir, map[string]string{"real/a.yaml": "a"})
	for link, to := range map[string]string{
		"in.yaml": "real/a.yaml", "dir": "real", "out.yaml": filepath.Join(outside, "secret.yaml"), "outdir": outside,
		"up.yaml": "../" + filepath.Base(outside) + "/secret.yaml", "loop": "loop", "one": "two", "two": "one",
		"self": ".", "real/parent": "..", "dangling": "nothing",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := open(t, dir)
	got := entries(t, tree)
	for p, why := range map[string]string{
		"in.yaml": "read where it lies", "dir": "to a folder", "out.yaml": "leaves the tree", "outdir": "leaves the tree", "up.yaml": "leaves the tree",
		"loop": "loops", "one": "loops", "two": "loops", "self": "to a folder", "real/parent": "to a folder", "dangling": "to nothing", "pipe.yaml": "not a regular file",
	} {
		if e := got[p]; !strings.Contains(e.Skip, why) {
			t.Errorf("%s: %+v, want %q", p, e, why)
		}
	}
	if len(got) != 13 || got["real/a.yaml"].Skip != "" {
		t.Errorf("%d entries: %v", len(got), got)
	}
	for _, p := range []string{"out.yaml", "outdir/secret.yaml", "outdir/sub/x.yaml", "up.yaml", "real/parent/../../x", "loop"} {
		if text, err := fs.ReadFile(tree, p); err == nil {
			t.Errorf("%s can be read: %q", p, text)
		}
	}
	if text, err := fs.ReadFile(tree, "in.yaml"); err != nil || string(text) != "a" {
		t.Errorf("a link inside of the tree: %q, %v", text, err)
	}
}

func TestAFileThatLeadsOutIsRefusedByName(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, map[string]string{"secret.yaml": "outside"})
	if err := os.Symlink(filepath.Join(outside, "secret.yaml"), filepath.Join(dir, "l.yaml")); err != nil {
		t.Fatal(err)
	}
	tree, err := worktree.Open(filepath.Join(dir, "l.yaml"))
	if err == nil {
		defer tree.Close()
		_, err = tree.Entries(context.Background())
	}
	if err == nil {
		t.Error("the link was followed")
	}
}

// failing is a file system in which one path cannot be opened.
type failing struct {
	fs.FS
	path string
	err  error
}

func (f failing) Open(name string) (fs.File, error) {
	if name == f.path {
		return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
	}
	return f.FS.Open(name)
}

func TestUnreadableFolder(t *testing.T) {
	files := fstest.MapFS{"a.yaml": {Data: []byte("1")}, "no/b.yaml": {Data: []byte("2")}, "yes/c.yaml": {Data: []byte("3")}}
	for err, why := range map[error]string{fs.ErrPermission: "you may not read it", syscall.EIO: "input/output error", errors.New("odd"): "odd"} {
		got := entries(t, worktree.Over(failing{files, "no", err}, "x"))
		if len(got) != 3 || !strings.Contains(got["no"].Unreadable, why) || got["yes/c.yaml"].Unreadable != "" {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

type dirFile struct {
	fs.File
	list []fs.DirEntry
}

func (d *dirFile) ReadDir(int) ([]fs.DirEntry, error) { return d.list, nil }

// endless is a folder of more files than may be looked at.
type endless struct{}

func (endless) Open(name string) (fs.File, error) {
	if name != "." {
		return nil, fs.ErrNotExist
	}
	list := make([]fs.DirEntry, worktree.MaxFiles+2)
	for i := range list {
		list[i] = numbered(fmt.Sprintf("f%07d.yaml", i))
	}
	return &dirFile{nil, list}, nil
}

type numbered string

func (n numbered) Name() string               { return string(n) }
func (numbered) IsDir() bool                  { return false }
func (numbered) Type() fs.FileMode            { return 0 }
func (n numbered) Info() (fs.FileInfo, error) { return n, nil }
func (numbered) Size() int64                  { return 1 }
func (numbered) Mode() fs.FileMode            { return 0o644 }
func (numbered) ModTime() time.Time           { return time.Time{} }
func (numbered) Sys() any                     { return nil }

func (d *dirFile) Close() error { return nil }

func TestAHugeFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"huge.yaml": ""})
	if err := os.Truncate(filepath.Join(dir, "huge.yaml"), assess.MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(open(t, dir), "huge.yaml"); !errors.Is(err, assess.ErrTooLarge) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

func TestTooManyFiles(t *testing.T) {
	if _, err := worktree.Over(endless{}, "x").Entries(context.Background()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

func TestCancelledWalk(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := worktree.Over(fstest.MapFS{"a": {}}, "x").Entries(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestIgnoreFilesSayWho(t *testing.T) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		".gitignore": "*.log\nbuild/\n", ".aeoignore": "!keep.log\nsecret.yaml\n", "a.log": "", "keep.log": "", "build/x.yaml": "", "secret.yaml": "",
		"sub/.aeoignore": "/only.yaml\n", "sub/only.yaml": "", "sub/deep/only.yaml": "",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	got := entries(t, worktree.Over(files, "x"))
	for p, want := range map[string]string{
		"a.log": "ignored by .gitignore", "keep.log": "", "build": "ignored by .gitignore", "secret.yaml": "ignored by .aeoignore",
		"sub/only.yaml": "ignored by sub/.aeoignore", "sub/deep/only.yaml": "",
	} {
		if e, ok := got[p]; !ok || e.Skip != want {
			t.Errorf("%s: %+v, want %q", p, e, want)
		}
	}
	if _, ok := got["build/x.yaml"]; ok {
		t.Error("an ignored folder is entered")
	}
}

var ignorePatterns = []string{
	"*.yaml", "a", "/a", "a/", "b/*", "**/c", "a/**", "a/**/c.yaml", "!c.yaml", "!a/", "?.yaml", "[ab].yaml", "[!a].yaml", "[^a].yaml", "[a-b]*",
	"a/b", "/b/c", "*.log", "!*.log", "#c", `\#c.yaml`, `\!x`, "c.yaml ", `sp\ `, "*", "!*/", "/*", "!/b", "b*/", "a/*/c.yaml", "**", "**/", "", "x.yaml\r",
	"a//b", "./a", "**/b/**", "*c*", "b/c/", "C.YAML", `a\b`, "b/**/", "a**", "/**/c.yaml",
	"**/b/*", "a/**/b", "**b", "b**/c.yaml", "[[:alpha:]].yaml", "[]a].yaml", "[a", `[\]a].yaml`, "[a-", "a[/]b", "***/c.yaml", "*/**/", "a/b/**/*.yaml", "/", "!", `c\`,
}

// TestAPatternTakesNoExponentialTime would not end if each star tried all places
// anew: there are more ways than atoms.
func TestAPatternTakesNoExponentialTime(t *testing.T) {
	name := strings.Repeat("a", 200)
	files := fstest.MapFS{
		".gitignore": {Data: []byte(strings.Repeat("*a", 60) + "b\n" + strings.Repeat("**/", 60) + "b\n" + strings.Repeat("a*", 60) + "\n")},
		name:         {}, strings.Repeat("a/", 100) + "c": {},
	}
	got := entries(t, worktree.Over(files, "x"))
	if got[name].Skip == "" {
		t.Error("the last pattern ignores the file")
	}
}

func TestBOMInAnIgnoreFile(t *testing.T) {
	files := fstest.MapFS{".gitignore": {Data: []byte("\ufeffa.yaml\n")}, "a.yaml": {}}
	if got := entries(t, worktree.Over(files, "x")); got["a.yaml"].Skip == "" {
		t.Error("the first line is not read")
	}
}

func TestIgnoreRulesAreGits(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		files := map[string]string{}
		dirs := []string{""}
		for range 12 {
			d := dirs[r.IntN(len(dirs))] + []string{"a/", "b/", "c/"}[r.IntN(3)]
			if strings.Count(d, "/") < 4 {
				dirs = append(dirs, d)
			}
			files[dirs[r.IntN(len(dirs))]+[]string{"a.yaml", "b.yaml", "c.yaml", "x.log", "#c.yaml", "!x", "sp "}[r.IntN(7)]] = ""
		}
		for _, d := range dirs {
			if r.IntN(3) == 0 || d == "" {
				var lines []string
				for range 1 + r.IntN(4) {
					lines = append(lines, ignorePatterns[r.IntN(len(ignorePatterns))])
				}
				files[d+".gitignore"] = strings.Join(lines, "\n") + "\n"
			}
		}
		compareIgnored(t, seed, files)
	}
}

// compareIgnored compares which files are read with git check-ignore.
func compareIgnored(t *testing.T, seed int, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, files)
	run := func(stdin string, args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		if ee, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || ee.ExitCode() != 1) {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	run("", "init", "-q", ".")
	var all []string
	for p := range files {
		all = append(all, p)
	}
	slices.Sort(all)
	ignored := map[string]bool{}
	for p := range strings.SplitSeq(run(strings.Join(all, "\x00")+"\x00", "check-ignore", "--stdin", "-z", "--no-index"), "\x00") {
		ignored[p] = true
	}
	got := entries(t, open(t, dir))
	for _, p := range all {
		e, listed := got[p]
		if read := listed && e.Skip == ""; read == ignored[p] {
			var rules bytes.Buffer
			for _, g := range all {
				if strings.HasSuffix(g, ".gitignore") {
					fmt.Fprintf(&rules, "%s: %q\n", g, files[g])
				}
			}
			t.Errorf("seed %d: %q is read: %v, Git ignores it: %v\n%s", seed, p, read, ignored[p], rules.String())
		}
	}
}
