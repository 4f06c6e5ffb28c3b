package gitmirror_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
)

// origin is a repository that people push to.
type origin struct {
	t   testing.TB
	dir string // a work tree
}

func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME=/nonexistent",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com",
		"GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=1700000100 +0100", "GIT_ALLOW_PROTOCOL=file")
}

func newOrigin(t testing.TB, args ...string) *origin {
	t.Helper()
	o := &origin{t: t, dir: filepath.Join(t.TempDir(), "repo")}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	o.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return o
}

func (o *origin) git(args ...string) string { return o.gitIn(nil, args...) }

func (o *origin) gitIn(stdin io.Reader, args ...string) string {
	o.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = o.dir, gitEnv(), stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files (nil deletes) and commits them.
func (o *origin) commit(files map[string]string) string {
	o.t.Helper()
	for name, text := range files {
		p := filepath.Join(o.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			o.t.Fatal(err)
		}
	}
	o.git("add", "-A")
	o.git("commit", "-q", "--allow-empty", "-m", "a change\n\nwith a body")
	return o.git("rev-parse", "HEAD")
}

func (o *origin) url() string { return "file://" + o.dir }

// server serves a repository over http, and counts what is asked.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	// before, if set, may answer instead: it returns true then.
	before func(http.ResponseWriter, *http.Request) bool
}

func serve(t testing.TB, o *origin) *server {
	t.Helper()
	return serveWith(t, o, httptest.NewServer)
}

func serveWith(t testing.TB, o *origin, start func(http.Handler) *httptest.Server) *server {
	t.Helper()
	exe, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(exe)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(o.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	s := &server{}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.String())
		before := s.before
		s.mu.Unlock()
		if before != nil && before(w, r) {
			return
		}
		h := *backend
		if v := r.Header.Get("Git-Protocol"); v != "" {
			h.Env = append(append([]string{}, h.Env...), "GIT_PROTOCOL="+v)
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) url() string { return s.URL + "/repo" }

func (s *server) intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// count returns how many exchanges began since the last call.
func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if strings.HasPrefix(r, "GET ") {
			n++
		}
	}
	s.requests = nil
	return n
}

func open(t testing.TB, dir string, o gitmirror.Options) *gitmirror.Mirrors {
	t.Helper()
	m, err := gitmirror.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func openAll(t testing.TB) *gitmirror.Mirrors {
	t.Helper()
	return open(t, t.TempDir(), gitmirror.Options{AllowHTTP: true, AllowFile: true})
}
