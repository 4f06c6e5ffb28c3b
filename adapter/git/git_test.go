package git_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/autoecoops/autoecoops/adapter/git"
	"github.com/autoecoops/autoecoops/fault"
)

// repository makes a repository with two commits on main, a branch and a tag.
func repository(t *testing.T) (dir string, run func(args ...string) string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir = t.TempDir()
	run = func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "-b", "main", ".")
	put(t, dir, "a.yaml", "one")
	put(t, dir, "sub/b.yaml", "b")
	put(t, dir, "sub/deep/c.yaml", "c")
	run("add", ".")
	run("commit", "-qm", "one")
	run("tag", "v1")
	run("checkout", "-qb", "side/x")
	put(t, dir, "a.yaml", "side")
	run("commit", "-qam", "side")
	run("checkout", "-q", "main")
	put(t, dir, "a.yaml", "two")
	run("commit", "-qam", "two")
	run("tag", "-a", "-m", "x", "v2")
	return dir, run
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// holds checks a file of a tree.
func holds(t *testing.T, files fs.FS, name, want string) {
	t.Helper()
	if got, err := fs.ReadFile(files, name); err != nil || string(got) != want {
		t.Errorf("%s: %q, %v, want %q", name, got, err, want)
	}
}

func TestRevision(t *testing.T) {
	dir, run := repository(t)
	put(t, dir, "a.yaml", "not committed")
	for rev, want := range map[string]string{
		"HEAD": "two", "main": "two", "HEAD~1": "one", "HEAD^": "one", "v1": "one", "v2": "two", "side/x": "side",
		run("rev-parse", "v1"): "one", run("rev-parse", "side/x")[:10]: "side",
	} {
		files, commit, err := git.Revision(dir, rev)
		if err != nil {
			t.Errorf("%s: %v", rev, err)
			continue
		}
		holds(t, files, "a.yaml", want)
		holds(t, files, "sub/deep/c.yaml", "c")
		if real := run("rev-parse", rev+"^{commit}"); commit != real {
			t.Errorf("%s is %s, want %s", rev, commit, real)
		}
	}
	files, _, err := git.Revision(filepath.Join(dir, "sub"), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	holds(t, files, "b.yaml", "b")
	if _, err := fs.Stat(files, "a.yaml"); err == nil {
		t.Error("a folder's revision holds what lies above it")
	}
	if err := fstest.TestFS(files, "b.yaml", "deep/c.yaml"); err != nil {
		t.Error(err)
	}
	if head := git.Head(filepath.Join(dir, "sub")); head != run("rev-parse", "HEAD") {
		t.Errorf("the head is %q", head)
	}
}

// TestATreeIsKnownByItsHash asks for the id of what a revision's folder holds.
func TestATreeIsKnownByItsHash(t *testing.T) {
	dir, run := repository(t)
	for _, rev := range []string{"v1", "v2", "side/x"} {
		for folder, tree := range map[string]string{".": rev + "^{tree}", "sub": rev + ":sub"} {
			files, _, err := git.Revision(filepath.Join(dir, folder), rev)
			if err != nil {
				t.Fatal(err)
			}
			info, err := fs.Stat(files, ".")
			if err != nil || info.Sys() != run("rev-parse", tree) {
				t.Errorf("%s of %s: %v, %v", folder, rev, info.Sys(), err)
			}
		}
	}
}

func TestRevisionOfAWorktree(t *testing.T) {
	dir, run := repository(t)
	other := filepath.Join(t.TempDir(), "wt")
	run("worktree", "add", "-q", other, "side/x")
	files, _, err := git.Revision(other, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	holds(t, files, "a.yaml", "side")
	if git.Head(other) == git.Head(dir) {
		t.Error("the worktree has a head of its own")
	}
}

func TestRevisionThatIsNotThere(t *testing.T) {
	dir, _ := repository(t)
	for _, rev := range []string{"nowhere", "", "HEAD~99", "--upload-pack=x", "../..", strings.Repeat("0", 40)} {
		if _, _, err := git.Revision(dir, rev); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q: %v", rev, err)
		}
	}
	if _, _, err := git.Revision(t.TempDir(), "HEAD"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("outside of a repository: %v", err)
	}
	if head := git.Head(t.TempDir()); head != "" {
		t.Errorf("a head of nothing: %q", head)
	}
	put(t, dir, "new/x.yaml", "x")
	if _, _, err := git.Revision(filepath.Join(dir, "new"), "HEAD"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a folder that is new: %v", err)
	}
}

func TestLinksAndSubmodulesAreNotFollowed(t *testing.T) {
	dir, run := repository(t)
	for link, to := range map[string]string{"in": "a.yaml", "out": "/etc/passwd", "dir": "sub", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	run("add", ".")
	run("update-index", "--add", "--cacheinfo", "160000,"+run("rev-parse", "HEAD")+",module")
	run("commit", "-qm", "links")
	files, _, err := git.Revision(dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"in", "out", "dir", "loop", "dir/b.yaml", "module", "module/x", "../a.yaml", "/a.yaml", "", "sub/", "none"} {
		if text, err := fs.ReadFile(files, name); err == nil {
			t.Errorf("%q can be read: %q", name, text)
		}
	}
	list, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]fs.FileMode{}
	for _, d := range list {
		types[d.Name()] = d.Type()
	}
	for name, want := range map[string]fs.FileMode{"in": fs.ModeSymlink, "out": fs.ModeSymlink, "module": fs.ModeIrregular, "sub": fs.ModeDir, "a.yaml": 0} {
		if got, ok := types[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestFetch(t *testing.T) {
	dir, run := repository(t)
	fetch := func(query string) (fs.FS, string, error) {
		a, ok := git.ParseAddress("file://" + dir + query)
		if !ok {
			t.Fatalf("%s is no address", query)
		}
		return git.Fetch(context.Background(), a)
	}
	for query, want := range map[string]struct{ file, text, rev string }{
		"":                                   {"a.yaml", "two", "main"},
		"?ref=main":                          {"a.yaml", "two", "main"},
		"?ref=side/x":                        {"a.yaml", "side", "side/x"},
		"?ref=v1":                            {"a.yaml", "one", "v1"},
		"?ref=v2":                            {"a.yaml", "two", "v2"},
		"//sub":                              {"b.yaml", "b", "main"},
		"//sub/deep/?ref=v1":                 {"c.yaml", "c", "v1"},
		"?ref=" + run("rev-parse", "v1"):     {"a.yaml", "one", "v1"},
		"?ref=" + run("rev-parse", "side/x"): {"a.yaml", "side", "side/x"},
	} {
		files, commit, err := fetch(query)
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		holds(t, files, want.file, want.text)
		if real := run("rev-parse", want.rev+"^{commit}"); commit != real {
			t.Errorf("%q is commit %s, want %s", query, commit, real)
		}
	}
	for query, kind := range map[string]fault.Kind{
		"?ref=nowhere": fault.NotFound, "?ref=" + strings.Repeat("1", 40): fault.NotFound, "//none": fault.NotFound, "//a.yaml": fault.NotFound,
		"//../..": fault.Invalid, "-gone": fault.NotFound,
	} {
		if files, commit, err := fetch(query); err == nil || fault.KindOf(err) != kind {
			t.Errorf("%q: %v %s %v, want %s", query, files, commit, err, kind)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := git.Fetch(ctx, git.Address{URL: "file://" + dir, Dir: "."}); err == nil {
		t.Error("a cancelled fetch succeeds")
	}
}

func TestFetchOfAnEmptyRepository(t *testing.T) {
	_, run := repository(t)
	empty := t.TempDir()
	run("init", "-q", "--bare", empty)
	if _, _, err := git.Fetch(context.Background(), git.Address{URL: "file://" + empty, Dir: "."}); err == nil {
		t.Error("an empty repository has files")
	}
}

func TestParseAddress(t *testing.T) {
	for s, want := range map[string]git.Address{
		"https://example.com/a.git":               {URL: "https://example.com/a.git", Dir: "."},
		"https://example.com/a.git//deploy/x":     {URL: "https://example.com/a.git", Dir: "deploy/x"},
		"https://example.com/a//deploy?ref=v1.2":  {URL: "https://example.com/a", Dir: "deploy", Ref: "v1.2"},
		"ssh://git@example.com:22/a?ref=feat%2Fx": {URL: "ssh://git@example.com:22/a", Dir: ".", Ref: "feat/x"},
		"git@example.com:org/a.git":               {URL: "git@example.com:org/a.git", Dir: "."},
		"git@example.com:org/a.git//d?ref=x":      {URL: "git@example.com:org/a.git", Dir: "d", Ref: "x"},
		"file:///srv/a//.":                        {URL: "file:///srv/a", Dir: "."},
		"https://example.com/a//../../etc":        {URL: "https://example.com/a", Dir: "../../etc"},
		"https://example.com/a//b/../..//c":       {URL: "https://example.com/a", Dir: "../c"},
	} {
		if got, ok := git.ParseAddress(s); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", ".", "deploy", "/srv/a", "C:\\a", "a@b", "ftp://x/y", "ext::sh -c x", "javascript://x", "git@nothing", "-oProxyCommand=x", "https:/x"} {
		if a, ok := git.ParseAddress(s); ok {
			t.Errorf("%q is no address: %+v", s, a)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"https://a/b//c?ref=d", "git@a:b//c", "file:///x", "://", "git@:", "ssh://?ref=%zz", "https://a//../.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := git.ParseAddress(s)
		if !ok {
			if a != (git.Address{}) {
				t.Errorf("%q is no address but says %+v", s, a)
			}
			return
		}
		if a.URL == "" || a.Dir == "" || strings.HasPrefix(a.Dir, "/") || strings.HasPrefix(a.URL, "-") {
			t.Errorf("%q: %+v", s, a)
		}
	})
}

func TestCredentialsAreNeverShown(t *testing.T) {
	answer := http.StatusUnauthorized
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	closed := httptest.NewServer(http.NotFoundHandler())
	down := strings.TrimPrefix(closed.URL, "http://")
	closed.Close()
	for code, kind := range map[int]fault.Kind{401: fault.Denied, 403: fault.Denied, 404: fault.NotFound, 500: fault.Unavailable} {
		answer = code
		for _, address := range []string{
			"http://user:hunter2@" + host + "/a", "http://hunter2@" + host + "/a//sub?ref=v1", "http://hunter2:x@" + host + "/a",
		} {
			a, _ := git.ParseAddress(address)
			_, _, err := git.Fetch(context.Background(), a)
			if fault.KindOf(err) != kind {
				t.Errorf("%d: %v", code, err)
			}
			silent(t, err)
		}
	}
	for _, address := range []string{
		"http://user:hunter2@" + down + "/a", "http://hunter2@" + down + "/a", "http://user:hunter2@" + down + "/%zz",
		"http://us er:hunter2@" + down + "/a", "ssh://hunter2@" + down + "/a", "file://user:hunter2@x/a", "http://user:hunter2@" + down + "/a//..",
	} {
		a, ok := git.ParseAddress(address)
		if !ok {
			continue
		}
		_, _, err := git.Fetch(context.Background(), a)
		silent(t, err)
	}
	for address, want := range map[string]string{
		"https://user:hunter2@x/a//b?ref=c": "https://x/a//b?ref=c", "https://hunter2@x/%zz": "https://x/%zz", "https://x/a": "https://x/a", "git@x:a": "git@x:a", "./a@b": "./a@b",
		"https://u:hun@ter2@x/a": "https://x/a", "https://x/a@b": "https://x/a@b",
	} {
		if got := git.Public(address); got != want {
			t.Errorf("Public(%s) = %s, want %s", address, got, want)
		}
	}
}

func silent(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("it is shown: %v", err)
			return
		}
	}
}
