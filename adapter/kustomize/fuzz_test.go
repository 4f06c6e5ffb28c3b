package kustomize

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

// FuzzRender feeds the walk, the rewriting and Roots with kustomizations
// that nobody would write. It must not panic, hang or leave the tree.
func FuzzRender(f *testing.F) {
	samples, _ := filepath.Glob("testdata/*/*/[kK]ustomization*")
	for _, s := range samples {
		data, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), object)
	}
	f.Add("resources: [cm.yaml, sub]\npatches: [{path: cm.yaml}]", "- op: add\n  path: /a/-\n  value: *x\n")
	f.Add("transformers: [cm.yaml]", "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: http://x\n")
	f.Fuzz(func(t *testing.T, kustomization, manifest string) {
		files := fstest.MapFS{
			"kustomization.yaml":     {Data: []byte(kustomization)},
			"cm.yaml":                {Data: []byte(manifest)},
			"sub/kustomization.yaml": {Data: []byte(kustomization)},
			"sub/cm.yaml":            {Data: []byte(manifest)},
		}
		start := time.Now()
		defer func() {
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("took %s", d)
			}
		}()
		r := New(Options{Timeout: 5 * time.Second}).Render(context.Background(), files, ".")[0]
		if len(r.Chunks) == 0 && len(r.Problems) == 0 && len(r.Read) == 0 {
			t.Errorf("neither output nor problem nor anything read")
		}
		Roots(files, []string{".", "sub"})
	})
}

// FuzzParse feeds the parser and what walks over its trees.
func FuzzParse(f *testing.F) {
	f.Add("a: &a [*a]")
	f.Add("a: &a {<<: *a}")
	f.Add(bomb())
	f.Add("\ufeff---\n- x\n--- |\n y\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := parse([]byte(text))
		if err != nil {
			return
		}
		for _, d := range docs {
			for _, o := range flatten(d, 0) {
				identify(o)
				at("f", o, o)
				findKey(o, "name", 0)
				findValue(o, "x", 0)
			}
		}
		splitDocs([]byte(text))
		splitFieldPath(text)
		pointer(text)
		isRemote(text)
		imageResult(nil, text)
		if len(docs) > 0 {
			imageResult(docs[0], text)
		}
	})
}
