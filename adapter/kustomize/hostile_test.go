package kustomize

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// TestNothingLeaves gives the library every way out that is known: it must
// neither ask a server nor start git or helm.
func TestNothingLeaves(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		fmt.Fprint(w, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fetched}\n")
	}))
	defer server.Close()
	bin := t.TempDir()
	for _, program := range []string{"git", "helm"} {
		script := "#!/bin/sh\ntouch " + filepath.Join(bin, "started") + "\n"
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	url := server.URL + "/x.yaml"
	// The library left alone does ask: so the test would notice.
	bare := map[string][]byte{"kustomization.yaml": []byte("resources: [" + url + "]")}
	probe := newView(fstest.MapFS{"kustomization.yaml": {Data: bare["kustomization.yaml"]}}, bare)
	if _, err := run(context.Background(), probe, ".", false); err != nil || hits.Load() != 1 {
		t.Fatalf("the probe: %v, %d hits", err, hits.Load())
	}
	hits.Store(0)
	upper := strings.Replace(url, "http", "HTTP", 1)
	patch := "\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: cm}\n    data: {a: b}\n"
	plugin := func(body string) string {
		return "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\n" + body
	}
	for _, k := range []string{
		"resources: [%s]", "Resources: [%s]", "bases: [%s]", "components: [%s]", "crds: [%s]", "configurations: [%s]",
		"openapi: {path: %s}", "patches: [{path: %s}]", "patches: [{PATH: %s}]", "patchesStrategicMerge: [%s]",
		"patchesJson6902: [{path: %s, target: {version: v1, kind: ConfigMap, name: cm}}]", "replacements: [{path: %s}]",
		"configMapGenerator: [{name: a, files: [%s]}]", "configMapGenerator: [{name: a, files: ['k=%s']}]", "configMapGenerator: [{name: a, FILES: ['k=%s']}]",
		"configMapGenerator: [{name: a, envs: [%s]}]", "configMapGenerator: [{name: a, env: %s}]", "secretGenerator: [{name: a, envs: [%s]}]",
		"generators: [%s]", "transformers: [%s]", "validators: [%s]", "Transformers: [%s]",
		"transformers: [t.yaml]", "transformers: [dir]", "transformers: [patched]", "TRANSFORMERS: [t.yaml]",
		"transformers: [{a: %s}]", "generators: [h.yaml]", "generators: [g.yaml]",
		"transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: p}\n  Path: %s\n",
		"transformers:\n- '{\"apiVersion\": \"builtin\", \"kind\": \"PatchTransformer\", \"metadata\": {\"name\": \"p\"}, \"path\": \"%s\"}'\n",
		"helmCharts: [{name: c, repo: %s}]", "helmCharts: [{name: c, valuesFile: %s}]", "helmCharts: [{name: local, additionalValuesFiles: [%s]}]",
		"x: &x [%s]\nresources: *x", "resources: [other, %s]", "<<: {resources: [%s]}",
		"resources: [git@127.0.0.1:o/r.git]", "resources: [ssh://git@127.0.0.1/o/r.git]", "resources: [file:///o/r]", "resources: [git::https://127.0.0.1/o/r]",
		"resources: [github.com/o/r]", "resources: ['GITHUB.com:o/r']", "resources: [u@h/o/r]", "components: [u@h:o/r]",
	} {
		for _, address := range []string{url, upper, "http:" + strings.TrimPrefix(url, "http:/")} {
			text := strings.ReplaceAll(k, "%s", address)
			if !strings.Contains(strings.ToLower(k), "resources") {
				text += "\nresources: [cm.yaml]"
			}
			if !strings.Contains(k, "patches") {
				text += "\nnamespace: x\npatches:\n- patch: |-" + patch
			}
			files := fstest.MapFS{}
			for name, data := range map[string]string{
				"kustomization.yaml": text,
				"t.yaml":             plugin("path: " + address), "dir/kustomization.yaml": "resources: [t.yaml]", "dir/t.yaml": plugin("paths: [" + address + "]"),
				"patched/kustomization.yaml": "resources: [t.yaml]\npatches: [{target: {kind: PatchTransformer}, patch: '[{op: replace, path: /path, value: \"" + address + "\"}]'}]",
				"patched/t.yaml":             plugin("path: other"),
				"other/kustomization.yaml":   "Resources: ['" + address + "']",
				"h.yaml":                     "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: h}\nname: c\nrepo: " + address,
				"g.yaml":                     "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: h}\nfiles: ['" + address + "']",
				"charts/local/values.yaml":   "{}", "charts/local/Chart.yaml": "name: local",
				"cm.yaml": strings.TrimPrefix(object, "-- cm.yaml --\n"),
			} {
				files[name] = &fstest.MapFile{Data: []byte(data)}
			}
			r := render(t, files, ".", Options{Timeout: 5 * time.Second})
			if len(r.Problems) == 0 {
				t.Errorf("no problem with\n%s", text)
			}
			if hits.Load() > 0 {
				t.Fatalf("a server was asked by\n%s", text)
			}
			if _, err := os.Stat(filepath.Join(bin, "started")); err == nil {
				t.Fatalf("a program was started by\n%s", text)
			}
		}
	}
}

// TestConcurrent renders and traces all samples side by side, with custom
// schemas among them, and expects what one after the other gives.
func TestConcurrent(t *testing.T) {
	files := os.DirFS("testdata")
	roots := []string{"overlays/prod", "overlays/staging", "legacy/overlay", "plugins/app", "plugins/plain", "diamond/all"}
	want := map[string]string{}
	r := New(Options{})
	for _, root := range roots {
		want[root] = output(r.Render(context.Background(), files, root)[0])
	}
	var wg sync.WaitGroup
	for i := range 48 {
		wg.Go(func() {
			root := roots[i%len(roots)]
			got := r.Render(context.Background(), files, root)[0]
			if output(got) != want[root] {
				t.Errorf("%s differs when rendered beside others", root)
			}
			traceAll(t, got)
		})
	}
	wg.Wait()
}

// traceAll asks for the origin of every rendered value.
func traceAll(t *testing.T, r *assess.Render) (known, all int) {
	for _, c := range r.Chunks {
		for _, doc := range rendered(t, c.Text) {
			var down func(n tree.Node)
			down = func(n tree.Node) {
				all++
				o, ok := c.Tracer.Trace(doc, n.PathFrom(doc))
				if ok {
					known++
				}
				if ok && (o.File == "" || o.Line < 1 || o.Kind == "" || len(o.Via) == 0) {
					t.Errorf("%s: %s: %+v", r.Root, n.PathFrom(doc), o)
				}
				for _, v := range n.Fields() {
					down(v)
				}
				for _, v := range n.Items() {
					down(v)
				}
			}
			down(doc)
		}
	}
	return known, all
}

// TestTraceEverything expects an origin for every value of the samples.
func TestTraceEverything(t *testing.T) {
	for _, root := range []string{"overlays/prod", "overlays/staging", "legacy/overlay", "plugins/app", "plugins/plain", "diamond/all"} {
		r := render(t, os.DirFS("testdata"), root, Options{})
		if known, all := traceAll(t, r); known != all || all == 0 {
			t.Errorf("%s: %d of %d values have an origin", root, known, all)
		}
	}
}
