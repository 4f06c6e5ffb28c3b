package edit

import "github.com/autoecoops/autoecoops/graph/tree"

// remove takes n away, with its key.
func (e *editor) remove(n tree.Node) error {
	p := n.Parent()
	switch {
	case !p.Exists():
		return refusedLayout
	case p.Flow() || inFlow(p):
		return e.removeFlow(n)
	case p.IsMap():
		return e.removeField(n, p)
	}
	return e.removeEntry(n, p)
}

func (e *editor) removeField(n, parent tree.Node) error {
	own, c, ok := e.own(parent)
	if !ok {
		return refusedLayout
	}
	at := -1
	for i, f := range own {
		if f.value == n {
			at = i
		}
	}
	if at < 0 {
		return refusedAlias
	}
	f := own[at]
	last := e.entryEnd(f.row, c, n.IsList())
	first := e.rows[f.row].start + e.rows[f.row].indent
	switch {
	case len(own) == 1 && len(own) == parent.Len():
		return e.removeOnly(f.off, f.row, last, parent, "{}")
	case first == f.off:
		e.splice(e.rows[f.row].start, e.rows[last].next, "")
	case at+1 < len(own):
		// The key stands behind its entry's dash: the next one takes its place.
		e.splice(f.off, own[at+1].off, "")
	default:
		return refusedLayout
	}
	return nil
}

// removeOnly leaves an empty collection where the only entry, which stands in
// the rows from first to last, was.
func (e *editor) removeOnly(off, first, last int, parent tree.Node, empty string) error {
	k := parent.Key()
	if !parent.Parent().Exists() {
		return refusedLast
	}
	if !k.Exists() {
		if !parent.Parent().IsList() || empty != "{}" {
			return refusedLayout
		}
		e.splice(off, e.rows[last].end, empty)
		return nil
	}
	keyOff, ok := e.offset(k.Line(), k.Column())
	if !ok {
		return refusedLayout
	}
	colon, ok := e.afterKey(keyOff)
	r := e.rows[k.Line()-1]
	if !ok || colon > r.end || k.Line()-1 >= first {
		return refusedLayout
	}
	tail, ok := emptyValue(string(e.text[colon:r.end]))
	if !ok {
		return refusedLayout
	}
	e.splice(e.rows[first].start, e.rows[last].next, "")
	e.splice(colon, r.end, " "+empty+tail)
	return nil
}

// removeEntry removes an entry of a block list.
func (e *editor) removeEntry(n, parent tree.Node) error {
	i := n.Line() - 1
	off, ok := e.offset(n.Line(), n.Column())
	if !ok || i < 0 || !dashAt(e.text, e.rows[i]) {
		return refusedLayout
	}
	r := e.rows[i]
	for at := r.start + r.indent + 1; at < off; at++ {
		if e.text[at] != ' ' {
			return refusedLayout
		}
	}
	last := e.entryEnd(i, r.indent, false)
	if parent.Len() == 1 {
		return e.removeOnly(off, i, last, parent, "[]")
	}
	e.splice(r.start, e.rows[last].next, "")
	return nil
}

// removeFlow removes an entry of a flow collection, with its comma.
func (e *editor) removeFlow(n tree.Node) error {
	from := n
	if k := n.Key(); k.Exists() {
		from = k
	}
	begin, ok := e.offset(from.Line(), from.Column())
	if !ok {
		return refusedLayout
	}
	end := begin
	if from != n {
		if end, ok = e.afterKey(begin); !ok {
			return refusedLayout
		}
	}
	for end < len(e.text) && isSpace(e.text[end]) {
		end++
	}
	if end >= len(e.text) {
		return refusedLayout
	}
	switch e.text[end] {
	case '"', '\'', '{', '[':
		end = skipValue(e.text, end)
	case '&', '!', '*':
		return refusedAlias
	default:
		end = plainEndFlow(e.text, end)
	}
	next := end
	for next < len(e.text) && isSpace(e.text[next]) {
		next++
	}
	if next < len(e.text) && e.text[next] == ',' {
		for next++; next < len(e.text) && isSpace(e.text[next]); next++ {
		}
		e.splice(begin, next, "")
		return nil
	}
	for begin > 0 && isSpace(e.text[begin-1]) {
		begin--
	}
	if begin > 0 && e.text[begin-1] == ',' {
		begin--
	}
	e.splice(begin, end, "")
	return nil
}
