package assess

import (
	"path"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// unusedPatch reports whether a file that no kustomization reads is a patch
// that was left behind, and accounts for it. A patch names an object and holds
// a part of it: judged as an object it would break every rule.
func (r *run) unusedPatch(f *file) bool {
	if !r.besideKustomization(f.path) {
		return false
	}
	named := slices.ContainsFunc(strings.FieldsFunc(path.Base(f.path), func(r rune) bool { return strings.ContainsRune("-_.", r) }), func(word string) bool {
		return word == "patch" || word == "patches" // and not dispatcher
	})
	for _, d := range f.docs {
		if d.Doc == nil {
			continue
		}
		if named || isFragment(d.Doc.Root()) {
			r.account1(f.path, kindManifest, Skipped, "a patch that no kustomization of this tree uses")
			return true
		}
	}
	return false
}

// besideKustomization reports whether a kustomization lies in the file's
// folder or in one above it.
func (r *run) besideKustomization(p string) bool {
	for d := path.Dir(p); ; d = path.Dir(d) {
		if r.kustomized[d] {
			return true
		}
		if d == "." {
			return false
		}
	}
}

// isFragment reports whether a workload lacks what the API demands of it.
func isFragment(body tree.Node) bool {
	switch body.Get("kind").Text() {
	case "Deployment", "StatefulSet", "DaemonSet":
	default:
		return body.Get("$patch").Exists()
	}
	spec := body.Get("spec")
	if spec.Get("$patch").Exists() || !spec.Get("selector").Exists() || !spec.At("template", "spec", "containers").IsList() {
		return true
	}
	for _, c := range spec.At("template", "spec", "containers").Items() {
		if !c.Get("image").Exists() {
			return true
		}
	}
	return false
}
