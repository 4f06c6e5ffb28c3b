package diff

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// Rule names fields of some objects that are left to others.
type Rule struct {
	// Group, Kind, Namespace and Name narrow the rule; empty matches all. A
	// kind without a group is one of the core group.
	Group, Kind, Namespace, Name string
	// Fields are JSON pointers (RFC 6901). The segment * stands for every item
	// of a list and for every field of a map; a key that is * itself cannot be
	// named. Items of lists are named by their number or by *.
	Fields []string
}

// Validate tells what is wrong with a rule's pointers; the error is of kind
// Invalid.
func (r Rule) Validate() error {
	for _, p := range r.Fields {
		s := segments(p)
		switch {
		case len(s) == 0:
			return fault.New(fault.Invalid, "read ignore rule", p, "it is no JSON pointer to a field", "write it as /spec/replicas, with ~1 for a slash and ~0 for a tilde in a name")
		case protected(s):
			return fault.New(fault.Invalid, "read ignore rule", p, "an object cannot be applied without this field", "name a field below spec, data or metadata.annotations")
		}
	}
	return nil
}

// Matches tells whether the rule is about an object.
func (r Rule) Matches(object map[string]any) bool {
	apiVersion, _ := object["apiVersion"].(string)
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group = ""
	}
	meta, _ := object["metadata"].(map[string]any)
	fits := func(want string, have any) bool { return want == "" || have == want }
	return fits(r.Kind, object["kind"]) && (r.Kind == "" && r.Group == "" || r.Group == group) &&
		fits(r.Namespace, meta["namespace"]) && fits(r.Name, meta["name"])
}

// Strip returns an object without the fields that the rules that match it name,
// so that an apply does not own them. The object itself is not changed; what
// stays is shared. Fields without which it is no object are never stripped.
func Strip(object map[string]any, rules []Rule) map[string]any {
	out := object
	for _, r := range rules {
		if !r.Matches(object) {
			continue
		}
		for _, p := range r.Fields {
			if s := segments(p); len(s) > 0 && !protected(s) {
				out, _ = without(out, s).(map[string]any)
			}
		}
	}
	return out
}

// protected tells whether a pointer names a field that an object needs.
func protected(s []string) bool {
	switch s[0] {
	case "apiVersion", "kind", "*":
		return true
	case "metadata":
		return len(s) == 1 || len(s) == 2 && (s[1] == "name" || s[1] == "namespace" || s[1] == "*")
	}
	return false
}

// segments reads a JSON pointer, nil if it is none.
func segments(pointer string) []string {
	if !strings.HasPrefix(pointer, "/") || len(pointer) == 1 {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}

// without returns a value that lacks what a path names; what stays is shared.
func without(v any, path []string) any {
	switch v := v.(type) {
	case map[string]any:
		return withoutField(v, path)
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

func withoutField(v map[string]any, path []string) any {
	if path[0] != "*" {
		child, has := v[path[0]]
		if !has {
			return v
		}
		if len(path) > 1 {
			switch child.(type) {
			case map[string]any, []any:
			default:
				return v
			}
		}
	}
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
}
