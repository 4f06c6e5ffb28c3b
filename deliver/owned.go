package deliver

import (
	"encoding/json"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// OwnedDigest returns the digest of the fields of a live object that manager
// owns by apply, with their values as the API server has them. After an apply
// it is taken of the API server's own answer, so that defaults and changes by
// admission are in the baseline; an edit of one of our fields by anybody else
// changes it, a change elsewhere does not. ok is false if manager owns nothing.
func (d *Digester) OwnedDigest(body map[string]any, manager string) (digest string, ok bool) {
	h, done := d.hash(isSecret(body))
	defer done()
	for _, e := range managers(body) {
		if e.name != manager || e.operation != "Apply" || e.subresource != "" {
			continue
		}
		ok = true
		writeOwned(h, e.fields, body)
	}
	if !ok {
		return "", false
	}
	return sum(h), true
}

// managed is one entry of an object's managedFields.
type managed struct {
	name, operation, subresource string
	fields                       map[string]any
}

func managers(body map[string]any) []managed {
	meta, _ := body["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	out := make([]managed, 0, len(list))
	for _, item := range list {
		e, _ := item.(map[string]any)
		var m managed
		m.name, _ = e["manager"].(string)
		m.operation, _ = e["operation"].(string)
		m.subresource, _ = e["subresource"].(string)
		m.fields, _ = e["fieldsV1"].(map[string]any)
		out = append(out, m)
	}
	return out
}

// writeOwned walks a FieldsV1 trie beside the value it describes. Keys are
// "f:name" for a field, "k:{…}" for a list item by its key fields, "v:…" for an
// item of a set by its value, "i:n" for an item by its index, and "." for the
// value itself.
func writeOwned(h hash.Hash, fields map[string]any, value any) {
	if len(fields) == 0 {
		// A leaf: we own the value as a whole.
		writeValue(h, value)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if key == "." {
			// Only that the value is there is ours.
			writeTag(h, '.')
			if value == nil {
				writeTag(h, '0')
			}
			continue
		}
		writeString(h, key)
		child, found := step(value, key)
		if !found {
			writeTag(h, '-')
			continue
		}
		sub, _ := fields[key].(map[string]any)
		writeOwned(h, sub, child)
	}
}

// step goes from a value to the part of it that a trie's key names.
func step(value any, key string) (child any, found bool) {
	kind, rest, ok := strings.Cut(key, ":")
	if !ok {
		return nil, false
	}
	switch kind {
	case "f":
		m, _ := value.(map[string]any)
		child, found = m[rest]
		return child, found
	case "k":
		return itemByKeys(value, rest)
	case "v":
		return itemByValue(value, rest)
	case "i":
		list, _ := value.([]any)
		if i, err := strconv.Atoi(rest); err == nil && i >= 0 && i < len(list) {
			return list[i], true
		}
	}
	return nil, false
}

func itemByKeys(value any, text string) (any, bool) {
	var keys map[string]any
	if json.Unmarshal([]byte(text), &keys) != nil {
		return nil, false
	}
	list, _ := value.([]any)
	for _, item := range list {
		m, ok := item.(map[string]any)
		if ok && hasAll(m, keys) {
			return item, true
		}
	}
	return nil, false
}

// defaultKeys are key fields that the API server fills in if they are absent.
var defaultKeys = map[string]any{"protocol": "TCP"}

func hasAll(item, keys map[string]any) bool {
	for k, want := range keys {
		got, ok := item[k]
		if !ok {
			got = defaultKeys[k]
		}
		if !sameScalar(got, want) {
			return false
		}
	}
	return true
}

func itemByValue(value any, text string) (any, bool) {
	var want any
	if json.Unmarshal([]byte(text), &want) != nil {
		return nil, false
	}
	list, _ := value.([]any)
	for _, item := range list {
		if sameScalar(item, want) {
			return item, true
		}
	}
	return nil, false
}

func sameScalar(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// Foreign returns the managers of fields that a person set by hand with a tool
// for people, besides what others may own: what they added to an object of ours
// is drift. A restart by hand is none, it changes no configuration.
func Foreign(body map[string]any) []string {
	var out []string
	for _, e := range managers(body) {
		if e.subresource == "" && byHand(e.name) && len(e.fields) > 0 {
			out = append(out, e.name)
		}
	}
	return out
}

func byHand(manager string) bool {
	if manager == "kubectl-rollout" {
		return false
	}
	return strings.HasPrefix(manager, "kubectl") || manager == "k9s" || manager == "Lens" || manager == "lens" || manager == "node-fetch" || manager == "Mozilla" || manager == "headlamp"
}

// Disown returns the object's managedFields with the entries of people's tools
// merged into ours: what they hold and the next apply leaves out goes away.
func Disown(body map[string]any, manager, apiVersion string) []any {
	meta, _ := body["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	ours := map[string]any{}
	var entry map[string]any
	var out []any
	for _, item := range list {
		e, _ := item.(map[string]any)
		name, _ := e["manager"].(string)
		sub, _ := e["subresource"].(string)
		fields, _ := e["fieldsV1"].(map[string]any)
		switch {
		case sub == "" && name == manager && e["operation"] == "Apply":
			entry = maps.Clone(e)
			mergeFields(ours, fields)
		case sub == "" && byHand(name):
			mergeFields(ours, fields)
		default:
			out = append(out, item)
		}
	}
	if entry == nil {
		entry = map[string]any{"manager": manager, "operation": "Apply", "apiVersion": apiVersion, "fieldsType": "FieldsV1"}
	}
	entry["fieldsV1"] = ours
	return append([]any{entry}, out...)
}

func mergeFields(into, from map[string]any) {
	for k, v := range from {
		sub, _ := v.(map[string]any)
		old, ok := into[k].(map[string]any)
		if !ok {
			old = map[string]any{}
			into[k] = old
		}
		mergeFields(old, sub)
	}
}
