package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// workshop is a Git repository that a test commits to.
type workshop struct {
	t   *testing.T
	dir string
}

func newWorkshop(t *testing.T) *workshop {
	w := &workshop{t, t.TempDir()}
	w.git("init", "-q", "-b", "main")
	return w
}

func (w *workshop) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", w.dir, "-c", "user.name=Ann", "-c", "user.email=ann@example.com"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes a file and returns the commit.
func (w *workshop) commit(name, text string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "change "+name)
	return w.git("rev-parse", "HEAD")
}

func (w *workshop) remote() (*Remote, *v1alpha1.Application) {
	w.t.Helper()
	m, err := gitmirror.Open(filepath.Join(w.t.TempDir(), "git"), gitmirror.Options{AllowFile: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := m.Close(); err != nil {
			w.t.Error(err)
		}
	})
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{Path: "app", Git: &v1alpha1.GitSource{URL: "file://" + w.dir, Branch: "main"}}}}
	app.Namespace, app.Name, app.UID = "shop", "web", "uid-1"
	return &Remote{Mirrors: m}, app
}

func TestGitToObjects(t *testing.T) {
	w := newWorkshop(t)
	first := w.commit("app/a.yaml", manifest("a", "1"))
	r, app := w.remote()
	got, ref, err := r.Resolve(t.Context(), app, 0)
	if err != nil || got != first || ref != "refs/heads/main" {
		t.Fatalf("%s at %s, %v", got, ref, err)
	}
	tree, err := r.Fetch(t.Context(), app, first)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(tree, "app/a.yaml"); err != nil || !strings.Contains(string(text), `"1"`) {
		t.Errorf("%s, %v", text, err)
	}
	if c := tree.Commit(); c == nil || c.Author == "" || c.Subject != "change app/a.yaml" {
		t.Errorf("%+v", c)
	}
	if _, err := r.Fetch(t.Context(), app, strings.Repeat("a", 40)); err == nil {
		t.Error("a commit that does not exist was fetched")
	}
}

func TestKeptRevisionsAreBoundedAndLetGo(t *testing.T) {
	w := newWorkshop(t)
	r, app := w.remote()
	now := time.Now()
	r.Now = func() time.Time { return now }
	var all []string
	for i := range keptRevisions + 3 {
		rev := w.commit("app/a.yaml", manifest("a", fmt.Sprint(i)))
		if _, _, err := r.Resolve(t.Context(), app, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Fetch(t.Context(), app, rev); err != nil {
			t.Fatal(err)
		}
		if err := r.Keep(t.Context(), app, rev); err != nil {
			t.Fatal(err)
		}
		all = append(all, rev)
		now = now.Add(time.Minute)
	}
	kept := func() (n int) {
		for _, rev := range all {
			if _, err := r.Mirrors.Kept(t.Context(), app.Spec.Source.Git.URL, string(app.UID), rev); err == nil {
				n++
			}
		}
		return n
	}
	if n := kept(); n != keptRevisions {
		t.Errorf("%d revisions are kept", n)
	}
	if _, err := r.Mirrors.Kept(t.Context(), app.Spec.Source.Git.URL, string(app.UID), all[len(all)-1]); err != nil {
		t.Errorf("the newest is gone: %v", err)
	}
	// The repository goes away: what is kept is still to be had.
	if err := os.Rename(w.dir, w.dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), app, all[len(all)-2]); err != nil {
		t.Errorf("a kept revision needs the source: %v", err)
	}
	r.Forget(deliver.AppKey{Namespace: "shop", Name: "other"})
	if n := kept(); n != keptRevisions {
		t.Errorf("another application's end left %d", n)
	}
	r.Forget(deliver.AppKey{Namespace: "shop", Name: "web"})
	if n := kept(); n != 0 {
		t.Errorf("%d revisions of a deleted application are kept", n)
	}
}

func TestLinksThatLeadOutRefuseTheRevision(t *testing.T) {
	for name, target := range map[string]string{"out": "/etc/hostname", "nowhere": "gone.yaml", "up": "../../../x.yaml"} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t)
			w.commit("app/a.yaml", manifest("a", "1"))
			if err := os.Symlink(target, filepath.Join(w.dir, "app/link.yaml")); err != nil {
				t.Fatal(err)
			}
			rev := w.commit("README", "x")
			r, app := w.remote()
			tree, err := r.Fetch(t.Context(), app, rev)
			if err != nil {
				t.Fatal(err)
			}
			_, err = NewRenderer(helm.New(helm.Options{}), kustomize.New(kustomize.Options{}), &Inputs{}).Render(t.Context(), app, tree)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(deliver.Public(err), "app/link.yaml") {
				t.Errorf("%v: %s", fault.KindOf(err), deliver.Public(err))
			}
		})
	}
}

func TestBrokenYAMLIsToldByItsLine(t *testing.T) {
	w := newWorkshop(t)
	rev := w.commit("app/a.yaml", manifest("a", "1")+"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: *hunter2}\n")
	r, app := w.remote()
	tree, err := r.Fetch(t.Context(), app, rev)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewRenderer(helm.New(helm.Options{}), kustomize.New(kustomize.Options{}), &Inputs{}).Render(t.Context(), app, tree)
	said := deliver.Public(err)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(said, "app/a.yaml") || strings.Contains(said, "hunter2") {
		t.Errorf("%v: %s", fault.KindOf(err), said)
	}
	for text, want := range map[string]string{
		"yaml: line 2: did not find expected ',' or '}'":                          "read x.yaml: line 8: did not find expected … or … (mend the YAML)",
		"error converting YAML to JSON: yaml: unknown anchor 'secret' referenced": "read x.yaml: unknown anchor … referenced (mend the YAML)",
	} {
		if got := deliver.Public(notYAML("x.yaml", 7, errors.New(text))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSignaturesThatNobodyChecksAreRefused(t *testing.T) {
	w := newWorkshop(t)
	rev := w.commit("app/a.yaml", manifest("a", "1"))
	r, app := w.remote()
	app.Spec.Source.Git.Verify = &v1alpha1.Verification{Mode: "head", Secret: v1alpha1.LocalReference{Name: "keys"}}
	if _, err := r.Fetch(t.Context(), app, rev); fault.KindOf(err) != fault.Denied {
		t.Errorf("%v", err)
	}
}

// manifest is a ConfigMap with a value.
func manifest(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q}\n", name, value)
}
