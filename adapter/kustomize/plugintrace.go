package kustomize

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// pluginDocs are the plugin configurations that n lists in field.
func (g *graph) pluginDocs(n *node, field string) []located {
	var out []located
	for _, item := range items(get(n.doc, field)) {
		if item = follow(item); item == nil {
			continue
		}
		if p, ok := g.local(n, item.Value); ok {
			out = append(out, g.fileDocs(p)...)
			continue
		}
		if p, ok := join(n.dir, item.Value); ok && g.nodes[p] != nil && g.nodes[p].k != nil {
			out = append(out, g.objectDocs(g.nodes[p])...)
			continue
		}
		out = append(out, g.within(n.file, item)...)
	}
	return out
}

// pluginPatches are the patches among n's transformers. They come after all
// others.
func (g *graph) pluginPatches(n *node) []patch {
	var out []patch
	for _, d := range g.pluginDocs(n, "transformers") {
		switch text(d.doc, "kind") {
		case "PatchTransformer", "PatchJson6902Transformer", "PatchStrategicMergeTransformer":
		default:
			continue
		}
		p := patch{entry: d.doc, target: get(d.doc, "target")}
		for _, f := range []string{"patch", "jsonOp", "patches"} {
			if v := get(d.doc, f); v != nil && v.Kind == yaml.ScalarNode && d.shift == nil {
				p.docs = append(p.docs, g.within(d.file, v)...)
			}
		}
		refs := append([]*yaml.Node{get(d.doc, "path")}, items(get(d.doc, "paths"))...)
		for _, ref := range refs {
			if ref = follow(ref); ref != nil {
				if file, ok := g.local(n, ref.Value); ok {
					p.docs = append(p.docs, g.fileDocs(file)...)
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// plugins: a configuration of a transformer that holds the rendered value
// under the field's name, or under the name that transformers have for it.
func (tr *trail) plugins(s stage, path tree.Path, v tree.Node) (mark, bool) {
	if v.IsMap() || v.IsList() || get(s.n.doc, "transformers") == nil {
		return mark{}, false
	}
	key, under := last(path)
	for _, d := range slices.Backward(tr.g.pluginDocs(s.n, "transformers")) {
		var k, n *yaml.Node
		switch kind := text(d.doc, "kind"); {
		case kind == "LabelTransformer" && (under == "labels" || under == "matchLabels" || under == "selector"):
			k, n = field(get(d.doc, "labels"), key)
		case kind == "AnnotationsTransformer" && under == "annotations":
			k, n = field(get(d.doc, "annotations"), key)
		case kind == "NamespaceTransformer" && key == "namespace":
			k, n = field(get(d.doc, "metadata"), "namespace")
		case kind == "ReplicaCountTransformer" && key == "replicas" && s.names(text(d.doc, "replica", "name"), ""):
			k, n = field(get(d.doc, "replica"), "count")
		case kind == "ImageTagTransformer" && key == "image" && imageResult(get(d.doc, "imageTag"), v.Text()):
			k, n = field(d.doc, "imageTag")
		case kind == "PrefixTransformer" && path.String() == "metadata.name" && text(d.doc, "prefix") != "":
			k, n = field(d.doc, "prefix")
		case kind == "SuffixTransformer" && path.String() == "metadata.name" && text(d.doc, "suffix") != "":
			k, n = field(d.doc, "suffix")
		default:
			continue
		}
		if n != nil && (n.Kind != yaml.ScalarNode || path.String() == "metadata.name" || agrees(n, v)) {
			return mark{Position: d.at(k, n), kind: kindTransformer, exact: true}, true
		}
	}
	return mark{}, false
}
