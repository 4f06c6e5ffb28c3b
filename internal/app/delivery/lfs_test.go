package delivery

import (
	"errors"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/fault"
)

// TestPointersAreNamed has a file whose content Git LFS keeps elsewhere be named
// as such, whichever tool reads it; a picture in a chart is none of our business.
func TestPointersAreNamed(t *testing.T) {
	const lfs = lfsMark + "v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	const chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
	for name, c := range map[string]struct {
		files map[string]string
		where string
	}{
		"plain":           {map[string]string{"app/a.yaml": lfs, "app/b.yaml": manifest("b", "1")}, "app/a.yaml"},
		"a kustomization": {map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": lfs}, "app/a.yaml"},
		"a template":      {map[string]string{"app/Chart.yaml": chart, "app/templates/a.yaml": lfs}, "app/templates/a.yaml"},
		"values":          {map[string]string{"app/Chart.yaml": chart, "app/values.yaml": lfs, "app/templates/a.yaml": manifest("a", "1")}, "app/values.yaml"},
		"a picture":       {map[string]string{"app/Chart.yaml": chart, "app/logo.png": lfs, "app/templates/a.yaml": manifest("a", "1")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t)
			rev := ""
			for file, text := range c.files {
				rev = w.commit(file, text)
			}
			remote, app := w.remote()
			app.Spec.Source.Path = "app"
			if _, _, err := remote.Resolve(t.Context(), app, 0); err != nil {
				t.Fatal(err)
			}
			tree, err := remote.Fetch(t.Context(), app, rev)
			if err != nil {
				t.Fatal(err)
			}
			r := NewRenderer(helm.New(helm.Options{}), kustomize.New(kustomize.Options{}), &Inputs{})
			_, err = r.Render(t.Context(), app, tree)
			if c.where == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind != fault.Invalid || f.Subject != c.where || !strings.Contains(f.Public, "Git LFS") || !strings.Contains(f.Hint, "git lfs untrack "+c.where) {
				t.Errorf("%v", err)
			}
		})
	}
}
