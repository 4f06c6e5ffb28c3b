package gitmirror_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/fault"
)

// object writes an object of any content and returns its id.
func (o *origin) object(kind string, text []byte) string {
	o.t.Helper()
	return o.gitIn(bytes.NewReader(text), "hash-object", "-t", kind, "-w", "--literally", "--stdin")
}

// tree writes a folder from lines "mode name id".
func (o *origin) tree(lines ...string) string {
	o.t.Helper()
	var raw bytes.Buffer
	for _, l := range lines {
		f := strings.SplitN(l, " ", 3)
		fmt.Fprintf(&raw, "%s %s\x00", f[0], f[2])
		for i := 0; i < len(f[1]); i += 2 {
			var b byte
			if _, err := fmt.Sscanf(f[1][i:i+2], "%02x", &b); err != nil {
				o.t.Fatal(err)
			}
			raw.WriteByte(b)
		}
	}
	return o.object("tree", raw.Bytes())
}

// sorted is tree with the names in Git's order.
func (o *origin) sorted(lines ...string) string {
	key := func(l string) string {
		f := strings.SplitN(l, " ", 3)
		if f[0] == "40000" {
			return f[2] + "/"
		}
		return f[2]
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return o.tree(lines...)
}

// point lets main name a commit of a tree.
func (o *origin) point(tree string) string {
	o.t.Helper()
	sha := o.git("commit-tree", "-m", "hostile", tree)
	o.git("update-ref", "refs/heads/main", sha)
	return sha
}

func TestHostileTrees(t *testing.T) {
	const commit = "1111111111111111111111111111111111111111"
	for name, c := range map[string]struct {
		make func(o *origin, blob string) string
		// fetch is whether it is let in at all; then check looks at it.
		fetch bool
		check func(t *testing.T, tree *gitmirror.Tree)
	}{
		"a folder .git":       {func(o *origin, b string) string { return o.tree("40000 " + o.tree("100644 "+b+" config") + " .git") }, false, nil},
		"a folder .GIT":       {func(o *origin, b string) string { return o.tree("40000 " + o.tree("100644 "+b+" config") + " .GIT") }, false, nil},
		"a folder ..":         {func(o *origin, b string) string { return o.tree("40000 " + o.tree("100644 "+b+" x") + " ..") }, false, nil},
		"a folder .":          {func(o *origin, b string) string { return o.tree("40000 " + o.tree("100644 "+b+" x") + " .") }, false, nil},
		"a name with a slash": {func(o *origin, b string) string { return o.tree("100644 " + b + " ../../etc/passwd") }, false, nil},
		"an empty name":       {func(o *origin, b string) string { return o.tree("100644 " + b + " ") }, false, nil},
		"one name twice":      {func(o *origin, b string) string { return o.tree("100644 "+b+" a", "100644 "+b+" a") }, false, nil},
		"a file and folder": {func(o *origin, b string) string {
			return o.tree("100644 "+b+" a", "40000 "+o.tree("100644 "+b+" x")+" a")
		}, false, nil},
		"names out of order":   {func(o *origin, b string) string { return o.tree("100644 "+b+" b", "100644 "+b+" a") }, false, nil},
		"an unknown mode":      {func(o *origin, b string) string { return o.tree("140000 " + b + " socket") }, false, nil},
		"a file that's a tree": {func(o *origin, b string) string { return o.tree("100644 " + o.tree("100644 "+b+" x") + " a") }, false, nil},
		"a folder that's none": {func(o *origin, b string) string { return o.tree("40000 " + b + " a") }, false, nil},
		"a malformed tree":     {func(o *origin, _ string) string { return o.object("tree", []byte("100644 a\x00short")) }, false, nil},
		"hostile .gitmodules": {func(o *origin, _ string) string {
			return o.tree("100644 " + o.object("blob", []byte("[submodule \"x\"]\n\tpath = x\n\turl = -u./payload\n")) + " .gitmodules")
		}, false, nil},
		"linked .gitmodules": {func(o *origin, _ string) string {
			return o.tree("120000 " + o.object("blob", []byte("/etc/passwd")) + " .gitmodules")
		}, false, nil},
		"a name of control characters": {func(o *origin, b string) string {
			return o.sorted("40000 "+o.tree("100644 "+b+" a\x1b[31mb")+" odd", "100644 "+b+" ok")
		}, true,
			func(t *testing.T, tree *gitmirror.Tree) {
				holds(t, tree, "ok", "text")
				if _, err := fs.ReadDir(tree, "odd"); err == nil || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a folder with a file that cannot be named: %v", err)
				}
			}},
		"a name that is no utf-8": {func(o *origin, b string) string {
			return o.tree("40000 "+o.tree("100644 "+b+" \xff")+" odd", "100644 "+b+" ok")
		}, true,
			func(t *testing.T, tree *gitmirror.Tree) {
				if _, err := fs.ReadDir(tree, "odd"); fault.KindOf(err) != fault.Invalid {
					t.Error(err)
				}
				if _, err := tree.Open("odd"); fault.KindOf(err) != fault.Invalid {
					t.Error(err)
				}
			}},
		"a submodule": {func(o *origin, b string) string { return o.sorted("160000 "+commit+" module", "100644 "+b+" ok") }, true,
			func(t *testing.T, tree *gitmirror.Tree) {
				list, err := fs.ReadDir(tree, ".")
				if err != nil || len(list) != 2 || list[0].Type() != fs.ModeIrregular {
					t.Errorf("%v, %v", list, err)
				}
				for _, p := range []string{"module/x", "module"} {
					if _, err := tree.ReadFile(p); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "submodule") {
						t.Errorf("%s: %v", p, err)
					}
				}
				if list, err := tree.ReadDir("module"); err != nil || len(list) != 0 {
					t.Errorf("%v, %v", list, err)
				}
			}},
		"links": {links, true, checkLinks},
		"a deep folder": {func(o *origin, b string) string {
			id := o.tree("100644 " + b + " x")
			for range 250 {
				id = o.tree("40000 " + id + " d")
			}
			return id
		}, true, func(t *testing.T, tree *gitmirror.Tree) {
			if _, err := tree.ReadFile(strings.Repeat("d/", 250) + "x"); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
			holds(t, get2(t, tree, strings.Repeat("d/", 100)), ".", "")
		}},
		"a million files in eight folders": {func(o *origin, b string) string {
			id := b
			mode := "100644 "
			for range 7 {
				var lines []string
				for i := range 10 {
					lines = append(lines, mode+id+fmt.Sprintf(" %d", i))
				}
				id, mode = o.tree(lines...), "40000 "
			}
			return id
		}, true, func(t *testing.T, tree *gitmirror.Tree) { holds(t, tree, "9/8/7/6/5/4/3", "text") }},
		"filters and attributes": {func(o *origin, _ string) string {
			return o.tree("100644 "+o.object("blob", []byte("* text eol=crlf ident filter=evil export-subst working-tree-encoding=UTF-16\n"))+" .gitattributes", "100644 "+o.object("blob", []byte("a: $Id$ $Format:%H$\n"))+" a.yaml")
		}, true, func(t *testing.T, tree *gitmirror.Tree) { holds(t, tree, "a.yaml", "a: $Id$ $Format:%H$\n") }},
	} {
		o := newOrigin(t)
		o.git("config", "uploadpack.allowFilter", "true")
		sha := o.point(c.make(o, o.object("blob", []byte("text"))))
		for _, paths := range [][]string{nil, {"somewhere"}} {
			tree, err := openAll(t).Fetch(t.Context(), gitmirror.Repo{URL: o.url()}, gitmirror.Commit{SHA: sha}, paths...)
			switch {
			case err == nil && !c.fetch:
				// Not refused on the way in, then it must be when it is read.
				// What .gitmodules says doesn't matter to who never looks at it.
				if err := fstest.TestFS(tree); err == nil && !(strings.Contains(name, ".gitmodules") && paths != nil) {
					t.Errorf("%s %v: it can be read", name, paths)
				}
			case err != nil && c.fetch:
				t.Errorf("%s %v: %v", name, paths, err)
			case err != nil && fault.KindOf(err) != fault.Blocked:
				t.Errorf("%s %v: %v is %s", name, paths, err, fault.KindOf(err))
			case c.check != nil:
				c.check(t, tree)
			}
		}
	}
}

func get2(t *testing.T, tree *gitmirror.Tree, dir string) fs.FS {
	t.Helper()
	if _, err := tree.ReadDir(strings.TrimSuffix(dir, "/")); err != nil {
		t.Error(err)
	}
	return fstest.MapFS{".": &fstest.MapFile{}}
}

func links(o *origin, b string) string {
	link := func(target string) string { return "120000 " + o.object("blob", []byte(target)) + " " }
	sub := o.sorted(link("../ok")+"up", link("../../etc/passwd")+"out", "100644 "+b+" x")
	return o.sorted(link("/etc/passwd")+"absolute", link("sub")+"dir", link("loop")+"loop", link("../../../etc/passwd")+"outside", link("missing")+"nowhere",
		"100644 "+b+" ok", link("pang")+"ping", link("ping")+"pang", link("sub/./x")+"right", "40000 "+sub+" sub", link("a\x00b")+"zero", link(".git/config")+"zgit")
}

func checkLinks(t *testing.T, tree *gitmirror.Tree) {
	t.Helper()
	for _, p := range []string{"right", "dir/x", "dir/up", "sub/up"} {
		holds(t, tree, p, "text")
	}
	for _, p := range []string{"absolute", "outside", "loop", "ping", "sub/out", "dir/out", "zero"} {
		if text, err := tree.ReadFile(p); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", p, text, err)
		}
		if _, err := fs.Stat(tree, p); err == nil {
			t.Errorf("%s can be followed", p)
		}
		if info, err := tree.Lstat(p); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s: %v, %v", p, info, err)
		}
	}
	for _, p := range []string{"nowhere", "zgit", "right/x", "ok/x"} {
		if _, err := tree.ReadFile(p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if target, err := tree.ReadLink("absolute"); err != nil || target != "/etc/passwd" {
		t.Errorf("%q, %v", target, err)
	}
	linked, linkedErr := tree.ReadID("right")
	plain, plainErr := tree.ReadID("sub/x")
	broken, brokenErr := tree.ReadID("nowhere")
	if err := errors.Join(linkedErr, plainErr, brokenErr); err != nil || !strings.HasSuffix(linked, ">"+plain) || strings.Contains(broken, ">") {
		t.Errorf("%s, %s, %s, %v", linked, plain, broken, err)
	}
	if id, err := tree.ReadID("gone"); err == nil || id != "" {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := tree.ReadLink("ok"); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := tree.ReadFile("../ok"); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := tree.ReadFile("sub"); err == nil {
		t.Error("a folder can be read")
	}
	if _, err := tree.ReadDir("ok"); err == nil {
		t.Error("a file can be listed")
	}
}

func TestLargeFiles(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"large": strings.Repeat("0", 3<<20), "noise": noise(3<<20, 7), "small": "s"})
	m := open(t, t.TempDir(), gitmirror.Options{AllowFile: true, MaxFile: 1 << 20})
	tree := get(t, m, gitmirror.Repo{URL: o.url()}, gitmirror.Ref{})
	for _, name := range []string{"large", "noise"} {
		if _, err := tree.ReadFile(name); fault.KindOf(err) != fault.Invalid {
			t.Error(err)
		}
		if info, err := fs.Stat(tree, name); err != nil || info.Size() != 3<<20 {
			t.Errorf("%v, %v", info, err)
		}
	}
	holds(t, tree, "small", "s")
	// More than a mirror may be: it is stopped on the way.
	s := serve(t, o)
	o.commit(map[string]string{"huge": noise(40<<20, 8)})
	m = open(t, t.TempDir(), gitmirror.Options{AllowHTTP: true, MaxSize: 4 << 20})
	c, err := m.Resolve(t.Context(), gitmirror.Repo{URL: s.url()}, gitmirror.Ref{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Fetch(t.Context(), gitmirror.Repo{URL: s.url()}, c)
	kind(t, err, fault.Blocked)
	// More than the memory allows, in one object that is a delta or a tree.
	m = open(t, t.TempDir(), gitmirror.Options{AllowFile: true, MaxMemory: 1 << 20})
	blob := o.object("blob", []byte("x"))
	var lines []string
	for i := range 60_000 {
		lines = append(lines, fmt.Sprintf("100644 %s %06d", blob, i))
	}
	o.point(o.tree(lines...))
	_, err = m.Fetch(t.Context(), gitmirror.Repo{URL: o.url()}, gitmirror.Commit{SHA: o.git("rev-parse", "main")})
	kind(t, err, fault.Blocked)
}

// TestHostileServers lets servers answer badly.
func TestHostileServers(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": noise(1<<20, 3)})
	target := newOrigin(t)
	target.commit(map[string]string{"a": "target"})
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached.Add(1); w.WriteHeader(404) }))
	defer elsewhere.Close()
	status := func(code int, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	redirect := func(to string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, to, http.StatusFound)
			return true
		}
	}
	listing := func(text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	pkt := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	hello := pkt("# service=git-upload-pack\n") + "0000"
	const one = "1111111111111111111111111111111111111111"
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   fault.Kind
	}{
		"not allowed":             {status(401, ""), fault.Denied},
		"forbidden":               {status(403, ""), fault.Denied},
		"not there":               {status(404, "remote: authentication failed\n"), fault.NotFound},
		"broken":                  {status(500, ""), fault.Unavailable},
		"overloaded":              {status(503, ""), fault.Unavailable},
		"too many":                {status(429, ""), fault.Unavailable},
		"a web page":              {status(200, "<html>hello</html>"), fault.NotFound},
		"redirect to a file":      {redirect("file://" + target.dir + "/info/refs?service=git-upload-pack"), fault.Blocked},
		"redirect to a program":   {redirect("ext::sh -c touch% /tmp/x"), fault.Blocked},
		"redirect elsewhere":      {redirect(elsewhere.URL + "/x/info/refs?service=git-upload-pack"), fault.Blocked},
		"an endless line":         {listing(strings.Repeat("0", 1<<20)), fault.Unavailable},
		"a wrong length":          {listing("ffff# service"), fault.Unavailable},
		"no length":               {listing("zzzz"), fault.Unavailable},
		"nothing":                 {listing(""), fault.Unavailable},
		"a reference with a NUL":  {listing(hello + pkt("version 9\n") + "0000"), fault.Unavailable},
		"an id that is none":      {listing(hello + pkt("xyz"+one[3:]+" refs/heads/main\x00 caps\n") + "0000"), fault.Unavailable},
		"a name that's an option": {listing(hello + pkt(one+" --upload-pack=x\x00side-band-64k\n") + pkt(one+" refs/heads/-x\n") + "0000"), fault.NotFound},
	} {
		s := serve(t, o)
		s.intercept(c.answer)
		m := openAll(t)
		_, err := m.Resolve(t.Context(), gitmirror.Repo{URL: s.url()}, gitmirror.Ref{Branch: "main"}, 0)
		if fault.KindOf(err) != c.want {
			t.Errorf("%s: %v is %s, want %s", name, err, fault.KindOf(err), c.want)
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d redirections were followed", n)
	}
}

func TestServerBreaksOff(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": noise(1<<20, 3)})
	s := serve(t, o)
	m, repo := openAll(t), gitmirror.Repo{URL: s.url()}
	c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"damaged":   func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b },
		"empty":     func([]byte) []byte { return nil },
	} {
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			rec := httptest.NewRecorder()
			s.intercept(nil)
			s.Config.Handler.ServeHTTP(rec, r)
			if rec.Body.Len() < 1<<16 { // the listing comes before the pack
				s.intercept(func(w http.ResponseWriter, r *http.Request) bool { return s.spoil(w, r, spoil) })
				spoil = func(b []byte) []byte { return b }
			}
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			_, _ = w.Write(spoil(rec.Body.Bytes()))
			return true
		})
		if _, err := m.Fetch(t.Context(), repo, c); err == nil {
			t.Errorf("%s: it was taken", name)
		} else if k := fault.KindOf(err); k != fault.Unavailable && k != fault.Blocked {
			t.Errorf("%s: %v is %s", name, err, k)
		}
	}
	s.intercept(nil)
	tree, err := m.Fetch(t.Context(), repo, c)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, tree, "a", noise(1<<20, 3))
}

// spoil answers with a changed pack.
func (s *server) spoil(w http.ResponseWriter, r *http.Request, change func([]byte) []byte) bool {
	if r.Method != http.MethodPost {
		return false
	}
	rec := httptest.NewRecorder()
	s.intercept(nil)
	s.Config.Handler.ServeHTTP(rec, r)
	w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
	_, _ = w.Write(change(rec.Body.Bytes()))
	return true
}

func TestSlowServer(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	s := serve(t, o)
	gone := make(chan struct{}, 8)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for _, c := range []byte(strings.Repeat("0", 1<<20)) {
			select {
			case <-r.Context().Done():
				gone <- struct{}{}
				return true
			case <-tick.C:
			}
			_, _ = w.Write([]byte{c})
			w.(http.Flusher).Flush()
		}
		return true
	})
	m := open(t, t.TempDir(), gitmirror.Options{AllowHTTP: true, Timeout: 500 * time.Millisecond})
	_, err := m.Resolve(t.Context(), gitmirror.Repo{URL: s.url()}, gitmirror.Ref{}, 0)
	kind(t, err, fault.TimedOut)
	select {
	case <-gone: // the program that held the connection has ended
	case <-time.After(time.Minute):
		t.Error("git still runs")
	}
	// A caller's own deadline counts as well.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := m.Resolve(ctx, gitmirror.Repo{URL: s.url()}, gitmirror.Ref{}, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestManyRefs(t *testing.T) {
	o := newOrigin(t)
	sha := o.commit(map[string]string{"a": "a"})
	var refs strings.Builder
	refs.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for i := range 100_000 {
		fmt.Fprintf(&refs, "%s refs/heads/b%06d\n", sha, i)
	}
	for i := range 1000 {
		fmt.Fprintf(&refs, "%s refs/tags/v1.%d.0\n", sha, i)
	}
	if err := os.WriteFile(filepath.Join(o.dir, ".git", "packed-refs"), []byte(refs.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	m, repo := openAll(t), gitmirror.Repo{URL: o.url()}
	if c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "b099999"}, 0); err != nil || c.SHA != sha {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Semver: ">=1"}, time.Hour); err != nil || c.Version != "1.999.0" {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: sha}); err != nil {
		t.Error(err)
	}
	m = open(t, t.TempDir(), gitmirror.Options{AllowFile: true, MaxRefs: 50_000})
	_, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "b000001"}, 0)
	kind(t, err, fault.Blocked)
}

func TestTLS(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	s := serveWith(t, o, httptest.NewTLSServer)
	m := open(t, t.TempDir(), gitmirror.Options{})
	_, err := m.Resolve(t.Context(), gitmirror.Repo{URL: s.url()}, gitmirror.Ref{}, 0)
	kind(t, err, fault.Blocked)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	repo := gitmirror.Repo{URL: s.url(), Auth: gitmirror.Auth{CA: ca, Bearer: "token"}}
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	holds(t, get(t, m, repo, gitmirror.Ref{}), "a", "a")
	repo.Auth.Bearer = "tok\r\nX-Evil: 1"
	_, err = m.Resolve(t.Context(), repo, gitmirror.Ref{}, 0)
	kind(t, err, fault.Denied)
	repo.Auth.CA = []byte("nonsense")
	_, err = m.Resolve(t.Context(), repo, gitmirror.Ref{}, 0)
	kind(t, err, fault.Blocked)
	for _, text := range []string{fmt.Sprint(repo), fmt.Sprintf("%+v %#v", repo, repo.Auth)} {
		if strings.Contains(text, "tok") || strings.Contains(text, "nonsense") {
			t.Error(text)
		}
	}
}

// TestForgeThatWantsTheSuffix redirects as some forges do.
func TestForgeThatWantsTheSuffix(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	s := serve(t, o)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/repo.git/"); ok {
			r.URL.Path = "/repo/" + rest
			return false
		}
		http.Redirect(w, r, strings.Replace(r.URL.String(), "/repo/", "/repo.git/", 1), http.StatusMovedPermanently)
		return true
	})
	m, repo := openAll(t), gitmirror.Repo{URL: s.url()}
	holds(t, get(t, m, repo, gitmirror.Ref{}), "a", "a")
	s.count()
	if _, err := m.Resolve(t.Context(), repo, gitmirror.Ref{}, 0); err != nil || s.count() != 1 {
		t.Errorf("%v, or more than one exchange", err)
	}
}

// TestOldServers speaks the first protocol, in which a server hands out only
// what its references name.
func TestOldServers(t *testing.T) {
	for _, filter := range []string{"false", "true"} {
		o := newOrigin(t)
		o.git("config", "uploadpack.allowFilter", filter)
		first := o.commit(map[string]string{"a/x": "1", "b/y": "1"})
		second := o.commit(map[string]string{"a/x": "2"})
		s := serve(t, o)
		s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Git-Protocol")
			return false
		})
		m, repo := openAll(t), gitmirror.Repo{URL: s.url()}
		c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		third := o.commit(map[string]string{"a/x": "3"}) // meanwhile
		_ = third
		for want, c := range map[string]gitmirror.Commit{"2": c, "1": {SHA: first}} {
			for _, paths := range [][]string{{"a"}, nil} {
				tree, err := m.Fetch(t.Context(), repo, c, paths...)
				if err != nil {
					t.Errorf("filter %s, %s: %v", filter, want, err)
					continue
				}
				holds(t, tree, "a/x", want)
				holds(t, tree, "b/y", "1")
			}
		}
		_ = second
		_, err = m.Fetch(t.Context(), repo, gitmirror.Commit{SHA: strings.Repeat("1", 40)})
		kind(t, err, fault.NotFound)
	}
}
