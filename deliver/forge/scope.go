package forge

import (
	"path"
	"slices"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// ScopeOf returns what an application is made of: its own folder and values
// files, and what else a render read: of a kustomization elsewhere the files
// beside it too, of a chart elsewhere all of it, so that files go that came
// with the bad revision.
func ScopeOf(src *v1alpha1.Source, read []string) Scope {
	var s Scope
	add := func(list *[]string, p string) {
		if p = path.Clean(p); p == "." {
			p = ""
		}
		if !slices.Contains(*list, p) {
			*list = append(*list, p)
		}
	}
	add(&s.Folders, src.Path)
	if src.Helm != nil {
		for _, f := range src.Helm.ValuesFiles {
			add(&s.Files, f)
		}
	}
	for _, p := range read {
		switch path.Base(p) {
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			add(&s.Beside, path.Dir(p))
		case "Chart.yaml":
			add(&s.Folders, path.Dir(p))
		}
		add(&s.Files, p)
	}
	return s
}
