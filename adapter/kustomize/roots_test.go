package kustomize

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

func TestRoots(t *testing.T) {
	files := os.DirFS("testdata")
	var dirs []string
	_ = fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if strings.HasPrefix(strings.ToLower(path.Base(p)), "kustomization") {
			dirs = append(dirs, path.Dir(p))
		}
		return err
	})
	want := "charts/over charts/plugin charts/site diamond/all legacy/overlay overlays/prod overlays/staging plugins/app plugins/plain"
	if got := strings.Join(Roots(files, dirs), " "); got != want {
		t.Errorf("roots\n%s\nwant\n%s", got, want)
	}
	for _, f := range Classify(files, dirs) {
		if f.Dir == "overlays/components/hardened" && (!f.Component || strings.Join(f.IncludedBy, " ") != "overlays/prod") {
			t.Errorf("%+v", f)
		}
	}
	circle := txtarFS("-- a/kustomization.yaml --\nresources: [../b]\n-- b/kustomization.yaml --\nresources: [../a]\n-- c/kustomization.yaml --\nresources: [x: y, {}]\n-- d/kustomization.yaml --\n[\n")
	if got := strings.Join(Roots(circle, []string{"a", "b", "c", "d"}), " "); got != "a c d" {
		t.Errorf("roots of a circle: %s", got)
	}
}
