package openslo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// fields reads the fields of a map, each once, and says at the end which were
// not asked for.
type fields struct {
	r    *reader
	n    tree.Node
	path string
	seen []string
}

// open begins to read a map. What is no map is a problem, and has no fields.
func (r *reader) open(n tree.Node, path string) *fields {
	if n.Exists() && !n.IsMap() {
		r.fail(n, "%s must be a map, not %s", path, n.Kind())
		n = tree.Node{}
	}
	return &fields{r: r, n: n, path: path}
}

func (f *fields) name(key string) string {
	if f.path == "" {
		return key
	}
	return f.path + "." + key
}

// get returns the value of a field, absent if it is not set.
func (f *fields) get(key string) tree.Node {
	f.seen = append(f.seen, key)
	if n := f.n.Get(key); !n.IsNull() {
		return n
	}
	return tree.Node{}
}

// need returns the value of a field that must be set.
func (f *fields) need(key string) tree.Node {
	n := f.get(key)
	if !n.Exists() && f.n.Exists() {
		f.r.fail(f.n, "%s is missing", f.name(key))
	}
	return n
}

// sub reads a map below; must says that it has to be there.
func (f *fields) sub(key string, must bool) *fields {
	n := f.get(key)
	if must && !n.Exists() && f.n.Exists() {
		f.r.fail(f.n, "%s is missing", f.name(key))
	}
	return f.r.open(n, f.name(key))
}

// text reads a text; numbers and the like are none.
func (f *fields) text(key string) string {
	n := f.get(key)
	if n.Exists() && !n.IsString() {
		f.r.fail(n, "%s must be a text, not %s", f.name(key), n.Kind())
	}
	return n.Str()
}

// needText reads a text that must be there.
func (f *fields) needText(key string) string {
	if n := f.need(key); !n.Exists() {
		return ""
	}
	s := f.text(key)
	if s == "" && f.n.Get(key).IsString() {
		f.r.fail(f.n.Get(key), "%s is empty", f.name(key))
	}
	return s
}

// number reads a number; ok is false if there is none.
func (f *fields) number(key string) (v float64, ok bool) {
	n := f.get(key)
	if !n.Exists() {
		return 0, false
	}
	if v, ok = n.Float(); !ok {
		f.r.fail(n, "%s must be a number, not %q", f.name(key), n.Text())
	}
	return v, ok
}

// flag reads a boolean, false if it is not set.
func (f *fields) flag(key string) bool {
	n := f.get(key)
	v, ok := n.Bool()
	if n.Exists() && !ok {
		f.r.fail(n, "%s must be true or false, not %q", f.name(key), n.Text())
	}
	return v
}

// list reads a list.
func (f *fields) list(key string) []tree.Node {
	n := f.get(key)
	if n.Exists() && !n.IsList() {
		f.r.fail(n, "%s must be a list, not %s", f.name(key), n.Kind())
		return nil
	}
	var out []tree.Node
	for _, e := range n.Items() {
		out = append(out, e)
	}
	return out
}

// texts reads a map of texts. OpenSLO allows lists of texts as labels; they are
// joined with commas.
func (f *fields) texts(key string) map[string]string {
	n := f.get(key)
	if !n.Exists() {
		return nil
	}
	if !n.IsMap() {
		f.r.fail(n, "%s must be a map, not %s", f.name(key), n.Kind())
		return nil
	}
	out := map[string]string{}
	for k, v := range n.Fields() {
		switch {
		case v.IsList():
			out[k.Text()] = strings.Join(v.Strings(), ",")
		case v.IsMap():
			f.r.fail(v, "%s.%s must be a text, not a map", f.name(key), k.Text())
		default:
			out[k.Text()] = v.Text()
		}
	}
	return out
}

// refuse says that fields are known, and not supported.
func (f *fields) refuse(why string, keys ...string) {
	for _, k := range keys {
		if n := f.get(k); n.Exists() {
			f.r.fail(n, "%s is not supported: %s", f.name(k), why)
		}
	}
}

// skip accepts fields that change nothing.
func (f *fields) skip(keys ...string) { f.seen = append(f.seen, keys...) }

// done says which fields were not asked for.
func (f *fields) done() {
	for k := range f.n.Fields() {
		if slices.Contains(f.seen, k.Text()) {
			continue
		}
		known := slices.Clone(f.seen)
		slices.Sort(known)
		hint := fmt.Sprintf("known are %s", strings.Join(slices.Compact(known), ", "))
		if best := nearest(k.Text(), known); best != "" {
			hint = fmt.Sprintf("do you mean %s?", best)
		}
		line, col := k.Line(), k.Column()
		f.r.failAt(line, col, "there is no field %s; %s", f.name(k.Text()), hint)
	}
}

// nearest returns the known field that is written almost the same.
func nearest(word string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(strings.NewReplacer("_", "", "-", "").Replace(word), strings.ReplaceAll(k, "_", "")) || distance(word, k) <= 2 && len(k) > 3 {
			return k
		}
	}
	return ""
}

// distance is how many letters must be changed, added or left out.
func distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		corner := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			corner, row[j] = row[j], min(row[j]+1, row[j-1]+1, corner+cost)
		}
	}
	return row[len(b)]
}
