package kustomize

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// stage finds the last transformation of s that writes the value at path. The
// order is that of a build, backwards.
func (tr *trail) stage(s stage, path tree.Path, v tree.Node) (mark, bool) {
	var second mark
	found := false
	try := func(m mark, ok bool) bool {
		if ok && !m.exact && !found {
			second, found = m, true
		}
		return ok && m.exact
	}
	steps := []func(stage, tree.Path, tree.Node) (mark, bool){
		tr.plugins, tr.replacements, tr.images, tr.replicas, tr.metadata, tr.name, tr.namespace, tr.patches, tr.merges,
	}
	for _, step := range steps {
		if m, ok := step(s, path, v); try(m, ok) {
			return m, true
		}
	}
	return second, found
}

func (tr *trail) patches(s stage, path tree.Path, v tree.Node) (mark, bool) {
	var second mark
	found := false
	for _, p := range slices.Backward(tr.patchesOf(s.n)) {
		m, ok := tr.patched(s, p, path, v)
		if ok && m.exact {
			return m, true
		}
		if ok && !found {
			second, found = m, true
		}
	}
	return second, found
}

func transformed(s stage, k, v *yaml.Node) (mark, bool) {
	return mark{Position: at(s.n.file, keyOr(k, v), v), kind: kindTransformer, exact: true}, true
}

// last is the path's last map key; under is the one before it.
func last(path tree.Path) (key, under string) {
	if n := len(path); n > 0 && path[n-1].Index < 0 {
		key = path[n-1].Key
		if n > 1 && path[n-2].Index < 0 {
			under = path[n-2].Key
		} else if n > 2 {
			under = path[n-3].Key
		}
	}
	return key, under
}

// images: the entry whose result is the rendered image.
func (tr *trail) images(s stage, path tree.Path, v tree.Node) (mark, bool) {
	if key, under := last(path); !v.IsString() || key != "image" && (key != "reference" || under != "image") && !tr.g.configured {
		return mark{}, false
	}
	entries := append(items(get(s.n.doc, "images")), items(get(s.n.doc, "imageTags"))...)
	for _, e := range slices.Backward(entries) {
		if imageResult(e, v.Text()) {
			for _, f := range []string{"digest", "newTag", "tagSuffix", "newName"} {
				if k, n := field(e, f); n != nil {
					return transformed(s, k, n)
				}
			}
		}
	}
	return mark{}, false
}

// imageResult reports whether an entry of images makes image.
func imageResult(e *yaml.Node, image string) bool {
	rest, digest, _ := strings.Cut(image, "@")
	name, tag := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		name, tag = rest[:i], rest[i+1:]
	}
	want := text(e, "newName")
	if want == "" {
		want = text(e, "name")
	}
	if want == "" || name != want {
		return false
	}
	newTag, newDigest := text(e, "newTag"), text(e, "digest")
	switch {
	case newDigest != "":
		return digest == newDigest
	case newTag != "":
		return tag == newTag+text(e, "tagSuffix")
	}
	return strings.HasSuffix(tag, text(e, "tagSuffix"))
}

func (tr *trail) replicas(s stage, path tree.Path, v tree.Node) (mark, bool) {
	if path.String() != "spec.replicas" {
		return mark{}, false
	}
	for _, e := range slices.Backward(items(get(s.n.doc, "replicas"))) {
		if s.names(text(e, "name"), "") {
			k, n := field(e, "count")
			if agrees(n, v) {
				return transformed(s, k, n)
			}
		}
	}
	return mark{}, false
}

func (tr *trail) namespace(s stage, path tree.Path, v tree.Node) (mark, bool) {
	k, n := field(s.n.doc, "namespace")
	if n == nil || tr.a.chart || !agrees(n, v) {
		return mark{}, false
	}
	key, _ := last(path)
	if key == "namespace" || tr.a.orig.kind == "Namespace" && path.String() == "metadata.name" {
		return transformed(s, k, n)
	}
	return mark{}, false
}

func (tr *trail) name(s stage, path tree.Path, v tree.Node) (mark, bool) {
	if path.String() != "metadata.name" || fixedName(tr.a.orig.kind) {
		return mark{}, false
	}
	if k, n := field(s.n.doc, "nameSuffix"); n != nil && n.Value != "" {
		return transformed(s, k, n)
	}
	if k, n := field(s.n.doc, "namePrefix"); n != nil && n.Value != "" {
		return transformed(s, k, n)
	}
	return mark{}, false
}

// metadata: labels and annotations, and the maps that they bring into being.
func (tr *trail) metadata(s stage, path tree.Path, v tree.Node) (mark, bool) {
	key, under := last(path)
	if key == "annotations" || key == "labels" || key == "matchLabels" || key == "selector" {
		return tr.metadataMap(s, path, v, key)
	}
	if under == "annotations" {
		if k, n := field(get(s.n.doc, "commonAnnotations"), key); n != nil && agrees(n, v) {
			return transformed(s, k, n)
		}
	}
	if under != "labels" && under != "matchLabels" && under != "selector" {
		return mark{}, false
	}
	if k, n := field(get(s.n.doc, "commonLabels"), key); n != nil && agrees(n, v) {
		return transformed(s, k, n)
	}
	for _, e := range slices.Backward(items(get(s.n.doc, "labels"))) {
		if k, n := field(get(e, "pairs"), key); n != nil && agrees(n, v) && labelled(e, path) {
			return transformed(s, k, n)
		}
	}
	return mark{}, false
}

// metadataMap: the transformer that made a map of labels or annotations,
// because it holds nothing but what the transformer sets.
func (tr *trail) metadataMap(s stage, path tree.Path, v tree.Node, key string) (mark, bool) {
	if !v.IsMap() {
		return mark{}, false
	}
	for k := range v.Fields() {
		child := append(slices.Clip(path), tree.Step{Key: k.Text(), Index: -1})
		if m, ok := tr.metadata(s, child, v.Get(k.Text())); ok {
			return m, true
		}
	}
	return mark{}, false
}

// labelled reports whether an entry of labels reaches the labels at path.
func labelled(e *yaml.Node, path tree.Path) bool {
	if len(path) == 3 && path[0].Key == "metadata" {
		return true
	}
	if text(e, "includeSelectors") == "true" || get(e, "fields") != nil {
		return true
	}
	n := len(path)
	inTemplate := n > 3 && path[n-2].Key == "labels" && path[n-3].Key == "metadata"
	return inTemplate && (text(e, "includeTemplates") == "true" || text(e, "includeVolumeClaimTemplates") == "true")
}

// replacements: the target whose field path is path.
func (tr *trail) replacements(s stage, path tree.Path, v tree.Node) (mark, bool) {
	for _, item := range slices.Backward(items(get(s.n.doc, "replacements"))) {
		if ref := text(item, "path"); ref != "" {
			if file, ok := tr.g.local(s.n, ref); ok {
				for _, d := range tr.g.fileDocs(file) {
					list := items(d.doc)
					if list == nil {
						list = []*yaml.Node{d.doc}
					}
					for _, r := range slices.Backward(list) {
						if m, ok := tr.replacement(s, d, r, path); ok {
							return m, true
						}
					}
				}
			}
			continue
		}
		if m, ok := tr.replacement(s, located{file: s.n.file}, item, path); ok {
			return m, true
		}
	}
	return mark{}, false
}

func (tr *trail) replacement(s stage, d located, r *yaml.Node, path tree.Path) (mark, bool) {
	for _, target := range slices.Backward(items(get(r, "targets"))) {
		if !tr.targets(s, patch{target: get(target, "select")}) {
			continue
		}
		for _, f := range items(get(target, "fieldPaths")) {
			if f = follow(f); f != nil && fieldPath(f.Value, path) {
				return mark{Position: d.at(f, f), kind: kindTransformer, exact: true}, true
			}
		}
	}
	return mark{}, false
}

// fieldPath reports whether a replacement's field path leads to path:
// spec.containers.[name=web].image, with * for any entry.
func fieldPath(spec string, path tree.Path) bool {
	parts := splitFieldPath(spec)
	if len(parts) != len(path) {
		return false
	}
	for i, p := range parts {
		step := path[i]
		if p == "*" {
			continue
		}
		if step.Index < 0 {
			if p != step.Key {
				return false
			}
			continue
		}
		if inner := strings.Trim(p, "[]"); inner != step.Key && inner != strconv.Itoa(step.Index) {
			return false
		}
	}
	return true
}

// splitFieldPath cuts at dots outside of brackets; "\." is a dot in a key.
func splitFieldPath(spec string) []string {
	var parts []string
	var b strings.Builder
	depth := 0
	for i := 0; i < len(spec); i++ {
		switch c := spec[i]; {
		case c == '\\' && i+1 < len(spec) && spec[i+1] == '.':
			b.WriteByte('.')
			i++
		case c == '.' && depth == 0:
			parts = append(parts, b.String())
			b.Reset()
		default:
			if c == '[' {
				depth++
			} else if c == ']' && depth > 0 {
				depth--
			}
			b.WriteByte(c)
		}
	}
	return append(parts, b.String())
}
