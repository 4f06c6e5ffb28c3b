package edit

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// replace puts the value where n is.
func (e *editor) replace(n tree.Node) error {
	switch k := n.Kind(); {
	case k == tree.Null && n.Text() == "" || (k == tree.Map || k == tree.List) && n.Len() == 0:
		return e.fill(n, nil)
	case k == tree.Null && !inFlow(n) && e.value.Len() > 0:
		return e.fill(n, nil)
	case k < tree.List:
		return e.replaceScalar(n)
	case n.Flow():
		off, ok := e.offset(n.Line(), n.Column())
		if !ok || off >= len(e.text) || e.text[off] != '{' && e.text[off] != '[' {
			return refusedLayout
		}
		e.splice(off, flowSpan(e.text, off).end, inline(e.value, e.jsonAt(n)))
		return nil
	}
	return e.replaceBlock(n)
}

// scalarSpan returns where a scalar's text stands, without its anchor.
func (e *editor) scalarSpan(n tree.Node) (from, to int, err error) {
	at, ok := e.offset(n.Line(), n.Column())
	if !ok || at >= len(e.text) {
		return 0, 0, refusedLayout
	}
	if e.text[at] == '&' {
		for at < len(e.text) && !isSpace(e.text[at]) {
			at++
		}
		for at < len(e.text) && e.text[at] == ' ' {
			at++
		}
		if at >= len(e.text) {
			return 0, 0, refusedLayout
		}
	}
	switch e.text[at] {
	case '"', '\'':
		return at, quotedEnd(e.text, at), nil
	case '|', '>':
		return 0, 0, refusedBlock
	case '!', '*', '\n', '\r':
		return 0, 0, refusedLayout
	}
	var end int
	if inFlow(n) {
		end = plainEndFlow(e.text, at)
	} else {
		eol := strings.IndexByte(string(e.text[at:]), '\n')
		if eol < 0 {
			eol = len(e.text) - at
		}
		end = plainEnd(e.text, at, at+eol)
	}
	if string(e.text[at:end]) != n.Text() {
		return 0, 0, refusedLayout // it goes on in the next line
	}
	return at, end, nil
}

func (e *editor) replaceScalar(n tree.Node) error {
	from, to, err := e.scalarSpan(n)
	if err != nil {
		return err
	}
	with := inline(e.value, e.jsonAt(n) && (n.Quoted() || inFlow(n)))
	if n.Quoted() && e.value.IsString() {
		with = quote(e.value.Text())
		if e.text[from] == '\'' && !strings.ContainsAny(e.value.Text(), "\n\t\r\\") {
			with = "'" + strings.ReplaceAll(e.value.Text(), "'", "''") + "'"
		}
	}
	e.splice(from, to, with)
	return nil
}

// replaceBlock replaces a block map or list that has a key.
func (e *editor) replaceBlock(n tree.Node) error {
	k := n.Key()
	off, ok := e.offset(k.Line(), k.Column())
	if !ok {
		return refusedLayout
	}
	colon, ok := e.afterKey(off)
	i, c := k.Line()-1, k.Column()-1
	if !ok || colon > e.rows[i].end {
		return refusedLayout
	}
	r := e.rows[i]
	tail, ok := emptyValue(string(e.text[colon:r.end]))
	if !ok {
		return refusedLayout
	}
	last := e.entryEnd(i, c, n.IsList())
	if last == i {
		return refusedLayout
	}
	if e.value.Kind() < tree.List || e.value.Len() == 0 {
		e.splice(r.end, e.rows[last].end, "")
		e.splice(colon, r.end, " "+inline(e.value, false)+tail)
		return nil
	}
	indent := c + e.style.unit
	if e.value.IsList() {
		indent = c + e.style.dash
	}
	if n.Kind() == e.value.Kind() {
		if first, ok := e.firstContent(i+1, last); ok {
			indent = first.indent
		}
	}
	e.splice(r.end, e.rows[last].end, e.style.eol+strings.Join(e.style.value(e.value, indent), e.style.eol))
	return nil
}

func (e *editor) firstContent(from, to int) (row, bool) {
	for i := from; i <= to; i++ {
		if e.rows[i].kind == rowContent {
			return e.rows[i], true
		}
	}
	return row{}, false
}
