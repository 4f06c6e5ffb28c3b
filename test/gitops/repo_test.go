package gitops

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// files are the content of a repository, by path.
type files map[string]string

// with returns a copy with other files put over it; an empty text removes one.
func (f files) with(other files) files {
	out := maps.Clone(f)
	for name, text := range other {
		if text == "" {
			delete(out, name)
			continue
		}
		out[name] = text
	}
	return out
}

// repo is a Git repository in which a scenario commits.
type repo struct {
	t   *testing.T
	dir string
	now files
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "repo")}
	if out, err := exec.Command("git", "init", "-q", "-b", "main", r.dir).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	c := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=A Developer", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit replaces the content of the repository and returns the revision.
func (r *repo) commit(content files) string {
	r.t.Helper()
	r.write(content)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
	return r.head()
}

func (r *repo) write(content files) {
	r.t.Helper()
	for name := range r.now {
		if err := os.Remove(filepath.Join(r.dir, name)); err != nil {
			r.t.Fatal(err)
		}
	}
	for name, text := range content {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.now = maps.Clone(content)
}

func (r *repo) head() string { return r.git("rev-parse", "HEAD") }

func (r *repo) url() string { return "file://" + r.dir }

// configMap is a manifest of one ConfigMap.
func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q, other: same}\n", name, value)
}
