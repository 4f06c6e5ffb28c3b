package helm

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/autoecoops/autoecoops/assess"
)

// sample reads a txtar archive as a file system.
func sample(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return unpack(a)
}

func unpack(a *txtar.Archive) fstest.MapFS {
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return files
}

// chartOf makes a chart folder "c" of the given files.
func chartOf(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{"c/Chart.yaml": {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")}}
	for name, text := range files {
		out["c/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// byHelm renders with Helm's own loader and engine, from disk.
func byHelm(t *testing.T, files fs.FS, dir, variant string, crds bool) (string, error) {
	t.Helper()
	tmp := t.TempDir()
	if err := os.CopyFS(tmp, files); err != nil {
		t.Fatal(err)
	}
	c, err := loader.LoadDir(filepath.Join(tmp, dir))
	if err != nil {
		return "", err
	}
	sortDependencies(c)
	vals := map[string]any{}
	if variant != "" {
		data, err := os.ReadFile(filepath.Join(tmp, variant))
		if err != nil {
			t.Fatal(err)
		}
		if vals, err = loader.LoadValues(bytes.NewReader(data)); err != nil {
			return "", err
		}
	}
	if err := chartutil.ProcessDependencies(c, vals); err != nil {
		return "", err
	}
	caps := common.DefaultCapabilities.Copy()
	v, err := common.ParseKubeVersion(DefaultKubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	caps.KubeVersion = *v
	top, err := util.ToRenderValues(c, vals, common.ReleaseOptions{Name: c.Name(), Namespace: "default", Revision: 1, IsInstall: true}, caps)
	if err != nil {
		return "", err
	}
	// What is random comes from the same source on both sides.
	out, err := engine.Engine{CustomTemplateFuncs: stableFuncs(func() time.Time { return time.Unix(0, 0) })}.RenderWithContext(t.Context(), c, top)
	if err != nil {
		return "", err
	}
	for name := range out {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(out, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(out, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if crds {
		for _, crd := range c.CRDObjects() {
			fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", crd.Filename, crd.File.Data)
		}
	}
	for _, m := range manifests {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	text := strings.TrimSpace(b.String()) + "\n"
	for _, h := range hooks {
		text += fmt.Sprintf("---\n# Source: %s\n%s\n", h.Path, h.Manifest)
	}
	return text, nil
}

func joined(r *assess.Render, extra bool) string {
	var b strings.Builder
	for _, c := range r.Chunks {
		if !c.Extra || extra {
			b.Write(c.Text)
		}
	}
	if b.Len() == 0 {
		return "\n"
	}
	return b.String()
}

func variantOf(t *testing.T, rs []*assess.Render, name string) *assess.Render {
	t.Helper()
	for _, r := range rs {
		if r.Variant == name {
			return r
		}
	}
	t.Fatalf("no variant %q", name)
	return nil
}

func render(files fs.FS, dir string) []*assess.Render {
	return New(Options{Now: time.Unix(0, 0)}).Render(context.Background(), files, dir)
}

func sameAsHelm(t *testing.T, files fs.FS, dir string) {
	t.Helper()
	for _, r := range render(files, dir) {
		want, err := byHelm(t, files, dir, r.Variant, false)
		if err != nil {
			t.Fatalf("%s %s: Helm: %v", dir, r.Variant, err)
		}
		if len(r.Problems) > 0 {
			t.Errorf("%s %s: problems: %+v", dir, r.Variant, r.Problems)
		}
		if got := joined(r, false); got != want {
			t.Errorf("%s %s: differs from Helm at %s", dir, r.Variant, firstDifference(got, want))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("the end: %d and %d lines", len(g), len(w))
}

func TestSameAsHelm(t *testing.T) {
	files := sample(t, "shop.txtar")
	sameAsHelm(t, files, "shop")
	rs := render(files, "shop")
	var variants []string
	for _, r := range rs {
		variants = append(variants, r.Variant)
	}
	if want := []string{"", "shop/values-prod.yaml"}; !slices.Equal(variants, want) {
		t.Errorf("variants %q, want %q", variants, want)
	}
	want, err := byHelm(t, files, "shop", "", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := joined(rs[0], true); got != want {
		t.Errorf("with CRDs: differs at %s", firstDifference(got, want))
	}
}

// TestSameAsHelmCreate renders the chart that `helm create` writes.
func TestSameAsHelmCreate(t *testing.T) {
	dir := t.TempDir()
	if _, err := chartutil.Create("demo", dir); err != nil {
		t.Fatal(err)
	}
	values := "autoscaling:\n  enabled: true\ningress:\n  enabled: true\nhttpRoute:\n  enabled: true\nnodeSelector:\n  disk: ssd\n"
	if err := os.WriteFile(filepath.Join(dir, "demo", "values-all.yaml"), []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	sameAsHelm(t, os.DirFS(dir), "demo")
}

func TestRenderChart(t *testing.T) {
	files := sample(t, "shop.txtar")
	text, read, err := New(Options{}).RenderChart(context.Background(), files, "shop", ChartOptions{
		ReleaseName: "r", Namespace: "n", Values: map[string]any{"replicas": 9}, IncludeCRDs: true, SkipTests: true,
		KubeVersion: "1.30", APIVersions: []string{"x/v1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"replicas: 9", "kube: v1.30", "name: r-config", "kind: CustomResourceDefinition", "name: migrate"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(string(text), "name: ping") {
		t.Error("has a test hook")
	}
	if !slices.Contains(read, "shop/templates/deployment.yaml") || !slices.IsSorted(read) {
		t.Errorf("read %q", read)
	}
	_, _, err = New(Options{}).RenderChart(context.Background(), chartOf(map[string]string{"templates/a.yaml": `{{ fail "no" }}`}), "c", ChartOptions{})
	if err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("error %v", err)
	}
}

func TestReadFiles(t *testing.T) {
	for _, r := range render(sample(t, "shop.txtar"), "shop") {
		for _, f := range []string{"shop/Chart.yaml", "shop/charts/web/templates/deploy.yaml", path.Clean(r.Variant)} {
			if f != "." && !slices.Contains(r.Read, f) {
				t.Errorf("%s: %s is not in Read", r.Variant, f)
			}
		}
		if slices.Contains(r.Read, "shop/conf/note.bak") {
			t.Error("an ignored file was read")
		}
	}
}

func TestDeterministic(t *testing.T) {
	files := chartOf(map[string]string{"templates/a.yaml": "a: {{ randAlphaNum 8 }}\nb: {{ uuidv4 }}\nc: {{ (genCA \"x\" 1).Cert | quote }}\nd: {{ now | date \"2006\" }}\ne: {{ htpasswd \"u\" \"p\" | quote }}\n"})
	r := New(Options{Now: time.Unix(0, 0)})
	one := joined(r.Render(context.Background(), files, "c")[0], false)
	two := joined(r.Render(context.Background(), files, "c")[0], false)
	if one != two || !strings.Contains(one, "d: 19") {
		t.Errorf("%s\n%s", one, two)
	}
}
