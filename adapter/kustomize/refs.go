package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/ops"
)

// filesOf checks every file that n names and that is not a kustomization.
func (g *graph) filesOf(n *node) {
	for _, f := range []string{"crds", "configurations"} {
		for _, item := range items(get(n.doc, f)) {
			g.file(n, f, item, true)
		}
	}
	if v := get(n.doc, "openapi", "path"); v != nil {
		g.file(n, "openapi", v, true)
	}
	for _, item := range items(get(n.doc, "patchesStrategicMerge")) {
		if item = follow(item); item != nil && !g.inline(n, item, false) {
			g.file(n, "patchesStrategicMerge", item, true)
		}
	}
	for _, f := range []string{"patches", "patchesJson6902", "replacements"} {
		for _, item := range items(get(n.doc, f)) {
			if v := get(item, "path"); v != nil {
				g.file(n, f, v, true)
			}
			if v := get(item, "patch"); v != nil {
				g.inline(n, v, false)
			}
		}
	}
	for _, f := range []string{"configMapGenerator", "secretGenerator"} {
		for _, item := range items(get(n.doc, f)) {
			g.generatorFiles(n, f, item)
		}
	}
	g.chartFiles(n)
}

// generatorFiles checks the files of one entry of a ConfigMap or Secret generator.
func (g *graph) generatorFiles(n *node, f string, entry *yaml.Node) {
	refs := append(items(get(entry, "envs")), items(get(entry, "files"))...)
	if v := get(entry, "env"); v != nil {
		refs = append(refs, v)
	}
	for _, ref := range refs {
		if ref = follow(ref); ref == nil {
			continue
		}
		g.fileAt(n, f, ref.Value, sourcePath(ref.Value), at(n.file, ref, ref), false)
	}
}

// sourcePath is the path of an entry of files: "[key=]path".
func sourcePath(ref string) string {
	if key, p, ok := strings.Cut(ref, "="); ok && !isRemote(key) {
		return p
	}
	return ref
}

func (g *graph) file(n *node, f string, v *yaml.Node, isYAML bool) {
	if v = follow(v); v == nil || v.Kind != yaml.ScalarNode {
		return
	}
	g.fileAt(n, f, v.Value, v.Value, at(n.file, v, v), isYAML)
}

// fileAt checks one file that n names at pos. Entry is the text that names
// it, ref the path in that text.
func (g *graph) fileAt(n *node, f, entry, ref string, pos ops.Position, isYAML bool) (string, bool) {
	if isRemote(ref) {
		g.refuse(n, f, entry, pos)
		if f != "openapi" {
			n.drop[f][ref] = true
		}
		return "", false
	}
	real, info, ok := g.lookup(n, f, ref, pos)
	switch {
	case !ok:
		return "", false
	case info.IsDir():
		g.problem(pos, "", ref+" is a folder: "+f+" names files")
		return "", false
	case !below(real, n.dir):
		g.problem(pos, "", fmt.Sprintf("%s is outside of %s: kustomize reads files only in or below the kustomization's folder", real, n.dir))
		return "", false
	}
	data, err := g.load(real)
	if err != nil {
		g.problem(ops.Position{File: real}, "", "cannot read "+reason(err))
		g.unsafe = g.unsafe || errors.Is(err, errTooLarge)
		return "", false
	}
	if isYAML && !harmless(data) {
		if _, err := g.docs(real); err != nil {
			g.bad(real, real, err)
		}
	}
	return real, true
}

// inline reports whether an entry is YAML text rather than a path, and checks
// that text. Plugin says that it configures plugins.
func (g *graph) inline(n *node, v *yaml.Node, plugin bool) bool {
	if v = follow(v); v == nil || v.Kind != yaml.ScalarNode {
		return true
	}
	if !strings.Contains(v.Value, "\n") && !strings.ContainsAny(v.Value, "{[") {
		return false
	}
	docs, err := parse([]byte(v.Value))
	var b *badYAML
	if errors.As(err, &b) {
		switch b.err {
		case errBomb, errLoop, errDeep, errMany:
			g.bad(n.file, "an inline text", &badYAML{line: v.Line, err: b.err})
		default:
			g.problem(at(n.file, v, v), "", "the inline text is not valid YAML: "+reason(err))
		}
		return true
	}
	if len(docs) == 0 || docs[0] == nil || docs[0].Kind == yaml.ScalarNode {
		return false
	}
	if plugin {
		g.plugins(n, n.file, []byte(v.Value), g.within(n.file, v))
	}
	return true
}

// pluginRefs are the fields by which the library's built-in plugins name
// files. They are decoded as the library does it, whatever the keys' case.
type pluginRefs struct {
	APIVersion   string                   `json:"apiVersion"`
	Kind         string                   `json:"kind"`
	Path         string                   `json:"path"`
	Env          string                   `json:"env"`
	Paths        []string                 `json:"paths"`
	Files        []string                 `json:"files"`
	Envs         []string                 `json:"envs"`
	Replacements []types.ReplacementField `json:"replacements"`
}

// all lists every file that the configuration names.
func (c pluginRefs) all() []string {
	refs := append([]string{c.Path, c.Env}, c.Paths...)
	refs = append(append(refs, c.Files...), c.Envs...)
	for _, r := range c.Replacements {
		refs = append(refs, r.Path)
	}
	return refs
}

// plugins checks the files that configurations of built-in plugins name,
// because those too are read by the library.
func (g *graph) plugins(n *node, file string, data []byte, docs []located) {
	for i, part := range splitDocs(data) {
		var c pluginRefs
		if err := sigsyaml.Unmarshal(part, &c); err != nil {
			// The library cannot decode it either.
			continue
		}
		doc := located{file: file}
		if i < len(docs) {
			doc = docs[i]
		}
		g.plugin(n, c, doc)
	}
}

func (g *graph) plugin(n *node, c pluginRefs, d located) {
	if c.Kind != "" && c.APIVersion != "builtin" {
		key, value := field(d.doc, "kind")
		g.problem(d.at(key, value), c.APIVersion+" "+c.Kind,
			"this is a plugin that is not built into kustomize: plugins are programs, and none is run; render it beforehand")
		return
	}
	for _, ref := range c.all() {
		if ref == "" || strings.Contains(ref, "\n") {
			continue
		}
		p := sourcePath(ref)
		if isRemote(p) || isRemote(ref) {
			// The library must not see this configuration at all.
			g.unsafe = true
			pos := d.at(d.doc, nil)
			if v := findValue(d.doc, ref, 0); v != nil {
				pos = d.at(v, v)
			}
			g.problem(pos, address(p), "this plugin reads a remote file, and remote references are not fetched: vendor it")
			continue
		}
		if p, ok := join(n.dir, p); ok {
			if real, err := resolve(g.files, p); err == nil && below(real, n.dir) {
				// What cannot be read is for the build to report.
				_, _ = g.load(real)
			}
		}
	}
}

// splitDocs cuts a YAML text at its document separators.
func splitDocs(data []byte) [][]byte {
	var parts [][]byte
	start := 0
	for i := 0; i < len(data); {
		end := bytes.IndexByte(data[i:], '\n')
		if end < 0 {
			end = len(data)
		} else {
			end += i + 1
		}
		if line := data[i:end]; i > start && bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0) {
			parts = append(parts, data[start:i])
			start = i
		}
		i = end
	}
	return append(parts, data[start:])
}

// findValue finds a scalar by its text.
func findValue(n *yaml.Node, value string, depth int) *yaml.Node {
	if n == nil || depth > maxDepth {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.Value == value {
		return n
	}
	for _, c := range n.Content {
		if v := findValue(c, value, depth+1); v != nil {
			return v
		}
	}
	return nil
}
