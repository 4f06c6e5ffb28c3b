package diff

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// lastApplied is where kubectl keeps a copy of the whole object, a Secret's
// values included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// mask knows which values are secret.
type mask struct {
	paths  [][]string
	values []string
}

func newMask(from, to map[string]any, o Options) *mask {
	m := &mask{paths: [][]string{{"metadata", "annotations", lastApplied}}}
	if isSecret(from) || isSecret(to) {
		m.paths = append(m.paths, []string{"data"}, []string{"stringData"})
	}
	for _, p := range o.SecretPaths {
		if s := segments(p); len(s) > 0 {
			m.paths = append(m.paths, s)
		}
	}
	for _, v := range o.SecretValues {
		if len(v) >= 4 {
			m.values = append(m.values, v)
		}
	}
	return m
}

// isSecret tells whether an object is a Secret, of whatever version.
func isSecret(o map[string]any) bool {
	apiVersion, _ := o["apiVersion"].(string)
	return o["kind"] == "Secret" && !strings.Contains(apiVersion, "/")
}

// value returns a value with Hidden for what is secret in it.
func (m *mask) value(p tree.Path, v any) (any, bool) {
	if v == nil {
		return nil, false
	}
	var rest [][]string
	for _, path := range m.paths {
		within, left := leads(path, p)
		if within {
			return hide(v), true
		}
		if left != nil {
			rest = append(rest, left)
		}
	}
	return m.below(v, rest)
}

// items tells whether the items of the list at p are secret.
func (m *mask) items(p tree.Path) bool {
	return m.covers(append(p, tree.Step{}))
}

// keys tells whether one of these fields of the items of the list at p is
// secret: then they are no names for items.
func (m *mask) keys(p tree.Path, keys []string) bool {
	for _, k := range keys {
		if m.covers(append(p, tree.Step{}, key(k))) {
			return true
		}
	}
	return false
}

func (m *mask) covers(p tree.Path) bool {
	for _, path := range m.paths {
		if within, _ := leads(path, p); within {
			return true
		}
	}
	return false
}

// text hides secret values in a text that may name some: a path or a key.
func (m *mask) text(s string) (string, bool) {
	masked := false
	for _, v := range m.values {
		if strings.Contains(s, v) {
			s, masked = strings.ReplaceAll(s, v, Hidden), true
		}
	}
	return s, masked
}

// leads tells whether p is at or below a secret path; if it is above it, left
// is what is missing.
func leads(path []string, p tree.Path) (within bool, left []string) {
	for i, step := range p {
		if i == len(path) {
			return true, nil
		}
		if path[i] != "*" && (step.Index >= 0 || path[i] != step.Key) {
			// A number may be that of either side: a secret by number hides
			// the whole list.
			if step.Index < 0 || !digits(path[i]) {
				return false, nil
			}
		}
	}
	if len(p) >= len(path) {
		return true, nil
	}
	return false, path[len(p):]
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// below hides what is secret inside of a value.
func (m *mask) below(v any, paths [][]string) (any, bool) {
	switch v := v.(type) {
	case string:
		for _, s := range m.values {
			if strings.Contains(v, s) {
				return Hidden, true
			}
		}
	case map[string]any:
		return m.belowMap(v, paths)
	case []any:
		masked := false
		out := make([]any, len(v))
		for i, it := range v {
			child, hidden := m.child(it, "", paths)
			out[i] = child
			masked = masked || hidden
		}
		if masked {
			return out, true
		}
	}
	return v, false
}

func (m *mask) belowMap(v map[string]any, paths [][]string) (any, bool) {
	masked := false
	out := make(map[string]any, len(v))
	for k, it := range v {
		child, hidden := m.child(it, k, paths)
		name, named := m.text(k)
		out[name] = child
		masked = masked || hidden || named
	}
	if masked {
		return out, true
	}
	return v, false
}

// child goes one step down; key is "" for an item of a list.
func (m *mask) child(v any, key string, paths [][]string) (any, bool) {
	var rest [][]string
	for _, p := range paths {
		if p[0] != "*" && p[0] != key && !(key == "" && digits(p[0])) {
			continue
		}
		if len(p) == 1 {
			if v == nil {
				return nil, false
			}
			return hide(v), true
		}
		rest = append(rest, p[1:])
	}
	return m.below(v, rest)
}

// hide keeps the names of a map and nothing else.
func hide(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return Hidden
	}
	out := make(map[string]any, len(m))
	for k, child := range m {
		out[k] = hide(child)
	}
	return out
}
