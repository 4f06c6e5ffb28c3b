package gitmirror_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/fault"
)

func holds(t *testing.T, files fs.FS, name, want string) {
	t.Helper()
	if got, err := fs.ReadFile(files, name); err != nil || string(got) != want {
		t.Errorf("%s: %q, %v, want %q", name, got, err, want)
	}
}

func get(t *testing.T, m *gitmirror.Mirrors, repo gitmirror.Repo, ref gitmirror.Ref) *gitmirror.Tree {
	t.Helper()
	c, err := m.Resolve(t.Context(), repo, ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := m.Fetch(t.Context(), repo, c)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func kind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%v is %s, want %s", err, fault.KindOf(err), want)
	}
}

func TestFetch(t *testing.T) {
	o := newOrigin(t)
	first := o.commit(map[string]string{"a.yaml": "one", "sub/b.yaml": "b", "sub/deep/c.yaml": "c"})
	o.git("tag", "v1.0.0")
	second := o.commit(map[string]string{"a.yaml": "two"})
	o.git("tag", "-a", "-m", "release", "v1.1.0")
	o.git("branch", "side/x", first)
	s := serve(t, o)
	for _, url := range []string{o.url(), s.url()} {
		m, repo := openAll(t), gitmirror.Repo{URL: url}
		for ref, want := range map[gitmirror.Ref]string{
			{}: "two", {Branch: "main"}: "two", {Branch: "side/x"}: "one", {Tag: "v1.0.0"}: "one", {Tag: "v1.1.0"}: "two",
			{Semver: ">=1.0"}: "two", {Semver: "~1.0.0"}: "one", {Commit: first}: "one", {Commit: second}: "two",
		} {
			tree := get(t, m, repo, ref)
			holds(t, tree, "a.yaml", want)
			holds(t, tree, "sub/deep/c.yaml", "c")
			if sha := tree.Info().SHA; sha != map[string]string{"one": first, "two": second}[want] {
				t.Errorf("%s is %s", ref, sha)
			}
			if got, err := tree.ID("sub"); err != nil || got != o.git("rev-parse", "main:sub") {
				t.Errorf("sub is %s, %v", got, err)
			}
		}
		tree := get(t, m, repo, gitmirror.Ref{Tag: "v1.1.0"})
		if err := fstest.TestFS(tree, "a.yaml", "sub/b.yaml", "sub/deep/c.yaml"); err != nil {
			t.Error(err)
		}
		i := tree.Info()
		if i.Author.Name != "Ada" || i.Committer.Email != "bob@example.com" || i.Committer.When.Unix() != 1700000100 || i.Message != "a change\n\nwith a body\n" || len(i.Parents) != 1 || i.Parents[0] != first {
			t.Errorf("%+v", i)
		}
		if raw := o.git("cat-file", "commit", second); strings.TrimSpace(string(i.Raw)) != raw {
			t.Errorf("%s, want %s", i.Raw, raw)
		}
		if tag := o.git("cat-file", "tag", "v1.1.0"); strings.TrimSpace(string(i.Tag)) != tag {
			t.Errorf("%s, want %s", i.Tag, tag)
		}
	}
}

func TestFetchSHA256(t *testing.T) {
	o := newOrigin(t, "--object-format=sha256")
	o.commit(map[string]string{"a.yaml": "one"})
	holds(t, get(t, openAll(t), gitmirror.Repo{URL: o.url()}, gitmirror.Ref{}), "a.yaml", "one")
}

func TestResolveWhatIsNotThere(t *testing.T) {
	o := newOrigin(t)
	m, repo := openAll(t), gitmirror.Repo{URL: o.url()}
	_, err := m.Resolve(t.Context(), repo, gitmirror.Ref{}, 0)
	kind(t, err, fault.NotFound) // empty
	_, err = m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, 0)
	kind(t, err, fault.NotFound)
	sha := o.commit(map[string]string{"a": "a"})
	o.git("tag", "1.0.0")
	o.git("commit", "-q", "--allow-empty", "-m", "other")
	o.git("tag", "v1.0.0")
	for ref, want := range map[gitmirror.Ref]fault.Kind{
		{Branch: "gone"}: fault.NotFound, {Tag: "main"}: fault.NotFound, {Branch: "v1.0.0"}: fault.NotFound, {Semver: "^2"}: fault.NotFound,
		{Semver: "nonsense"}: fault.Invalid, {Branch: "a", Tag: "b"}: fault.Invalid, {Branch: "--upload-pack=touch x"}: fault.Invalid, {Branch: "a..b"}: fault.Invalid,
		{Tag: "-x"}: fault.Invalid, {Commit: "HEAD"}: fault.Invalid, {Commit: sha[:12]}: fault.Invalid, {Commit: strings.ToUpper(sha)}: fault.Invalid,
		{Branch: "a:b"}: fault.Invalid, {Branch: "+main"}: fault.NotFound, {Semver: strings.Repeat(">=1 ", 100)}: fault.Invalid,
		{Semver: "=1.0.0"}: fault.Blocked, // two tags that disagree
	} {
		_, err := m.Resolve(t.Context(), repo, ref, 0)
		kind(t, err, want)
	}
	for url, want := range map[string]fault.Kind{
		"file:///nonexistent/repo": fault.NotFound, "http://127.0.0.1:1/x": fault.Unavailable, "https://user:secret@127.0.0.1/x": fault.Invalid, "ext::sh -c x": fault.Invalid,
	} {
		_, err := m.Resolve(t.Context(), gitmirror.Repo{URL: url}, gitmirror.Ref{}, 0)
		kind(t, err, want)
		if strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	_, err = m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: strings.Repeat("0", 39) + "1"})
	kind(t, err, fault.NotFound)
	_, err = m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: "--upload-pack=x"})
	kind(t, err, fault.Invalid)
}

func TestSchemesThatAreNotAllowed(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	s := serve(t, o)
	m := open(t, t.TempDir(), gitmirror.Options{})
	for _, url := range []string{o.url(), s.url()} {
		_, err := m.Resolve(t.Context(), gitmirror.Repo{URL: url}, gitmirror.Ref{}, 0)
		kind(t, err, fault.Denied)
		_, err = m.Fetch(t.Context(), gitmirror.Repo{URL: url}, gitmirror.Commit{SHA: strings.Repeat("a", 40)})
		kind(t, err, fault.Denied)
	}
	if n := s.count(); n != 0 {
		t.Errorf("%d exchanges", n)
	}
}

// TestSharing counts the exchanges with the server.
func TestSharing(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	s := serve(t, o)
	m, repo := openAll(t), gitmirror.Repo{URL: s.url()}
	var wg sync.WaitGroup
	c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.count()
	for range 50 {
		wg.Go(func() {
			if _, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, time.Minute); err != nil {
				t.Error(err)
			}
			if _, err := m.Fetch(t.Context(), repo, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count(); n != 1 {
		t.Errorf("%d exchanges for one commit", n)
	}
	// An answer that began before the question is no answer to it.
	next := o.commit(map[string]string{"a": "b"})
	if got, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, 0); err != nil || got.SHA != next {
		t.Errorf("%v, %v, want %s", got, err, next)
	}
	s.count()
	// A commit that is here needs no server.
	tree, err := m.Fetch(t.Context(), repo, c)
	if err != nil || s.count() != 0 {
		t.Errorf("%v, or an exchange", err)
	}
	holds(t, tree, "a", "a")
	// But others must show that they may read it.
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if user, pass, _ := r.BasicAuth(); user == "u" && pass == "p" {
			return false
		}
		w.Header().Set("WWW-Authenticate", "Basic realm=x")
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	for auth, want := range map[[2]string]bool{{"u", "p"}: true, {"u", "wrong"}: false, {"", "p"}: false} {
		_, err := m.Fetch(t.Context(), gitmirror.Repo{URL: s.url(), Auth: gitmirror.Auth{Username: auth[0], Password: auth[1]}}, c)
		if want != (err == nil) {
			t.Errorf("%v: %v", auth, err)
		}
		if !want {
			kind(t, err, fault.Denied)
		}
	}
}

func TestForcePushAndLoss(t *testing.T) {
	o := newOrigin(t)
	old := o.commit(map[string]string{"a": "old"})
	m, repo := openAll(t), gitmirror.Repo{URL: o.url()}
	before := get(t, m, repo, gitmirror.Ref{Branch: "main"})
	o.git("checkout", "-q", "--orphan", "new")
	o.commit(map[string]string{"a": "new"})
	o.git("branch", "-M", "new", "main")
	after := get(t, m, repo, gitmirror.Ref{Branch: "main"})
	holds(t, before, "a", "old")
	holds(t, after, "a", "new")
	o.git("branch", "-m", "main", "trunk")
	_, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, 0)
	kind(t, err, fault.NotFound)
	if _, err := m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: old}); err != nil {
		t.Error(err)
	}
	if _, err := fs.ReadFile(after, "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestCallerLeaves(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	s := serve(t, o)
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.intercept(func(http.ResponseWriter, *http.Request) bool {
		once.Do(func() { close(arrived) })
		<-release
		return false
	})
	m, repo := openAll(t), gitmirror.Repo{URL: s.url()}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := m.Resolve(ctx, repo, gitmirror.Ref{}, time.Hour)
		left <- err
	}()
	<-arrived
	stays := make(chan error)
	go func() {
		_, err := m.Resolve(t.Context(), repo, gitmirror.Ref{}, time.Hour)
		stays <- err
	}()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if err := <-stays; err != nil {
		t.Error(err)
	}
}

// TestOpenSaysOneThing has a cache that cannot be made told by its first failure,
// not by what follows from it.
func TestOpenSaysOneThing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := gitmirror.Open(filepath.Join(file, "cache"), gitmirror.Options{})
	if fault.KindOf(err) != fault.Unavailable || err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
