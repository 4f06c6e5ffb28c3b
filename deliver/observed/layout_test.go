package observed

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

func tree(names ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for _, n := range names {
		name, text, _ := strings.Cut(n, "=")
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestFit(t *testing.T) {
	folder, flux, chart := argoOf(repoURL+`,"path":"a"`), kustomizationOf(`"path":"a/b"`), releaseOf("", "")
	top := argoOf(repoURL)
	recursive := argoOf(repoURL + `,"path":"a","directory":{"recurse":true}`)
	for name, c := range map[string]struct {
		body  string
		files fstest.MapFS
		want  string
	}{
		"argo, a folder":                {folder, tree("a/web.yaml", "a/README.md", "b/x.yaml", "a/deep/text.md"), ""},
		"argo, the top":                 {top, tree("web.yaml"), ""},
		"argo, the top and below":       {top, tree("web.yaml", "deep/web.yaml"), "folders below its folder have manifests, and it reads none of those"},
		"argo, below":                   {folder, tree("a/web.yaml", "a/deep/web.yml"), "folders below its folder have manifests, and it reads none of those"},
		"argo, git below":               {top, tree("web.yaml", ".git/x.yaml"), ""},
		"argo, recursive":               {recursive, tree("a/web.yaml", "a/deep/web.yml"), ""},
		"argo, recursive in Jsonnet":    {recursive, tree("a/web.yaml", "a/deep/web.jsonnet"), "it is written in Jsonnet, in part"},
		"argo, Jsonnet below":           {folder, tree("a/web.yaml", "a/deep/web.jsonnet"), ""},
		"argo, Jsonnet":                 {folder, tree("a/web.yaml", "a/web.jsonnet"), "it is written in Jsonnet, in part"},
		"argo, hidden":                  {folder, tree("a/web.yaml", "a/.x.yaml"), "it reads hidden files too"},
		"argo, recursive and hidden":    {recursive, tree("a/web.yaml", "a/.x/y.yaml"), "it reads hidden files too"},
		"argo, marked":                  {folder, tree("a/web.yaml=# +argocd:skip-file-rendering"), "the file a/web.yaml is marked to be left out"},
		"argo, overridden":              {folder, tree("a/web.yaml", "a/.argocd-source.yaml"), "the file a/.argocd-source.yaml changes what is rendered"},
		"argo, overridden by name":      {folder, tree("a/web.yaml", "a/.argocd-source-shop.yaml"), "the file a/.argocd-source-shop.yaml changes what is rendered"},
		"argo, overridden by namespace": {folder, tree("a/web.yaml", "a/.argocd-source-argocd_shop.yaml"), "the file a/.argocd-source-argocd_shop.yaml changes what is rendered"},
		"argo, kustomization":           {folder, tree("a/kustomization.yml", "a/deep/web.yaml"), ""},
		"argo, chart":                   {folder, tree("a/Chart.yaml", "a/templates/web.yaml"), ""},
		"argo, chart as a folder":       {recursive, tree("a/Chart.yaml"), "it takes a chart or kustomization for a folder of manifests"},
		"argo, values but no chart":     {argoOf(repoURL + `,"path":"a","helm":{"values":"a: 1"}`), tree("a/web.yaml"), "it says how to render a chart, but its folder is none, or a kustomization as well"},
		"argo, values and a chart":      {argoOf(repoURL + `,"path":"a","helm":{"values":"a: 1"}`), tree("a/Chart.yaml"), ""},
		"argo, no folder":               {folder, tree("b/web.yaml"), "!"},

		"flux, a folder":            {flux, tree("a/b/web.yaml", "a/b/deep/web.yml", "a/b/x.json={}"), ""},
		"flux, kustomization":       {flux, tree("a/b/Kustomization", "a/b/deep/kustomization.yaml"), ""},
		"flux, kustomization below": {flux, tree("a/b/web.yaml", "a/b/deep/kustomization.yaml"), "a folder below its folder is a kustomization"},
		"flux, chart":               {flux, tree("a/b/Chart.yaml"), "it takes a chart for a folder of manifests"},
		"flux, ignored":             {flux, tree("a/b/web.yaml", "a/.sourceignore"), "the file a/.sourceignore changes what is rendered"},
		"flux, ignored at the top":  {flux, tree("a/b/web.yaml", ".sourceignore"), "the file .sourceignore changes what is rendered"},
		"flux, JSON":                {flux, tree(`a/b/web.json={"apiVersion":"v1","kind":"Pod"}`), "the file a/b/web.json is left out, as all JSON is"},
		"flux, hidden":              {flux, tree("a/b/web.yaml", "a/b/.x.yaml"), "it reads hidden files too"},
		"flux, what is left out":    {flux, tree("a/b/web.yaml", "a/b/.gitlab-ci.yml", "a/b/.github/x.yaml", "a/b/.git/y.yaml"), ""},

		"helm":             {chart, tree("charts/shop/Chart.yaml", "charts/shop/templates/.x.yaml"), ""},
		"helm, no chart":   {chart, tree("charts/shop/web.yaml"), "its folder is no chart, or a kustomization as well"},
		"helm, customized": {chart, tree("charts/shop/Chart.yaml", "charts/shop/kustomization.yaml"), "its folder is no chart, or a kustomization as well"},
		"helm, ignored":    {chart, tree("charts/shop/Chart.yaml", "charts/.sourceignore"), "the file charts/.sourceignore changes what is rendered"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := OriginOf(object(t, c.body))
			if err != nil {
				t.Fatal(err)
			}
			o, err = o.Fit(c.files)
			misfit, is := errors.AsType[Misfit](err)
			switch {
			case c.want == "!":
				if err == nil || is {
					t.Errorf("%v is not an error of reading", err)
				}
			case c.want != misfit.Why || is != (err != nil):
				t.Errorf("%v, want %q", err, c.want)
			case err == nil && (c.files[o.Source.Path+"/Chart.yaml"] == nil) != (o.Source.Helm == nil):
				t.Errorf("values for %+v", o.Source)
			}
		})
	}
}

// deaf is a tree in which some files cannot be read.
type deaf struct {
	fs.FS
	broken string
}

func (d deaf) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, d.broken) {
		return nil, fs.ErrPermission
	}
	return d.FS.Open(name)
}

// TestFitReads has every failure to read told as what it is.
func TestFitReads(t *testing.T) {
	for _, c := range []struct {
		body, broken string
		files        []string
	}{
		{argoOf(repoURL + `,"path":"a"`), "a/Chart.yaml", []string{"a/web.yaml"}},
		{argoOf(repoURL + `,"path":"a"`), ".argocd-source.yaml", []string{"a/web.yaml"}},
		{argoOf(repoURL + `,"path":"a"`), "a/Kustomization", []string{"a/web.yaml"}},
		{argoOf(repoURL + `,"path":"a"`), "web.yaml", []string{"a/web.yaml"}},
		{kustomizationOf(`"path":"a"`), "deep/kustomization.yml", []string{"a/deep/web.yaml"}},
		{kustomizationOf(`"path":"a"`), "a/deep", []string{"a/deep/web.yaml"}},
	} {
		o, err := OriginOf(object(t, c.body))
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.Fit(deaf{tree(c.files...), c.broken})
		if _, is := errors.AsType[Misfit](err); !errors.Is(err, fs.ErrPermission) || is {
			t.Errorf("%s: %v", c.broken, err)
		}
	}
}

func TestSuits(t *testing.T) {
	bodies := []map[string]any{{"metadata": map[string]any{"namespace": "b"}}, {"metadata": map[string]any{}}, {"metadata": map[string]any{"namespace": "a"}}}
	stays := Origin{Namespace: "a"}
	moves := Origin{Namespace: "a", layout: layout{moves: true}}
	if err := stays.Suits(bodies); err != nil {
		t.Error(err)
	}
	if err := moves.Suits(bodies[1:]); err != nil {
		t.Error(err)
	}
	if err := moves.Suits(bodies); err == nil || err.Error() != "it moves objects of namespace b to a" {
		t.Error(err)
	}
	if err := stays.Suits(nil); err == nil {
		t.Error("nothing at all suits")
	}
	if got := strings.Join(stays.Namespaces(bodies), " "); got != "a b" {
		t.Error(got)
	}
	if got := (Origin{Namespace: "a", Elsewhere: true}).Namespaces(bodies); got != nil {
		t.Error(got)
	}
}

func TestManaged(t *testing.T) {
	app := &v1alpha1.Application{}
	app.Namespace, app.Name, app.UID = "prod", "shop", "u"
	app.Annotations = map[string]string{v1alpha1.AnnotationSync: "now"}
	app.Spec.Observe = &v1alpha1.ObjectReference{Kind: "Application"}
	app.Spec.Gate.FailOn = "low"
	app.Status.ObservedGeneration = 7
	o := Origin{Source: v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "u"}, Path: "a"}, Namespace: "n"}
	m := o.Managed(app)
	if m.Spec.Observe != nil || m.Spec.Source.Git.URL != "u" || m.Spec.Namespace != "n" || m.Spec.Gate.FailOn != "low" || m.UID != "u" || m.Annotations[v1alpha1.AnnotationSync] != "now" || m.Status.ObservedGeneration != 0 {
		t.Errorf("%+v", m)
	}
	if m.Spec.Source.Git.URL = "other"; o.Source.Git.URL != "u" {
		t.Error("the origin is changed by what is made of it")
	}
}
