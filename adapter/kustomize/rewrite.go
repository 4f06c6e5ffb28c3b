package kustomize

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	sigsyaml "sigs.k8s.io/yaml"
)

// lenience says how much of a kustomization with lost parts is given up so
// that the rest of it renders.
type lenience int

const (
	// exact takes out the lost references only.
	exact lenience = iota
	// optional also lets patches have no target.
	optional
	// reduced also leaves out what copies from or merges into lost objects.
	reduced
)

// overlay returns the view of g's tree that the library gets: every
// kustomization as it was decoded and checked here, without what may not be
// followed. The library never decodes a text that has not been checked.
func (g *graph) overlay(l lenience) (*view, error) {
	v := newView(g.files, g.contents)
	for _, n := range g.order {
		if n.k == nil {
			continue
		}
		k, err := clone(n.k)
		if err != nil {
			return nil, err
		}
		n.without(k)
		g.modernise(n, k)
		if n.lost && l >= optional {
			g.relax(n, k)
		}
		if n.lost && l >= reduced {
			reduce(k)
		}
		g.mountCharts(v, n, k)
		if k.MetaData == nil {
			// The library refuses a kustomization without any content.
			k.MetaData = &types.ObjectMeta{Name: "kustomization"}
		}
		if ref := anyRemote(k); ref != "" {
			return nil, fmt.Errorf("remote reference %s was not taken out", address(ref))
		}
		data, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		v.overlay[n.file] = data
	}
	return v, nil
}

func clone(k *types.Kustomization) (*types.Kustomization, error) {
	data, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	var c types.Kustomization
	err = json.Unmarshal(data, &c)
	return &c, err
}

// without takes the refused references out of k.
func (n *node) without(k *types.Kustomization) {
	gone := func(fields ...string) func(string) bool {
		return func(ref string) bool {
			return slices.ContainsFunc(fields, func(f string) bool { return n.drop[f][ref] })
		}
	}
	k.Resources = slices.DeleteFunc(k.Resources, gone("resources", "bases"))
	k.Components = slices.DeleteFunc(k.Components, gone("components"))
	k.Crds = slices.DeleteFunc(k.Crds, gone("crds"))
	k.Configurations = slices.DeleteFunc(k.Configurations, gone("configurations"))
	k.Generators = slices.DeleteFunc(k.Generators, gone("generators"))
	k.Transformers = slices.DeleteFunc(k.Transformers, gone("transformers"))
	k.Validators = slices.DeleteFunc(k.Validators, gone("validators"))
	patch := func(f string) func(types.Patch) bool {
		return func(p types.Patch) bool { return p.Path != "" && n.drop[f][p.Path] }
	}
	k.Patches = slices.DeleteFunc(k.Patches, patch("patches"))
	k.PatchesJson6902 = slices.DeleteFunc(k.PatchesJson6902, patch("patchesJson6902"))
	k.PatchesStrategicMerge = slices.DeleteFunc(k.PatchesStrategicMerge, func(p types.PatchStrategicMerge) bool {
		return n.drop["patchesStrategicMerge"][string(p)]
	})
	k.Replacements = slices.DeleteFunc(k.Replacements, func(r types.ReplacementField) bool {
		return r.Path != "" && n.drop["replacements"][r.Path]
	})
	if len(n.drop["openapi"]) > 0 {
		delete(k.OpenAPI, "path")
	}
	for i := range k.ConfigMapGenerator {
		a := &k.ConfigMapGenerator[i]
		a.FileSources = slices.DeleteFunc(a.FileSources, gone("configMapGenerator"))
		a.EnvSources = slices.DeleteFunc(a.EnvSources, gone("configMapGenerator"))
	}
	for i := range k.SecretGenerator {
		a := &k.SecretGenerator[i]
		a.FileSources = slices.DeleteFunc(a.FileSources, gone("secretGenerator"))
		a.EnvSources = slices.DeleteFunc(a.EnvSources, gone("secretGenerator"))
	}
}

// anyRemote returns a reference of k that the library would fetch, "" if none.
func anyRemote(k *types.Kustomization) string {
	refs := slices.Concat(k.Resources, k.Components, k.Crds, k.Configurations, k.Generators, k.Transformers, k.Validators)
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		refs = append(refs, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge {
		refs = append(refs, string(p))
	}
	for _, r := range k.Replacements {
		refs = append(refs, r.Path)
	}
	sources := func(s types.KvPairSources) {
		for _, ref := range slices.Concat(s.FileSources, s.EnvSources, []string{s.EnvSource}) {
			refs = append(refs, ref, sourcePath(ref))
			if _, p, ok := strings.Cut(ref, "="); ok {
				refs = append(refs, p)
			}
		}
	}
	for _, a := range k.ConfigMapGenerator {
		sources(a.KvPairSources)
	}
	for _, a := range k.SecretGenerator {
		sources(a.KvPairSources)
	}
	refs = append(refs, k.OpenAPI["path"])
	for _, inline := range slices.Concat(k.Generators, k.Transformers, k.Validators) {
		for _, part := range splitDocs([]byte(inline)) {
			var c pluginRefs
			if err := sigsyaml.Unmarshal(part, &c); err == nil {
				refs = append(refs, c.all()...)
			}
		}
	}
	for _, ref := range refs {
		if !strings.Contains(ref, "\n") && isRemote(ref) {
			return ref
		}
	}
	return ""
}

// modernise replaces deprecated fields where that cannot change the output,
// because the library prints a warning to standard error for each of them.
func (g *graph) modernise(n *node, k *types.Kustomization) {
	if len(k.CommonLabels) > 0 && !g.configured {
		k.Labels = append(k.Labels, types.Label{Pairs: k.CommonLabels, IncludeSelectors: true})
		k.CommonLabels = nil
	}
	var patches []types.Patch
	for _, p := range k.PatchesStrategicMerge {
		patch, ok := g.asPatch(n, string(p))
		if !ok {
			return
		}
		patches = append(patches, patch)
	}
	k.Patches = append(patches, k.Patches...)
	k.PatchesStrategicMerge = nil
}

func (g *graph) asPatch(n *node, entry string) (types.Patch, bool) {
	docs, err := parse([]byte(entry))
	if err == nil && len(docs) > 0 && docs[0] != nil && text(docs[0], "kind") != "" {
		return types.Patch{Patch: entry}, true
	}
	p, ok := join(n.dir, entry)
	if !ok {
		return types.Patch{}, false
	}
	docs, err = g.docs(p)
	if err != nil || len(docs) == 0 || docs[0] == nil || text(docs[0], "kind") == "" {
		return types.Patch{}, false
	}
	return types.Patch{Path: entry}, true
}

// relax gives patches a selector, because a patch whose selector matches
// nothing is not an error: its target may be among what is lost.
func (g *graph) relax(n *node, k *types.Kustomization) {
	var out []types.Patch
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		if p.Target != nil {
			out = append(out, p)
			continue
		}
		data := []byte(p.Patch)
		if p.Path != "" {
			data, _ = g.load(path.Join(n.dir, p.Path))
		}
		for _, part := range splitDocs(data) {
			docs, err := parse(part)
			if err != nil || len(docs) == 0 || docs[0] == nil {
				continue
			}
			out = append(out, types.Patch{Patch: string(part), Target: selector(identify(docs[0])), Options: p.Options})
		}
	}
	k.Patches, k.PatchesJson6902 = out, nil
}

func selector(id ident) *types.Selector {
	return &types.Selector{ResId: resid.ResId{
		Gvk:       resid.Gvk{Group: regexp.QuoteMeta(id.group()), Kind: regexp.QuoteMeta(id.kind)},
		Name:      regexp.QuoteMeta(id.name),
		Namespace: regexp.QuoteMeta(id.namespace),
	}}
}

// reduce leaves out what needs an object that may be lost.
func reduce(k *types.Kustomization) {
	k.Replacements, k.Vars, k.Transformers, k.Validators = nil, nil, nil, nil
	merges := func(b string) bool { return b == "merge" || b == "replace" }
	k.ConfigMapGenerator = slices.DeleteFunc(k.ConfigMapGenerator, func(a types.ConfigMapArgs) bool { return merges(a.Behavior) })
	k.SecretGenerator = slices.DeleteFunc(k.SecretGenerator, func(a types.SecretArgs) bool { return merges(a.Behavior) })
}
