package edit

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// insert adds keys, nested in each other, with the value below n.
func (e *editor) insert(n tree.Node, keys []string) error {
	switch {
	case n.IsMap() && n.Len() > 0 && !n.Flow():
		return e.insertBlock(n, keys)
	case n.IsMap() && n.Len() > 0:
		return e.insertFlow(n, keys)
	case n.IsMap() || n.Kind() == tree.Null:
		return e.fill(n, keys)
	case n.IsList():
		return refusedList
	}
	return refusedScalar
}

// insertBlock adds an entry to a block map: a plain value behind the last
// plain value, anything else before a pod's containers or at the end.
func (e *editor) insertBlock(n tree.Node, keys []string) error {
	own, c, ok := e.own(n)
	if !ok || c < 0 {
		return refusedLayout
	}
	lines := e.style.entry(keys, e.value, c)
	if len(keys) == 1 && e.value.Kind() < tree.List {
		if i := e.lastPlain(own); i >= 0 {
			e.insertAfter(i, lines)
			return nil
		}
	}
	for i, f := range own {
		name := f.key.Text()
		if i == 0 || name != "containers" && name != "initContainers" || e.rows[f.row].indent != c {
			continue
		}
		before := f.row
		for before > 0 && e.rows[before-1].kind == rowComment {
			before--
		}
		e.insertAfter(before-1, lines)
		return nil
	}
	e.insertAfter(e.mapEnd(n.Line()-1, c), lines)
	return nil
}

// lastPlain returns the row of the last entry that is a plain value on one
// line, -1 if there is none.
func (e *editor) lastPlain(own []field) int {
	last := -1
	for _, f := range own {
		if f.value.Kind() >= tree.List || f.value.Block() || f.value.Line() != f.key.Line() {
			continue
		}
		if c := f.key.Column() - 1; e.entryEnd(f.row, c, false) == f.row {
			last = max(last, f.row)
		}
	}
	return last
}

// fill puts an entry, or with no keys the value, where nothing or an empty
// collection is.
func (e *editor) fill(n tree.Node, keys []string) error {
	if inFlow(n) {
		return e.fillFlow(n, keys)
	}
	k := n.Key()
	if !k.Exists() {
		return e.fillEntry(n, keys)
	}
	off, ok := e.offset(k.Line(), k.Column())
	if !ok {
		return refusedLayout
	}
	colon, ok := e.afterKey(off)
	if !ok {
		return refusedLayout
	}
	i := k.Line() - 1
	r := e.rows[i]
	if colon > r.end {
		return refusedLayout
	}
	rest := string(e.text[colon:r.end])
	tail, ok := emptyValue(rest)
	if !ok || i+1 < len(e.rows) && e.rows[i+1].kind == rowInside {
		return refusedLayout
	}
	if len(keys) == 0 && (e.value.Kind() < tree.List || e.value.Len() == 0) {
		e.splice(colon, r.end, " "+inline(e.value, false)+tail)
		return nil
	}
	c := k.Column() - 1
	var lines []string
	switch {
	case len(keys) > 0:
		lines = e.style.entry(keys, e.value, c+e.style.unit)
	case e.value.IsList():
		lines = e.style.value(e.value, c+e.style.dash)
	default:
		lines = e.style.value(e.value, c+e.style.unit)
	}
	e.insertAfter(i, lines)
	e.splice(colon, r.end, tail)
	return nil
}

// emptyValue takes a null or an empty collection off a line's rest and returns
// what follows: nothing or a comment.
func emptyValue(rest string) (tail string, ok bool) {
	lead := strings.TrimLeft(rest, " ")
	for _, empty := range [...]string{"{}", "{ }", "[]", "[ ]", "~", "null", "Null", "NULL"} {
		if after, found := strings.CutPrefix(lead, empty); found {
			rest = after
			break
		}
	}
	trimmed := strings.TrimLeft(rest, " ")
	if trimmed == "" {
		return "", true
	}
	return rest, trimmed[0] == '#' && trimmed != rest
}

// fillEntry fills an empty map that is a list's entry or the whole document.
func (e *editor) fillEntry(n tree.Node, keys []string) error {
	off, ok := e.offset(n.Line(), n.Column())
	if !ok || len(keys) == 0 || !n.IsMap() || e.text[min(off, len(e.text)-1)] != '{' {
		return refusedLayout
	}
	r := e.rows[n.Line()-1]
	if tail, ok := emptyValue(string(e.text[off:r.end])); !ok || tail != "" {
		return refusedLayout
	}
	lines := e.style.entry(keys, e.value, n.Column()-1)
	lines[0] = strings.TrimLeft(lines[0], " ")
	e.splice(off, r.end, strings.Join(lines, e.style.eol))
	return nil
}

// jsonAt reports whether keys are written as JSON does it around n.
func (e *editor) jsonAt(n tree.Node) bool {
	for ; n.Exists(); n = n.Parent() {
		k := n.Key()
		if n.Flow() && n.IsMap() {
			for first := range n.Fields() {
				k = first
				break
			}
		}
		if k.Exists() {
			off, ok := e.offset(k.Line(), k.Column())
			return ok && off < len(e.text) && e.text[off] == '"'
		}
	}
	return e.root.Flow() && e.root.Len() == 0
}

// fillFlow fills an empty value inside of a flow collection.
func (e *editor) fillFlow(n tree.Node, keys []string) error {
	off, ok := e.offset(n.Line(), n.Column())
	if !ok || off >= len(e.text) {
		return refusedLayout
	}
	asJSON := e.jsonAt(n)
	var end int
	switch c := e.text[off]; {
	case c == '{' || c == '[':
		end = flowSpan(e.text, off).end
	case n.Text() != "":
		if end = plainEndFlow(e.text, off); string(e.text[off:end]) != n.Text() {
			return refusedLayout
		}
	default:
		return refusedLayout
	}
	prefix, unit, pretty := e.pretty(n.Key())
	switch {
	case len(keys) == 0 && pretty && asJSON:
		e.splice(off, end, indentedValue(e.value, prefix, unit, e.style.eol))
	case len(keys) == 0:
		e.splice(off, end, inline(e.value, asJSON))
	case pretty && asJSON:
		e.splice(off, end, "{"+e.style.eol+prefix+unit+indented(keys, e.value, prefix+unit, unit, e.style.eol)+e.style.eol+prefix+"}")
	default:
		e.splice(off, end, "{"+inlineChain(keys, e.value, asJSON)+"}")
	}
	return nil
}

// pretty reports whether a key stands first on its line, as in JSON that was
// written for people, and how it is indented.
func (e *editor) pretty(k tree.Node) (prefix, unit string, ok bool) {
	off, found := e.offset(k.Line(), k.Column())
	if !found {
		return "", "", false
	}
	r := e.rows[k.Line()-1]
	prefix = string(e.text[r.start:off])
	if strings.Trim(prefix, " \t") != "" {
		return "", "", false
	}
	return prefix, e.flowUnit(), true
}

// flowUnit is by what the first indented line of the text is indented.
func (e *editor) flowUnit() string {
	for _, r := range e.rows {
		line := string(e.text[r.start:r.end])
		if lead := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; lead != "" && lead != line {
			return lead
		}
	}
	return "  "
}

// insertFlow adds an entry to a flow map that has some.
func (e *editor) insertFlow(n tree.Node, keys []string) error {
	off, ok := e.offset(n.Line(), n.Column())
	if !ok || off >= len(e.text) {
		return refusedLayout
	}
	for off < len(e.text) && e.text[off] == '&' { // an anchor stands before
		for off < len(e.text) && !isSpace(e.text[off]) {
			off++
		}
		for off < len(e.text) && isSpace(e.text[off]) {
			off++
		}
	}
	if off >= len(e.text) || e.text[off] != '{' {
		return refusedLayout
	}
	sp := flowSpan(e.text, off)
	asJSON := e.jsonAt(n)
	comma := ","
	if sp.comma {
		comma = ""
	}
	if strings.IndexByte(string(e.text[sp.last:sp.end]), '\n') < 0 {
		e.splice(sp.last, sp.last, comma+" "+inlineChain(keys, e.value, asJSON))
		return nil
	}
	var first tree.Node
	for k := range n.Fields() {
		first = k
		break
	}
	prefix, unit, ok := e.pretty(first)
	if !ok {
		return refusedLayout
	}
	entry := inlineChain(keys, e.value, asJSON)
	if asJSON {
		entry = indented(keys, e.value, prefix, unit, e.style.eol)
	}
	if sp.comma {
		entry += ","
	}
	line := sp.last
	for line < len(e.text) && e.text[line] != '\n' {
		line++
	}
	e.splice(line+1, line+1, prefix+entry+e.style.eol)
	e.splice(sp.last, sp.last, comma)
	return nil
}
