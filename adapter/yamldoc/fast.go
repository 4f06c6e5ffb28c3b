package yamldoc

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// fast reads the plain everyday subset of block-style YAML in one pass over
// the text, straight into a tree.Builder. The library stays the authority:
// for every text, fast either gives exactly the tree that the library path
// gives, or declines. Every method that returns a bool returns false to
// decline; what was built by then is thrown away. Whatever is rare, unclear or
// an error is declined, so that the library decides and words the error.
//
// See docs/decisions/0001-yaml-fast-path.md.
type fast struct {
	b     *tree.Builder
	text  string
	ascii bool
	pos   int // the next byte
	bol   int // where the line of pos begins
	line  int // the number of that line
	// indent is how far the content line at pos is indented, -1 at the end of
	// the text. In a "- key: value" it is the column of the key.
	indent int
	// keys holds the keys of all open maps, innermost last, to find duplicates.
	keys    []string
	seen    map[string]struct{}
	scratch []byte
}

const (
	// fastDepth is well below MaxDepth: deeper documents are not everyday ones.
	fastDepth = 200
	// fastKey is below the 1024 characters within which a key's colon must
	// stand, so that the library's limit is never reached.
	fastKey = 1000
	// fastSize keeps offsets and line numbers far away from the tree's limits.
	fastSize = 1 << 28
	// keep is how many bytes of working memory are kept for the next document:
	// one huge document must not hold its memory for ever.
	keep = 1 << 20
	// smallMap and largeMap are the numbers of keys up to which comparing each
	// with each is cheaper than a set, and from which on the set is not kept.
	smallMap, largeMap = 24, 4096
)

// readers saves each document the growth of its builder, whichever way it is
// read. It holds working memory only: nothing of one document gets into the
// next.
var readers = sync.Pool{New: func() any { return &fast{b: tree.NewBuilder(MaxNodes)} }}

// fast reads the part's only document; ok is false if it declines.
func (p Part) fast() (doc tree.Document, ok bool) {
	if len(p.Text) > fastSize {
		return doc, false
	}
	ascii, ok := ordinary(p.Text)
	if !ok {
		return doc, false
	}
	f := readers.Get().(*fast)
	defer f.release()
	f.text, f.ascii, f.pos, f.bol, f.line, f.indent = string(p.Text), ascii, 0, 0, p.Line, 0
	if !f.start() {
		return doc, false
	}
	doc.Line = f.line
	if !f.block(0) || f.indent >= 0 || f.b.Full() {
		return doc, false
	}
	d, err := f.b.Doc()
	if err != nil {
		return doc, false
	}
	doc.Doc = d
	return doc, true
}

// release gives f back. It must not be used after that.
func (f *fast) release() {
	clear(f.keys)
	f.text, f.keys = "", f.keys[:0]
	f.b.Reset()
	clear(f.seen)
	if cap(f.keys) <= keep/64 && cap(f.scratch) <= keep && f.b.Cap() <= keep {
		readers.Put(f)
	}
}

// start skips comments and one document marker before the content.
func (f *fast) start() bool {
	f.skip()
	if f.indent == 0 && isMarker([]byte(f.text[f.pos:min(f.pos+4, len(f.text))])) {
		f.pos += len("---")
		if !f.rest() {
			return false
		}
	} else {
		f.pos = f.bol // for next, which declines another marker
	}
	return f.next() && f.indent >= 0
}

// skip goes from the start of a line to the next line with content.
func (f *fast) skip() {
	for f.pos < len(f.text) {
		f.bol = f.pos
		i := f.spaces(f.pos)
		if i == len(f.text) {
			break
		}
		switch f.text[i] {
		case '\n':
			f.pos = i + 1
			f.line++
		case '#':
			f.comment(i)
		default:
			f.pos, f.indent = i, i-f.bol
			return
		}
	}
	f.pos, f.indent = len(f.text), -1
}

// next is skip for lines within the document: a marker ends it.
func (f *fast) next() bool {
	f.skip()
	if f.indent != 0 {
		return true
	}
	t := f.text[f.pos:]
	return !strings.HasPrefix(t, "---") && !strings.HasPrefix(t, "...")
}

// comment goes to the line after the comment at i.
func (f *fast) comment(i int) {
	n := strings.IndexByte(f.text[i:], '\n')
	if n < 0 {
		f.pos = len(f.text)
		return
	}
	f.pos = i + n + 1
	f.line++
}

// spaces returns where the spaces at i end.
func (f *fast) spaces(i int) int {
	for i < len(f.text) && f.text[i] == ' ' {
		i++
	}
	return i
}

// ends reports whether i is at the end of a line's content.
func (f *fast) ends(i int) bool {
	return i == len(f.text) || f.text[i] == '\n' || f.text[i] == '#'
}

// rest goes to the next line; nothing but a comment may be left on this one.
func (f *fast) rest() bool {
	i := f.spaces(f.pos)
	switch {
	case i == len(f.text):
		f.pos = i
	case f.text[i] == '\n':
		f.pos = i + 1
		f.line++
	case f.text[i] == '#' && i > f.pos:
		f.comment(i)
	default:
		return false
	}
	return true
}

// column returns the column of i on the current line, in characters.
func (f *fast) column(i int) int {
	if f.ascii {
		return i - f.bol + 1
	}
	return utf8.RuneCountInString(f.text[f.bol:i]) + 1
}

// dash reports whether a list's entry begins at i.
func (f *fast) dash(i int) bool {
	if i >= len(f.text) || f.text[i] != '-' {
		return false
	}
	return i+1 == len(f.text) || f.text[i+1] == ' ' || f.text[i+1] == '\n'
}

// block reads the map or list that begins at the current line.
func (f *fast) block(depth int) bool {
	if f.dash(f.pos) {
		return f.list(f.indent, depth)
	}
	k, ok := f.scalar()
	return ok && f.colon(k) && f.mapping(k, f.indent, depth)
}

// colon reports whether k, which ends at pos, is a key.
func (f *fast) colon(k tree.Scalar) bool {
	i := f.pos
	if i >= len(f.text) || f.text[i] != ':' || len(k.Text) > fastKey || i-f.bol-k.Column > fastKey || k.Text == "<<" {
		return false
	}
	return i+1 == len(f.text) || f.text[i+1] == ' ' || f.text[i+1] == '\n'
}

// mapping reads a map from its first key on, whose colon stands at pos.
func (f *fast) mapping(k tree.Scalar, indent, depth int) bool {
	if depth > fastDepth {
		return false
	}
	base := len(f.keys)
	f.b.Open(tree.Map, k.Line, k.Column, false)
	for {
		f.keys = append(f.keys, k.Text)
		f.b.Key(k)
		f.pos++
		if !f.value(indent, depth+1) {
			return false
		}
		if f.indent != indent {
			break
		}
		var ok bool
		if k, ok = f.scalar(); !ok || !f.colon(k) {
			return false
		}
	}
	f.b.Close()
	return f.indent < indent && f.unique(base)
}

// value reads what stands behind a key's colon or below it.
func (f *fast) value(indent, depth int) bool {
	if i := f.spaces(f.pos); !f.ends(i) {
		f.pos = i
		return f.inline(indent, depth)
	}
	null := tree.Scalar{Kind: tree.Null, Line: f.line, Column: f.column(f.pos)}
	if !f.rest() || !f.next() {
		return false
	}
	switch {
	case f.indent > indent:
		return f.block(depth)
	case f.indent == indent && f.dash(f.pos):
		return f.list(indent, depth)
	}
	f.b.Value(null)
	return true
}

// list reads a list whose first dash stands at pos.
func (f *fast) list(indent, depth int) bool {
	if depth > fastDepth {
		return false
	}
	f.b.Open(tree.List, f.line, f.column(f.pos), false)
	for f.indent == indent && f.dash(f.pos) {
		f.pos++
		if !f.entry(indent, depth+1) {
			return false
		}
	}
	f.b.Close()
	return true
}

// entry reads what stands behind a dash or below it.
func (f *fast) entry(indent, depth int) bool {
	i := f.spaces(f.pos)
	if f.ends(i) {
		null := tree.Scalar{Kind: tree.Null, Line: f.line, Column: f.column(f.pos)}
		if !f.rest() || !f.next() {
			return false
		}
		if f.indent > indent {
			return f.block(depth)
		}
		f.b.Value(null)
		return true
	}
	f.pos = i
	if c := f.text[i]; c == '|' || c == '>' || c == '[' || c == '{' {
		return f.inline(indent, depth)
	}
	s, ok := f.scalar() // not for another dash
	if !ok {
		return false
	}
	if f.colon(s) {
		return f.mapping(s, i-f.bol, depth)
	}
	f.b.Value(s)
	return f.rest() && f.next() && f.indent <= indent
}

// inline reads a value that begins on the line of its key or dash. A deeper
// line after it would continue it, or be an error.
func (f *fast) inline(indent, depth int) bool {
	switch f.text[f.pos] {
	case '|', '>':
		if !f.blockScalar(indent) {
			return false
		}
	case '[', '{':
		if !f.flow(depth) || !f.rest() {
			return false
		}
	default:
		s, ok := f.scalar()
		if !ok {
			return false
		}
		f.b.Value(s)
		if !f.rest() {
			return false
		}
	}
	return f.next() && f.indent <= indent
}

// unique reports whether no key stands twice in the map whose keys begin at
// base, and forgets them. The converter reports duplicates.
func (f *fast) unique(base int) bool {
	keys := f.keys[base:]
	defer func() {
		clear(keys) // the keys hold the whole text
		f.keys = f.keys[:base]
	}()
	if len(keys) <= smallMap {
		for i, k := range keys {
			for _, other := range keys[:i] {
				if k == other {
					return false
				}
			}
		}
		return true
	}
	seen := f.seen
	if seen == nil || len(keys) > largeMap {
		seen = make(map[string]struct{}, len(keys))
	}
	if len(keys) <= largeMap {
		f.seen = seen
	}
	clear(seen)
	for _, k := range keys {
		seen[k] = struct{}{}
	}
	return len(seen) == len(keys)
}
