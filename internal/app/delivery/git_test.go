package delivery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
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
		if err := r.Keep(t.Context(), app, rev, ""); err != nil {
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

// TestKeptInThePlaceOfAnother keeps a revision that changes nothing in the place
// of the one before, for Git and for artifacts.
func TestKeptInThePlaceOfAnother(t *testing.T) {
	w := newWorkshop(t)
	r, app := w.remote()
	var all []string
	for _, name := range []string{"app/a.yaml", "README", "LICENSE"} {
		rev := w.commit(name, manifest("a", "1"))
		if _, _, err := r.Resolve(t.Context(), app, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Fetch(t.Context(), app, rev); err != nil {
			t.Fatal(err)
		}
		all = append(all, rev)
	}
	for i, instead := range []string{"", "", all[1]} {
		if err := r.Keep(t.Context(), app, all[i], instead); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, false, true} {
		_, err := r.Mirrors.Kept(t.Context(), app.Spec.Source.Git.URL, string(app.UID), all[i])
		if (err == nil) != want {
			t.Errorf("revision %d is kept: %v", i, err)
		}
	}
	if err := r.Keep(t.Context(), app, all[2], "no commit"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
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

// TestWhatPassesRefusesNoRevision tells what is wrong with a source, or with the
// Secrets that it needs, from what is wrong with a revision.
func TestWhatPassesRefusesNoRevision(t *testing.T) {
	w := newWorkshop(t)
	rev := w.commit("app/a.yaml", manifest("a", "1"))
	verify := &v1alpha1.Verification{Mode: "head", Secret: v1alpha1.LocalReference{Name: "keys"}}
	for name, c := range map[string]struct {
		tune   func(*Remote, *v1alpha1.GitSource)
		kind   fault.Kind
		passes bool
	}{
		"no Secret with credentials": {func(_ *Remote, g *v1alpha1.GitSource) { g.Secret = &v1alpha1.LocalReference{Name: "gone"} }, fault.Denied, true},
		"no Secret with keys":        {func(_ *Remote, g *v1alpha1.GitSource) { g.Verify = verify }, fault.Denied, true},
		"a folder is not allowed":    {func(_ *Remote, g *v1alpha1.GitSource) { g.URL = "http://git.example.com/x" }, fault.Denied, true},
		"keys that are none": {func(r *Remote, g *v1alpha1.GitSource) {
			g.Verify, r.Secret = verify, holding(map[string][]byte{"key.asc": []byte("no key")})
		}, fault.Invalid, true},
		"nobody signed": {func(r *Remote, g *v1alpha1.GitSource) {
			g.Verify, r.Secret = verify, holding(map[string][]byte{"allowed_signers": []byte("dev@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8J3n0r9wWfE2N4QmHcV0mGrP2hI4G3M5qgX1q0Zp1s\n")})
		}, fault.Denied, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, app := w.remote()
			r.Verify = Verifier(time.Now)
			r.Secret = func(context.Context, string, string) (map[string][]byte, error) {
				return nil, fault.New(fault.Denied, "read secret", "x", "not allowed", "")
			}
			c.tune(r, app.Spec.Source.Git)
			_, err := r.Fetch(t.Context(), app, rev)
			_, passes := errors.AsType[deliver.Unreached](err)
			if err == nil || fault.KindOf(err) != c.kind || passes != c.passes {
				t.Errorf("passes %v: %v is %v", passes, err, fault.KindOf(err))
			}
		})
	}
}

func holding(data map[string][]byte) func(context.Context, string, string) (map[string][]byte, error) {
	return func(context.Context, string, string) (map[string][]byte, error) { return data, nil }
}

// half is a tree of which one file cannot be had just now.
type half struct {
	fstest.MapFS
	lost string
	err  error
}

func (h half) ID(name string) string        { return name }
func (h half) Commit() *v1alpha1.CommitInfo { return nil }

func (h half) Open(name string) (fs.File, error) {
	if name == h.lost {
		return nil, h.err
	}
	return h.MapFS.Open(name)
}

func (h half) ReadFile(name string) ([]byte, error) {
	if name == h.lost {
		return nil, h.err
	}
	return h.MapFS.ReadFile(name)
}

// TestWhatCannotBeReadIsNoFaultOfTheRevision has a source go away while a
// revision is rendered, by each way of rendering.
func TestWhatCannotBeReadIsNoFaultOfTheRevision(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		lost  string
	}{
		"plain":     {map[string]string{"app/a.yaml": manifest("a", "1"), "app/b.yaml": manifest("b", "1")}, "app/b.yaml"},
		"kustomize": {map[string]string{"app/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": manifest("a", "1")}, "base/a.yaml"},
		"chart":     {map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "app/templates/a.yaml": manifest("a", "1"), "app/templates/b.yaml": manifest("b", "1")}, "app/templates/b.yaml"},
	} {
		for kind, broken := range map[fault.Kind]bool{fault.Unavailable: true, fault.Denied: true, fault.Blocked: true, fault.Invalid: false} {
			t.Run(name+" "+kind.String(), func(t *testing.T) {
				tree := half{MapFS: fstest.MapFS{}, lost: c.lost, err: fault.New(kind, "read file", c.lost, "not now", "")}
				for file, text := range c.files {
					tree.MapFS[file] = &fstest.MapFile{Data: []byte(text)}
				}
				app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{Path: "app"}}}
				app.Namespace, app.Name = "shop", "web"
				r := NewRenderer(helm.New(helm.Options{}), kustomize.New(kustomize.Options{}), &Inputs{})
				_, err := r.Render(t.Context(), app, tree)
				if _, passes := errors.AsType[deliver.Unreached](err); err == nil || passes != broken {
					t.Errorf("passes %v: %v", passes, err)
				}
				if broken && !strings.Contains(deliver.Public(err), "not now") {
					t.Errorf("nobody is told why: %s", deliver.Public(err))
				}
				// Nothing of it is taken for what was rendered.
				if _, known := r.Reads(deliver.AppKey{Namespace: "shop", Name: "web"}); known {
					t.Error("half a rendering is remembered")
				}
				tree.lost = ""
				if out, err := r.Render(t.Context(), app, tree); err != nil || len(out.Bodies) == 0 {
					t.Errorf("later: %v", err)
				}
			})
		}
	}
}

// manifest is a ConfigMap with a value.
func manifest(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q}\n", name, value)
}
