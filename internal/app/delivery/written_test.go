package delivery

import (
	"testing"
	"testing/fstest"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func TestWritten(t *testing.T) {
	files := fstest.MapFS{
		"plain/all.yaml":              {Data: []byte("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a, labels: {x.y/z: b}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n      - name: one\n        image: i:1\n      - name: two\n        image: i:2\n")},
		"overlay/kustomization.yaml":  {Data: []byte("resources: [../base]\nnamePrefix: p-\nimages: [{name: i, newTag: '9'}]\n")},
		"base/kustomization.yaml":     {Data: []byte("resources: [web.yaml]\n")},
		"base/web.yaml":               {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: one\n    image: i:1\n    tty: true\n")},
		"chart/Chart.yaml":            {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
		"chart/templates/config.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  a: b\n")},
	}
	charts := helm.New(helm.Options{})
	r := NewRenderer(charts, kustomize.New(kustomize.Options{}), &Inputs{})
	for _, c := range []struct {
		root       string
		kind, name string
		path, want string
	}{
		{"plain", "ConfigMap", "a", "", "plain/all.yaml:4"},
		{"plain", "ConfigMap", "a", `metadata.labels["x.y/z"]`, "plain/all.yaml:6"},
		{"plain", "Deployment", "web", "spec.template.spec.containers[name=two].image", "plain/all.yaml:20"},
		{"plain", "Deployment", "web", "spec.template.spec.containers[1].securityContext", "plain/all.yaml:19"},
		{"plain", "Deployment", "other", "", ""},
		{"overlay", "Pod", "p-web", "spec.containers[name=one].tty", "base/web.yaml:9"},
		{"overlay", "Pod", "web", "", ""},
		{"chart", "ConfigMap", "app", "data.a", "chart/templates/config.yaml:6"},
	} {
		app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{Path: c.root}}}
		app.Name = "app"
		rendered, err := r.Render(t.Context(), app, Local(files))
		if err != nil {
			t.Fatal(err)
		}
		k := deliver.Key{Kind: c.kind, Namespace: "shop", Name: c.name}
		if c.kind == "Deployment" {
			k.Group = "apps"
		}
		at, ok := WrittenIn(rendered).Place(k, c.path)
		at.Column = 0
		if got := at.String(); got != c.want || ok != (c.want != "") {
			t.Errorf("%s %s %s: %s, want %s", c.root, c.name, c.path, got, c.want)
		}
	}
	if len(WrittenIn(&deliver.Rendered{}).objects) != 0 {
		t.Error("nothing was rendered")
	}
}
