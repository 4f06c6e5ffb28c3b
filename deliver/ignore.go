package deliver

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// ignore leaves out the fields of an object that the application's rules leave
// to others.
func (d desire) ignore(o *Object) {
	for _, r := range d.app.Spec.Ignore {
		if !matches(r, o.Key) {
			continue
		}
		for _, pointer := range r.Fields {
			o.Body, _ = without(o.Body, segments(pointer)).(map[string]any)
		}
	}
}

func matches(r v1alpha1.IgnoreRule, k Key) bool {
	return (r.Kind == "" || r.Kind == k.Kind && r.Group == k.Group) && (r.Group == "" || r.Group == k.Group) &&
		(r.Namespace == "" || r.Namespace == k.Namespace) && (r.Name == "" || r.Name == k.Name)
}

// segments reads a JSON pointer (RFC 6901).
func segments(pointer string) []string {
	if !strings.HasPrefix(pointer, "/") {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}

// without returns a value that lacks what a pointer names. The value itself is
// not changed; what stays is shared. The segment * stands for every item.
func without(v any, path []string) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			switch {
			case k != path[0] && path[0] != "*":
				out[k] = child
			case len(path) > 1:
				out[k] = without(child, path[1:])
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, child := range v {
			switch {
			case path[0] != "*" && path[0] != strconv.Itoa(i):
				out = append(out, child)
			case len(path) > 1:
				out = append(out, without(child, path[1:]))
			}
		}
		return out
	}
	return v
}

// ignores tells whether fields of an object are left to others. What people add
// to such an object stays: nobody can tell it from what is left to them.
func (p *pass) ignores(k Key) bool {
	for _, r := range p.app.Spec.Ignore {
		if matches(r, k) {
			return true
		}
	}
	return false
}

// leftTo returns the managers whose fields the application leaves to them.
func leftTo(app *v1alpha1.Application, k Key) map[string]bool {
	out := map[string]bool{}
	for _, r := range app.Spec.Ignore {
		if matches(r, k) {
			for _, m := range r.Managers {
				out[m] = true
			}
		}
	}
	return out
}

// leave returns an object without the fields that these managers own of the
// live one.
func leave(o *Object, live map[string]any, to map[string]bool) *Object {
	c := *o
	for _, m := range managers(live) {
		if to[m.name] {
			c.Body, _ = minus(c.Body, m.fields).(map[string]any)
		}
	}
	// Without these an object has no name.
	c.Body["apiVersion"], c.Body["kind"], c.Body["metadata"] = o.Body["apiVersion"], o.Body["kind"], o.Body["metadata"]
	return &c
}

// minus returns a value without the fields of a FieldsV1 trie.
func minus(v any, fields map[string]any) any {
	if len(fields) == 0 {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			sub, owned := fields["f:"+k].(map[string]any)
			if !owned {
				out[k] = child
			} else if rest := minus(child, sub); rest != nil {
				out[k] = rest
			}
		}
		if len(out) == 0 && len(v) > 0 {
			return nil
		}
		return out
	case []any:
		out := append([]any(nil), v...)
		for key, sub := range fields {
			item, found := step(v, key)
			if !found {
				continue
			}
			subFields, _ := sub.(map[string]any)
			if len(subFields) == 0 {
				continue // an item whose keys alone are theirs is ours too
			}
			for i := range out {
				if sameItem(out[i], item) {
					if rest := minus(item, keyed(subFields)); rest != nil {
						out[i] = rest
					}
				}
			}
		}
		return out
	}
	return nil
}

// keyed leaves out what says only that an item is there.
func keyed(fields map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for k, v := range fields {
		if k != "." {
			out[k] = v
		}
	}
	return out
}

func sameItem(a, b any) bool {
	x, okX := a.(map[string]any)
	y, okY := b.(map[string]any)
	if okX != okY {
		return false
	}
	if !okX {
		return sameScalar(a, b)
	}
	for _, k := range []string{"name", "key", "containerPort", "port", "mountPath", "ip", "type"} {
		if x[k] != y[k] {
			return false
		}
	}
	return true
}
