package parity

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/assess"
)

// helmCharts is where the helm adapter keeps its samples.
const helmCharts = "../../adapter/helm/testdata"

// chartSamples unpacks the adapter's samples, adds the chart that `helm
// create` writes, and lists the chart folders.
func chartSamples(t *testing.T, bin string) (dir string, roots []string) {
	t.Helper()
	dir = t.TempDir()
	archives, err := filepath.Glob(filepath.Join(helmCharts, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range archives {
		archive, err := txtar.ParseFile(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			name := filepath.Join(dir, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := exec.Command(bin, "create", filepath.Join(dir, "created")).CombinedOutput(); err != nil {
		t.Fatalf("helm create: %v\n%s", err, out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		roots = append(roots, e.Name())
	}
	return dir, roots
}

// TestHelm compares the bytes of the adapter with those of `helm template`
// for every sample: its defaults, every values file, with and without CRDs,
// and with the flags that kustomize passes on.
func TestHelm(t *testing.T) {
	bin := tool(t, "helm.sh/helm/v4/cmd/helm")
	t.Setenv("HOME", t.TempDir())
	dir, roots := chartSamples(t, bin)
	files := os.DirFS(dir)
	renderer := helm.New(helm.Options{})
	template := func(args ...string) []byte {
		out, err := exec.Command(bin, append([]string{"template"}, args...)...).Output()
		if err != nil {
			t.Fatalf("helm template %q: %v", args, err)
		}
		return out
	}
	count := 0
	for _, root := range roots {
		for _, r := range renderer.Render(context.Background(), files, root) {
			if len(r.Problems) > 0 {
				t.Errorf("%s: %+v", root, r.Problems)
			}
			args := []string{root, filepath.Join(dir, root)}
			if r.Variant != "" {
				args = append(args, "-f", filepath.Join(dir, r.Variant))
			}
			same(t, root+" "+r.Variant, plain(r, false), template(args...))
			same(t, root+" "+r.Variant+" with CRDs", plain(r, true), template(append(args, "--include-crds")...))
			count++
		}
		got, _, err := renderer.RenderChart(context.Background(), files, root, helm.ChartOptions{
			ReleaseName: "rel", Namespace: "ns", SkipTests: true, KubeVersion: "1.31", APIVersions: []string{"acme.io/v1"}})
		if err != nil {
			t.Errorf("%s: %v", root, err)
		}
		same(t, root+" flags", string(got), template("rel", filepath.Join(dir, root), "-n", "ns", "--skip-tests", "--kube-version", "1.31", "-a", "acme.io/v1"))
		got, _, err = renderer.RenderChart(context.Background(), files, root, helm.ChartOptions{SkipHooks: true})
		if err != nil {
			t.Errorf("%s: %v", root, err)
		}
		same(t, root+" no hooks", string(got), template(root, filepath.Join(dir, root), "--no-hooks"))
	}
	if count < 3 {
		t.Errorf("%d renderings only", count)
	}
}

func plain(r *assess.Render, extra bool) string {
	var b strings.Builder
	for _, c := range r.Chunks {
		if !c.Extra || extra {
			b.Write(c.Text)
		}
	}
	return b.String()
}

func same(t *testing.T, what, got string, want []byte) {
	t.Helper()
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Errorf("%s: line %d: got %q, want %q", what, i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", what, len(g), len(w))
}
