package kustomize

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// targets reports whether a patch entry is for the object. Without a target
// each of its documents says itself which object it is for.
func (tr *trail) targets(s stage, p patch) bool {
	if p.target == nil {
		return true
	}
	if !matches(text(p.target, "group"), tr.a.orig.group()) ||
		!matches(text(p.target, "version"), tr.a.orig.version()) ||
		!matches(text(p.target, "kind"), tr.a.orig.kind) {
		return false
	}
	name, namespace := text(p.target, "name"), text(p.target, "namespace")
	if !slices.ContainsFunc(s.before, func(id ident) bool {
		space := id.namespace
		if space == "" {
			space = "default"
		}
		return matches(name, id.name) && matches(namespace, space)
	}) {
		return false
	}
	return selects(text(p.target, "labelSelector"), tr.doc.At("metadata", "labels")) &&
		selects(text(p.target, "annotationSelector"), tr.doc.At("metadata", "annotations"))
}

// matches reports whether a selector's anchored pattern matches; an empty or
// malformed one matches everything.
func matches(pattern, value string) bool {
	if pattern == "" || pattern == value {
		return true
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	return err != nil || re.MatchString(value)
}

func selects(selector string, have tree.Node) bool {
	if selector == "" {
		return true
	}
	sel, err := labels.Parse(selector)
	return err != nil || sel.Matches(labels.Set(have.StringMap()))
}

// applies reports whether one document of a patch entry is for the object.
func (tr *trail) applies(s stage, p patch, d located) bool {
	if d.doc == nil || d.doc.Kind != yaml.MappingNode {
		return d.doc != nil && p.target != nil
	}
	if p.target != nil {
		return true
	}
	id := identify(d.doc)
	return id.sameKind(tr.a.orig) && s.names(id.name, id.namespace)
}

// patched finds the last place in the entry that writes the value at path.
func (tr *trail) patched(s stage, p patch, path tree.Path, v tree.Node) (mark, bool) {
	if !tr.targets(s, p) {
		return mark{}, false
	}
	for _, d := range slices.Backward(p.docs) {
		if !tr.applies(s, p, d) {
			continue
		}
		if d.doc.Kind == yaml.SequenceNode {
			for _, op := range slices.Backward(d.doc.Content) {
				if m, ok := tr.operation(d, follow(op), path, v); ok {
					return m, true
				}
			}
			continue
		}
		if identityField(path) {
			// A patch names its target; it does not write the name.
			continue
		}
		if k, n, ok := descend(d.doc, tr.doc, path); ok && len(path) > 0 {
			return mark{Position: d.at(keyOr(k, n), n), kind: kindPatch, exact: agrees(n, v)}, true
		}
	}
	return mark{}, false
}

func identityField(path tree.Path) bool {
	switch path.String() {
	case "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace":
		return true
	}
	return false
}

// operation finds the value at path in one JSON 6902 operation.
func (tr *trail) operation(d located, op *yaml.Node, path tree.Path, v tree.Node) (mark, bool) {
	verb := text(op, "op")
	if verb == "remove" || verb == "test" {
		return mark{}, false
	}
	tokens := pointer(text(op, "path"))
	if len(tokens) > len(path) || len(tokens) == 0 {
		return mark{}, false
	}
	key, value := field(op, "value")
	if !tr.points(tokens, path, value) {
		return mark{}, false
	}
	if value == nil {
		// Moved or copied from elsewhere.
		return mark{Position: d.at(op, op), kind: kindPatch}, len(tokens) == len(path)
	}
	at, _ := tr.doc.Follow(path[:len(tokens)])
	k, n, ok := descend(value, at, path[len(tokens):])
	if !ok {
		return mark{}, false
	}
	if len(tokens) == len(path) {
		k = key
	}
	return mark{Position: d.at(keyOr(k, n), n), kind: kindPatch, exact: agrees(n, v)}, true
}

// pointer splits a JSON pointer.
func pointer(p string) []string {
	if !strings.HasPrefix(p, "/") {
		return nil
	}
	tokens := strings.Split(p[1:], "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

// points reports whether a pointer leads to path or above it. The numbers in a
// pointer are those of the object as it was then: an added entry is also known
// by its value.
func (tr *trail) points(tokens []string, path tree.Path, value *yaml.Node) bool {
	for i, token := range tokens {
		step := path[i]
		if step.Index < 0 {
			if step.Key != token {
				return false
			}
			continue
		}
		if i == len(tokens)-1 && value != nil {
			if item, n := tr.doc.Follow(path[:i+1]); n == i+1 && sameEntry(follow(value), item, step) {
				continue
			}
		}
		if token == "-" {
			return false
		}
		if number, err := strconv.Atoi(token); err != nil || number != step.Index {
			return false
		}
	}
	return true
}

// removal finds where a patch document removes what would be at path.
func (tr *trail) removal(s stage, p patch, d located, path tree.Path) (mark, bool) {
	if !tr.applies(s, p, d) {
		return mark{}, false
	}
	if d.doc.Kind == yaml.SequenceNode {
		for _, op := range slices.Backward(d.doc.Content) {
			op = follow(op)
			tokens := pointer(text(op, "path"))
			verb := text(op, "op")
			if (verb == "remove" || verb == "replace") && len(tokens) > 0 && len(tokens) <= len(path) && tr.points(tokens, path, nil) {
				return mark{Position: d.at(op, op), kind: kindPatch, exact: true}, true
			}
		}
		return mark{}, false
	}
	doc := tr.doc
	n := d.doc
	for i, step := range path {
		if k, v := field(n, "$patch"); v != nil && (v.Value == "delete" || v.Value == "replace") {
			return mark{Position: d.at(k, v), kind: kindPatch, exact: true}, true
		}
		next, taken := doc.Follow(path[i : i+1])
		var key *yaml.Node
		if step.Index < 0 {
			key, n = field(n, step.Key)
		} else {
			item := tree.Node{}
			if taken == 1 {
				item = next
			}
			list := items(n)
			if at := slices.IndexFunc(list, func(e *yaml.Node) bool { return text(e, "$patch") == "replace" }); at >= 0 {
				return mark{Position: d.at(list[at], list[at]), kind: kindPatch, exact: true}, true
			}
			n = entry(list, doc, item, step)
		}
		if n == nil {
			return mark{}, false
		}
		if n.Tag == "!!null" {
			return mark{Position: d.at(keyOr(key, n), n), kind: kindPatch, exact: true}, true
		}
		doc = tree.Node{}
		if taken == 1 {
			doc = next
		}
	}
	if k, v := field(n, "$patch"); v != nil && v.Value == "delete" {
		return mark{Position: d.at(k, v), kind: kindPatch, exact: true}, true
	}
	return mark{}, false
}
