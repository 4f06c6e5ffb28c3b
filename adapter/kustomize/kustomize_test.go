package kustomize

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/autoecoops/autoecoops/assess"
)

// txtarFS makes a file system of a txtar text.
func txtarFS(text string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return files
}

func render(t *testing.T, files fs.FS, root string, opts Options) *assess.Render {
	t.Helper()
	out := New(opts).Render(context.Background(), files, root)
	if len(out) != 1 {
		t.Fatalf("a kustomization has one variant, got %d", len(out))
	}
	return out[0]
}

func output(r *assess.Render) string {
	var b strings.Builder
	for _, c := range r.Chunks {
		b.Write(c.Text)
	}
	return b.String()
}

// TestSamples renders the samples whose bytes test/parity compares with the
// command line's.
func TestSamples(t *testing.T) {
	files := os.DirFS("testdata")
	for root, objects := range map[string]int{
		"overlays/base": 6, "overlays/staging": 6, "overlays/prod": 7, "legacy/overlay": 3,
		"plugins/app": 3, "plugins/plain": 1, "diamond/all": 2,
	} {
		r := render(t, files, root, Options{})
		for _, p := range r.Problems {
			t.Errorf("%s: %+v", root, p)
		}
		if n := strings.Count("\n"+output(r), "\nkind: "); n != objects {
			t.Errorf("%s: %d objects, want %d:\n%s", root, n, objects, output(r))
		}
	}
}

func TestRead(t *testing.T) {
	r := render(t, os.DirFS("testdata"), "overlays/prod", Options{})
	want := `overlays/base/app.env overlays/base/conf/extra.txt overlays/base/job.yaml overlays/base/kustomization.yaml ` +
		`overlays/base/nginx.conf overlays/base/web.yaml overlays/components/hardened/harden.yaml ` +
		`overlays/components/hardened/kustomization.yaml overlays/prod/budget.yaml overlays/prod/kustomization.yaml overlays/prod/patch-web.yaml`
	if got := strings.Join(r.Read, " "); got != want {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
}
