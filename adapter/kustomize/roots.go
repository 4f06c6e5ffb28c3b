package kustomize

import (
	"io/fs"
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
)

// Folder is what Classify says of one kustomization.
type Folder struct {
	Dir string
	// Component means that it cannot be built alone.
	Component bool
	// IncludedBy lists the folders whose kustomization includes this one.
	IncludedBy []string
}

// Classify tells of all folders with a kustomization who includes whom. What
// it cannot read includes nothing. The result has the order of dirs.
func Classify(files fs.FS, dirs []string) []Folder {
	g := &graph{files: files, read: map[string]bool{}, contents: map[string][]byte{}, parsed: map[string]*parsed{}}
	out := make([]Folder, len(dirs))
	index := make(map[string]int, len(dirs))
	for i, d := range dirs {
		d = path.Clean(d)
		out[i].Dir, index[d] = d, i
	}
	for i := range out {
		component, kids := g.includedBy(out[i].Dir)
		out[i].Component = component
		for _, kid := range kids {
			if j, ok := index[kid]; ok && kid != out[i].Dir && !slices.Contains(out[j].IncludedBy, out[i].Dir) {
				out[j].IncludedBy = append(out[j].IncludedBy, out[i].Dir)
			}
		}
	}
	return out
}

// includedBy reads the kustomization in dir: whether it is a component and
// which folders it names.
func (g *graph) includedBy(dir string) (component bool, kids []string) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		p := path.Join(dir, name)
		docs, err := g.docs(p)
		if err != nil || len(docs) == 0 {
			continue
		}
		delete(g.contents, p)
		component = component || text(docs[0], "kind") == types.ComponentKind
		for _, s := range stanzas() {
			for _, item := range items(get(docs[0], s.field)) {
				item = follow(item)
				if item == nil || isRemote(item.Value) {
					continue
				}
				if kid, ok := join(dir, item.Value); ok {
					if real, err := resolve(g.files, kid); err == nil && g.isDir(real) {
						kids = append(kids, real)
					}
				}
			}
		}
	}
	return component, kids
}

// Roots returns those of dirs that are to be built: the kustomizations that no
// other one includes. Components are not, because they only stand within
// another one; bases are judged through their overlays. Of kustomizations that
// include each other in a circle, the first is a root, so that none is lost.
func Roots(files fs.FS, dirs []string) []string {
	folders := Classify(files, dirs)
	kids := map[string][]string{}
	for _, f := range folders {
		for _, by := range f.IncludedBy {
			kids[by] = append(kids[by], f.Dir)
		}
	}
	reached := map[string]bool{}
	var mark func(dir string)
	mark = func(dir string) {
		if !reached[dir] {
			reached[dir] = true
			for _, kid := range kids[dir] {
				mark(kid)
			}
		}
	}
	var roots []string
	for _, f := range folders {
		if len(f.IncludedBy) == 0 {
			mark(f.Dir)
			if !f.Component {
				roots = append(roots, f.Dir)
			}
		}
	}
	for _, f := range folders {
		if !reached[f.Dir] && !f.Component {
			mark(f.Dir)
			roots = append(roots, f.Dir)
		}
	}
	slices.Sort(roots)
	return roots
}
