package edit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// Parse reads a text's documents. Positions count from the text's first line.
type Parse func(text []byte) []tree.Document

// Change is one change to a document: at Path, which need not exist, put the
// YAML flow text Value; with Remove, take the value at Path away. A map put
// where a map is adds its keys to it.
type Change struct {
	Path   tree.Path
	Value  string
	Remove bool
}

// Refusal is why an edit was not made, as a sentence without a full stop.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return string(r) }

// Reasons for a refusal.
const (
	refusedAlias   Refusal = "the value stands at an anchor that other fields use too"
	refusedLayout  Refusal = "the layout at this place is not one that can be edited safely"
	refusedList    Refusal = "the list has no such entry"
	refusedScalar  Refusal = "a plain value stands where a map is needed"
	refusedValue   Refusal = "the new value is not one YAML value on one line"
	refusedMissing Refusal = "the document is not there any more"
	refusedBlock   Refusal = "a text of several lines stands there"
	refusedLast    Refusal = "nothing would be left of the document"
	refusedSize    Refusal = "the document has too many values to be edited"
)

// maxValues bounds the documents that are edited, aliases expanded: each edit
// is proven by comparing the whole document.
const maxValues = 500_000

// Apply makes a change in the doc-th document of text, counted from 0. The
// error is always a Refusal; the text is then returned as it was. A change
// that is made already returns the text as it is.
func Apply(parse Parse, text []byte, doc int, c Change) ([]byte, error) {
	var value tree.Node
	if !c.Remove {
		var ok bool
		if value, ok = ParseValue(parse, c.Value); !ok {
			return text, refusedValue
		}
	}
	return apply(parse, text, doc, c, value)
}

// ParseValue reads YAML flow text; ok is false if it is not one value.
func ParseValue(parse Parse, text string) (v tree.Node, ok bool) {
	if strings.ContainsAny(text, "\r\n") {
		return v, false
	}
	docs := parse([]byte("v: " + text + "\n"))
	if len(docs) != 1 || docs[0].Doc == nil || docs[0].Doc.Root().Len() != 1 {
		return v, false
	}
	v = docs[0].Doc.Root().Get("v")
	return v, v.Exists() && !v.Block()
}

func apply(parse Parse, text []byte, doc int, c Change, value tree.Node) ([]byte, error) {
	docs := parse(text)
	if doc >= len(docs) || docs[doc].Doc == nil {
		return text, refusedMissing
	}
	if docs[doc].Doc.Size() > maxValues {
		return text, refusedSize
	}
	root := docs[doc].Doc.Root()
	at, k := root.Descend(c.Path)
	if k == len(c.Path) && at.IsMap() && value.IsMap() && at.Len() > 0 {
		return merge(parse, text, doc, c.Path, value)
	}
	e := &editor{text: text, rows: scan(text), root: root, value: value}
	e.style = styleOf(text, e.rows)
	var err error
	switch {
	case c.Remove && k < len(c.Path), !c.Remove && k == len(c.Path) && sameValue(at, value):
		return text, nil
	case c.Remove:
		err = e.remove(at)
	case k == len(c.Path):
		err = e.replace(at)
	default:
		var keys []string
		if keys, err = names(c.Path[k:]); err == nil {
			err = e.insert(at, keys)
		}
	}
	if err != nil {
		return text, err
	}
	if err := prove(docs, parse(e.text), doc, edited{at: at, rest: c.Path[k:], value: value, remove: c.Remove}); err != nil {
		return text, err
	}
	return e.text, nil
}

// merge adds a map's keys to a map, one by one.
func merge(parse Parse, text []byte, doc int, at tree.Path, value tree.Node) ([]byte, error) {
	out := text
	for k, v := range value.Fields() {
		c := Change{Path: append(slices.Clip(at), tree.Step{Key: k.Text(), Index: -1})}
		var err error
		if out, err = apply(parse, out, doc, c, v); err != nil {
			return text, err
		}
	}
	return out, nil
}

func names(p tree.Path) ([]string, error) {
	keys := make([]string, len(p))
	for i, s := range p {
		if s.Index >= 0 {
			return nil, refusedList
		}
		keys[i] = s.Key
	}
	return keys, nil
}

// editor is one edit of one text.
type editor struct {
	text  []byte
	rows  []row
	style style
	root  tree.Node
	value tree.Node
}

// offset returns where a line and column lie in the text.
func (e *editor) offset(line, col int) (int, bool) {
	if line < 1 || line > len(e.rows) || col < 1 || col >= 1<<16-1 {
		return 0, false
	}
	r := e.rows[line-1]
	at := r.start
	for range col - 1 {
		if at >= r.end {
			return 0, false
		}
		_, n := utf8.DecodeRune(e.text[at:r.end])
		at += n
	}
	return at, true
}

func (e *editor) splice(from, to int, with string) {
	e.text = slices.Concat(e.text[:from], []byte(with), e.text[to:])
}

// insertAfter adds lines behind row i.
func (e *editor) insertAfter(i int, lines []string) {
	block := strings.Join(lines, e.style.eol)
	r := e.rows[i]
	if r.next == r.end { // the last line, without a line end
		e.splice(r.next, r.next, e.style.eol+block)
		return
	}
	e.splice(r.next, r.next, block+e.style.eol)
}

// inFlow reports whether n stands inside of a flow collection.
func inFlow(n tree.Node) bool {
	for p := n.Parent(); p.Exists(); p = p.Parent() {
		if p.Flow() {
			return true
		}
	}
	return false
}

// entryEnd returns the last row of a map's entry whose key stands in row i at
// indentation c. A list may be indented like its key.
func (e *editor) entryEnd(i, c int, list bool) int {
	last := i
	for j := i + 1; j < len(e.rows); j++ {
		switch r := e.rows[j]; r.kind {
		case rowBlank, rowComment:
		case rowInside:
			last = j
		case rowContent:
			if r.indent < c || r.indent == c && !(list && dashAt(e.text, r)) {
				return last
			}
			last = j
		default:
			return last
		}
	}
	return last
}

// mapEnd returns the last row of a block map that begins in row i and whose
// keys are indented by c.
func (e *editor) mapEnd(i, c int) int { return e.entryEnd(i, c-1, false) }

// field is one entry that a map has in its own text, not from a merge key.
type field struct {
	key, value tree.Node
	off        int // where the key stands
	row        int
}

// own lists a block map's own entries in the order of the text; c is their
// indentation. Entries that a merge key brings stand before the map.
func (e *editor) own(n tree.Node) (all []field, c int, ok bool) {
	begin, ok := e.offset(n.Line(), n.Column())
	if !ok {
		return nil, 0, false
	}
	for k, v := range n.Fields() {
		if off, ok := e.offset(k.Line(), k.Column()); ok && off >= begin {
			all = append(all, field{k, v, off, k.Line() - 1})
		}
	}
	slices.SortFunc(all, func(a, b field) int { return a.off - b.off })
	if bytes.HasPrefix(e.text[begin:], []byte("<<")) || len(all) == 0 {
		c = n.Column() - 1
	} else {
		c = all[0].key.Column() - 1
	}
	all = slices.DeleteFunc(all, func(f field) bool { return f.key.Column()-1 != c })
	return all, c, true
}

// afterKey returns the offset behind the colon of the key that begins at off.
func (e *editor) afterKey(off int) (int, bool) {
	if off >= len(e.text) {
		return 0, false
	}
	var at int
	switch e.text[off] {
	case '"', '\'':
		at = quotedEnd(e.text, off)
	case '&', '!', '*', '?', '{', '[':
		return 0, false
	default:
		end := off
		for end < len(e.text) && e.text[end] != '\n' {
			end++
		}
		at = plainEnd(e.text, off, end)
		if flow := plainEndFlow(e.text, off); flow < at {
			at = flow
		}
	}
	for at < len(e.text) && e.text[at] == ' ' {
		at++
	}
	if at >= len(e.text) || e.text[at] != ':' {
		return 0, false
	}
	return at + 1, true
}

// Block writes what changes make of an empty map, as block lines without
// indentation and line ends, in the style of another text.
func Block(parse Parse, like []byte, changes []Change) ([]string, error) {
	text := []byte("{}\n")
	for _, c := range changes {
		var err error
		if text, err = Apply(parse, text, 0, c); err != nil {
			return nil, err
		}
	}
	docs := parse(text)
	if len(docs) != 1 || docs[0].Doc == nil {
		return nil, refusedLayout
	}
	return styleOf(like, scan(like)).value(docs[0].Doc.Root(), 0), nil
}

// Unit is by how many spaces a text indents a map in a map.
func Unit(text []byte) int { return styleOf(text, scan(text)).unit }
