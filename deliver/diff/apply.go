package diff

import (
	"fmt"
	"slices"
	"sort"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Apply makes the changes to an object and returns the result; the object is not
// changed. The changes must come from one Compare with this object as from. The
// error is of kind Invalid if one of them is masked or does not fit.
func Apply(from map[string]any, changes []Change) (map[string]any, error) {
	out, _ := clone(from).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	ordered := slices.Clone(changes)
	// The deepest come first, so that numbers of items above them still hold;
	// within a list, what is removed goes from the end, then what is added
	// comes in order, then the order is set.
	sort.SliceStable(ordered, func(i, j int) bool { return before(ordered[i], ordered[j]) })
	for _, c := range ordered {
		if c.Masked {
			return nil, misfit(c, "its value is hidden")
		}
		next, err := put(out, c.path, c)
		if err != nil {
			return nil, err
		}
		out, _ = next.(map[string]any)
	}
	return out, nil
}

func misfit(c Change, why string) error {
	return fault.New(fault.Invalid, "apply change", c.Path, why, "compare the objects again")
}

func before(a, b Change) bool {
	// A reorder is about the items of its list: one deeper than its path.
	da, db := depth(a), depth(b)
	if da != db {
		return da > db
	}
	ra, rb := phase(a), phase(b)
	if ra != rb {
		return ra < rb
	}
	if ra == 1 {
		return last(a) > last(b)
	}
	return last(a) < last(b)
}

func depth(c Change) int {
	if c.Op == Reorder {
		return len(c.path) + 1
	}
	return len(c.path)
}

func phase(c Change) int {
	switch {
	case c.Op == Reorder:
		return 3
	case c.Op == Remove:
		return 1
	case c.Op == Add:
		return 2
	}
	return 0
}

func last(c Change) int {
	if len(c.path) == 0 {
		return 0
	}
	return c.path[len(c.path)-1].Index
}

// put makes one change below v and returns what v is then.
func put(v any, path tree.Path, c Change) (any, error) {
	if len(path) == 0 {
		if c.Op == Reorder {
			return reorder(v, c)
		}
		return clone(c.To), nil
	}
	step := path[0]
	final := len(path) == 1
	switch v := v.(type) {
	case map[string]any:
		if step.Index >= 0 {
			return nil, misfit(c, "there is a map where a list was")
		}
		if final && c.Op == Remove {
			delete(v, step.Key)
			return v, nil
		}
		child, err := put(v[step.Key], path[1:], c)
		v[step.Key] = child
		return v, err
	case []any:
		return putItem(v, step.Index, path, c)
	}
	return nil, misfit(c, "there is nothing to change")
}

func putItem(v []any, i int, path tree.Path, c Change) (any, error) {
	final := len(path) == 1
	switch {
	case final && c.Op == Add && i >= 0 && i <= len(v):
		return slices.Insert(v, i, clone(c.To)), nil
	case i < 0 || i >= len(v):
		return nil, misfit(c, fmt.Sprintf("the list has no item %d", i))
	case final && c.Op == Remove:
		return slices.Delete(v, i, i+1), nil
	}
	child, err := put(v[i], path[1:], c)
	v[i] = child
	return v, err
}

// reorder puts the items that stayed in their new order: they take the places
// that they have between them, so that added items keep theirs.
func reorder(v any, c Change) (any, error) {
	list, ok := v.([]any)
	keys, okKeys := c.To.([]any)
	if !ok || !okKeys {
		return nil, misfit(c, "there is no list")
	}
	byName := map[string]any{}
	stays := map[string]bool{}
	for _, k := range keys {
		stays[fmt.Sprint(k)] = true
	}
	var places []int
	for i, it := range list {
		if n := nameOf(c.keys, it); stays[n] {
			byName[n] = it
			places = append(places, i)
		}
	}
	if len(places) != len(keys) {
		return nil, misfit(c, "items are missing")
	}
	for i, k := range keys {
		list[places[i]] = byName[fmt.Sprint(k)]
	}
	return list, nil
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for k, child := range v {
			out[k] = clone(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = clone(child)
		}
		return out
	}
	return v
}
