package diff

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// Op is what happens at a path.
type Op string

// The operations. Reorder means that the items of a list stay the same and
// change places: From and To are then their keys in order.
const (
	Add     Op = "add"
	Remove  Op = "remove"
	Replace Op = "replace"
	Reorder Op = "reorder"
)

// Hidden stands for a value that is secret.
const Hidden = "(hidden)"

// Change is one difference.
type Change struct {
	// Path is the field, as in spec.template.spec.containers[name=web].image.
	Path string `json:"path"`
	Op   Op     `json:"op"`
	// From and To are the values before and after. They share memory with the
	// objects that were compared.
	From any `json:"from,omitempty"`
	To   any `json:"to,omitempty"`
	// Masked tells that From or To hold Hidden in place of secrets.
	Masked bool `json:"masked,omitempty"`

	path tree.Path
	keys []string // by which a reordered list tells its items apart
}

// Options say what to compare.
type Options struct {
	// Status compares the status too.
	Status bool
	// Ignore leaves fields out on both sides.
	Ignore []Rule
	// SecretPaths are JSON pointers (* matches every item) to values that are
	// secret in objects of any kind.
	SecretPaths []string
	// SecretValues are texts that must not be shown wherever they occur; those
	// shorter than four bytes are not looked for.
	SecretValues []string
}

// Compare returns the changes that make to out of from, in the order of paths.
// Either may be nil: then there is one change for each field at the top.
func Compare(from, to map[string]any, o Options) []Change {
	c := &comparison{mask: newMask(from, to, o)}
	c.maps(nil, trim(from, o), trim(to, o))
	return c.changes
}

// trim leaves out what is not compared. What stays is shared.
func trim(object map[string]any, o Options) map[string]any {
	if object == nil {
		return nil
	}
	out := Strip(object, o.Ignore)
	drop := serverOwned
	if o.Status {
		drop = drop[1:]
	}
	for _, path := range drop {
		out, _ = without(out, path).(map[string]any)
	}
	return out
}

// serverOwned are the fields that the API server and its controllers keep for
// themselves; the status comes first.
var serverOwned = [][]string{
	{"status"},
	{"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "uid"}, {"metadata", "generation"},
	{"metadata", "creationTimestamp"}, {"metadata", "selfLink"}, {"metadata", "annotations", "deployment.kubernetes.io/revision"},
}

type comparison struct {
	mask    *mask
	changes []Change
}

func (c *comparison) add(p tree.Path, op Op, from, to any) {
	p = slices.Clone(p)
	ch := Change{Op: op, path: p}
	var a, b, d bool
	ch.Path, a = c.mask.text(p.Stable())
	ch.From, b = c.mask.value(p, from)
	ch.To, d = c.mask.value(p, to)
	// Where one side is a secret that was substituted, the other was one too: the
	// value before it was changed, which nobody knows here by itself.
	if b != d && from != nil && to != nil {
		ch.From, ch.To, b, d = hide(from), hide(to), true, true
	}
	ch.Masked = a || b || d
	c.changes = append(c.changes, ch)
}

func key(k string) tree.Step { return tree.Step{Key: k, Index: -1} }

// maps compares two maps; a field that is null is absent.
func (c *comparison) maps(p tree.Path, from, to map[string]any) {
	names := make([]string, 0, len(from)+len(to))
	for k := range from {
		names = append(names, k)
	}
	for k := range to {
		if _, both := from[k]; !both {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	for _, k := range names {
		a, b := from[k], to[k]
		at := append(p, key(k))
		switch {
		case a == nil && b == nil:
		case a == nil:
			c.add(at, Add, nil, b)
		case b == nil:
			c.add(at, Remove, a, nil)
		default:
			c.values(at, a, b)
		}
	}
}

func (c *comparison) values(p tree.Path, a, b any) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			c.maps(p, x, y)
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			c.lists(p, x, y)
			return
		}
	}
	if !same(p, a, b) {
		c.add(p, Replace, a, b)
	}
}

// lists compares by keys where both lists have them, or else by position after
// what is equal at both ends.
func (c *comparison) lists(p tree.Path, from, to []any) {
	if c.mask.items(p) {
		if !equal(from, to) {
			c.add(p, Replace, from, to)
		}
		return
	}
	if keys := keysOf(p, from, to, c.mask); keys != nil {
		c.keyed(p, keys, from, to)
		return
	}
	start, endA, endB := 0, len(from), len(to)
	for start < min(endA, endB) && equal(from[start], to[start]) {
		start++
	}
	for endA > start && endB > start && equal(from[endA-1], to[endB-1]) {
		endA, endB = endA-1, endB-1
	}
	both := min(endA, endB)
	for i := start; i < both; i++ {
		c.values(append(p, tree.Step{Index: i}), from[i], to[i])
	}
	for i := both; i < endA; i++ {
		c.add(append(p, tree.Step{Index: i}), Remove, from[i], nil)
	}
	for i := both; i < endB; i++ {
		c.add(append(p, tree.Step{Index: i}), Add, nil, to[i])
	}
}

func (c *comparison) keyed(p tree.Path, keys []string, from, to []any) {
	old := make(map[string]int, len(from))
	for i, it := range from {
		old[nameOf(keys, it)] = i
	}
	var before, after []any // the keys of the items that stay, in both orders
	kept := map[string]bool{}
	for i, it := range to {
		n := nameOf(keys, it)
		j, stays := old[n]
		if !stays {
			c.add(append(p, tree.Step{Key: n, Index: i}), Add, nil, it)
			continue
		}
		kept[n] = true
		after = append(after, n)
		c.values(append(p, tree.Step{Key: n, Index: j}), from[j], it)
	}
	for i, it := range from {
		n := nameOf(keys, it)
		if !kept[n] {
			c.add(append(p, tree.Step{Key: n, Index: i}), Remove, it, nil)
			continue
		}
		before = append(before, n)
	}
	if !slices.Equal(before, after) {
		c.add(p, Reorder, before, after)
		c.changes[len(c.changes)-1].keys = keys
	}
}

// keysOf returns the fields by which the items of both lists can be told apart,
// nil if there are none.
func keysOf(p tree.Path, from, to []any, m *mask) []string {
	if len(from)+len(to) == 0 {
		return nil
	}
	field := p[len(p)-1].Key
	candidates := mergeKeys[field]
	if atomic[field] {
		return nil
	}
	candidates = append(slices.Clone(candidates), guesses...)
	for _, keys := range candidates {
		if unique(keys, from) && unique(keys, to) && !m.keys(p, keys) {
			return keys
		}
	}
	return nil
}

// mergeKeys are the keys of the lists of the well-known types.
var mergeKeys = map[string][][]string{
	"ports":                     {{"containerPort", "protocol"}, {"port", "protocol"}},
	"volumeMounts":              {{"mountPath"}},
	"volumeDevices":             {{"devicePath"}},
	"conditions":                {{"type"}},
	"hostAliases":               {{"ip"}},
	"topologySpreadConstraints": {{"topologyKey", "whenUnsatisfiable"}},
	"ownerReferences":           {{"uid"}},
	"readinessGates":            {{"conditionType"}},
	"taints":                    {{"key", "effect"}},
}

// guesses are tried for every list. A wrong guess makes a change no less true,
// only less readable.
var guesses = [][]string{{"name"}, {"key"}, {"id"}}

// atomic are lists that the API replaces as a whole, though their items have
// fields that look like keys.
var atomic = map[string]bool{"tolerations": true, "matchExpressions": true, "matchFields": true, "subjects": true}

// unique tells whether every item is a map with these fields, and no two are
// alike in them. The protocol may be left out: it is TCP.
func unique(keys []string, list []any) bool {
	seen := make(map[string]bool, len(list))
	for _, it := range list {
		m, ok := it.(map[string]any)
		if !ok {
			return false
		}
		for _, k := range keys {
			switch v := m[k].(type) {
			case string:
				if v == "" {
					return false
				}
			case int64, float64, int:
			default:
				if k != "protocol" || v != nil {
					return false
				}
			}
		}
		n := nameOf(keys, it)
		if seen[n] {
			return false
		}
		seen[n] = true
	}
	return true
}

// nameOf writes an item's key, as in containerPort=80,protocol=TCP.
func nameOf(keys []string, item any) string {
	m, _ := item.(map[string]any)
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		v := m[k]
		if v == nil {
			v = "TCP"
		}
		parts = append(parts, k+"="+scalar(v))
	}
	return strings.Join(parts, ",")
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return "null"
}

// equal compares two values without looking at where they are.
func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && equalMaps(x, y)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equal)
	}
	return reflect.DeepEqual(a, b)
}

func equalMaps(x, y map[string]any) bool {
	for k, v := range x {
		if !equal(v, y[k]) {
			return false
		}
	}
	for k, v := range y {
		if x[k] == nil && v != nil {
			return false
		}
	}
	return true
}
