package edit

import "bytes"

// rowKind is what a line of a YAML text is, seen from block context.
type rowKind uint8

const (
	rowBlank rowKind = iota
	rowComment
	rowContent
	// rowInside continues a quoted text, a block scalar or a flow collection
	// that began on an earlier line.
	rowInside
	// rowMarker is a document marker or a directive.
	rowMarker
)

// row is one line: the bytes from start to end, without the line end, and the
// start of the next line.
type row struct {
	start, end, next int
	indent           int
	kind             rowKind
}

// scanner classifies lines. It is a small lexer, not a parser: what it gets
// wrong is caught when the edited text is parsed.
type scanner struct {
	text []byte
	rows []row
}

func scan(text []byte) []row {
	s := scanner{text: text}
	for pos := 0; pos < len(text); {
		r := row{start: pos, end: len(text), next: len(text)}
		if i := bytes.IndexByte(text[pos:], '\n'); i >= 0 {
			r.end, r.next = pos+i, pos+i+1
		}
		if r.end > r.start && text[r.end-1] == '\r' {
			r.end--
		}
		for r.start+r.indent < r.end && text[r.start+r.indent] == ' ' {
			r.indent++
		}
		s.rows = append(s.rows, r)
		pos = r.next
	}
	for i := 0; i < len(s.rows); {
		i = s.row(i)
	}
	return s.rows
}

// row classifies row i and those that continue a value which begins on it, and
// returns the next one.
func (s *scanner) row(i int) int {
	r := &s.rows[i]
	at := r.start + r.indent
	line := s.text[r.start:r.end]
	switch {
	case len(bytes.TrimSpace(line)) == 0:
		return i + 1
	case s.text[at] == '#':
		r.kind = rowComment
		return i + 1
	case bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("...")) || line[0] == '%':
		r.kind = rowMarker
		if at += 3; line[0] == '%' || at >= r.end {
			return i + 1
		}
	default:
		r.kind = rowContent
	}
	return s.content(i, at)
}

// content reads the tokens of row i from offset at.
func (s *scanner) content(i, at int) int {
	base := at - s.rows[i].start
	for at < s.rows[i].end {
		r := s.rows[i]
		switch c := s.text[at]; {
		case c == ' ' || c == '\t':
			at++
		case c == '#' && isSpace(s.text[at-1]):
			return i + 1
		case (c == '-' || c == '?') && spaceAt(s.text, at+1, r.end):
			base = at - r.start
			at++
		case c == ':' && spaceAt(s.text, at+1, r.end):
			at++
		case c == '"' || c == '\'' || c == '{' || c == '[':
			begin, from := at, i
			at = skipValue(s.text, at)
			i = s.inside(i, at)
			if from == i && keyFollows(s.text, at, r.end) {
				base = begin - r.start
			}
		case c == '&' || c == '!' || c == '*':
			for at < r.end && !isSpace(s.text[at]) {
				at++
			}
		case (c == '|' || c == '>') && blockHeader(s.text[at+1:r.end]):
			return s.block(i, base)
		default:
			end := plainEnd(s.text, at, r.end)
			if keyFollows(s.text, end, r.end) {
				base = at - r.start
			}
			at = max(end, at+1)
		}
	}
	return i + 1
}

// inside marks the rows after i up to the one that holds the byte before end,
// and returns that one.
func (s *scanner) inside(i, end int) int {
	for i+1 < len(s.rows) && s.rows[i+1].start < end {
		i++
		s.rows[i].kind = rowInside
	}
	return i
}

// block marks the rows of a block scalar whose parent is indented by base.
func (s *scanner) block(i, base int) int {
	last := i
	for j := i + 1; j < len(s.rows); j++ {
		r := s.rows[j]
		if r.start+r.indent >= r.end {
			continue
		}
		if r.indent <= base {
			break
		}
		last = j
	}
	for j := i + 1; j <= last; j++ {
		s.rows[j].kind = rowInside
	}
	return last + 1
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// spaceAt reports whether a space, or the line's end, is at offset at.
func spaceAt(text []byte, at, end int) bool { return at >= end || isSpace(text[at]) }

// keyFollows reports whether what ends at at is a key: a colon follows.
func keyFollows(text []byte, at, end int) bool {
	for at < end && text[at] == ' ' {
		at++
	}
	return at < end && text[at] == ':' && spaceAt(text, at+1, end)
}

func blockHeader(rest []byte) bool {
	for i, c := range rest {
		switch {
		case c >= '0' && c <= '9' || c == '+' || c == '-':
		case isSpace(c):
			rest = bytes.TrimLeft(rest[i:], " \t\r")
			return len(rest) == 0 || rest[0] == '#'
		default:
			return false
		}
	}
	return true
}

// plainEnd returns where a plain scalar in block context ends on its line.
func plainEnd(text []byte, at, end int) int {
	last := at
	for ; at < end; at++ {
		switch c := text[at]; {
		case c == ':' && spaceAt(text, at+1, end), c == '#' && at > 0 && isSpace(text[at-1]):
			return last
		case !isSpace(c):
			last = at + 1
		}
	}
	return last
}

// plainEndFlow is plainEnd inside of a flow collection.
func plainEndFlow(text []byte, at int) int {
	last := at
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case c == ',' || c == ']' || c == '}' || c == '[' || c == '{' || c == '\n':
			return last
		case c == ':' && (at+1 >= len(text) || isSpace(text[at+1]) || bytes.IndexByte([]byte(",]}[{"), text[at+1]) >= 0),
			c == '#' && at > 0 && isSpace(text[at-1]):
			return last
		case !isSpace(c):
			last = at + 1
		}
	}
	return last
}

// skipValue returns the offset behind the quoted text or flow collection that
// begins at at; the text's length if it does not end.
func skipValue(text []byte, at int) int {
	switch text[at] {
	case '"', '\'':
		return quotedEnd(text, at)
	}
	return flowSpan(text, at).end
}

func quotedEnd(text []byte, at int) int {
	q := text[at]
	for at++; at < len(text); at++ {
		switch {
		case text[at] == '\\' && q == '"':
			at++
		case text[at] == q && q == '\'' && at+1 < len(text) && text[at+1] == q:
			at++
		case text[at] == q:
			return at + 1
		}
	}
	return len(text)
}

// span is where a flow collection lies in the text.
type span struct {
	// end is the offset behind the closing bracket, last the one behind the
	// last byte before it that is neither space nor comment.
	end, last int
	// comma is true if a comma stands before the closing bracket.
	comma bool
}

func flowSpan(text []byte, at int) span {
	depth := 0
	sp := span{last: at + 1}
	fresh := true // a value may begin here
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case isSpace(c):
			continue
		case c == '#' && isSpace(text[at-1]):
			for at < len(text) && text[at] != '\n' {
				at++
			}
			continue
		case c == '{' || c == '[':
			depth++
			fresh = true
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				sp.end = at + 1
				return sp
			}
			fresh = false
		case (c == '"' || c == '\'') && fresh:
			at = quotedEnd(text, at) - 1
			fresh = false
		default:
			fresh = c == ',' || c == ':'
		}
		sp.last = min(at+1, len(text))
		sp.comma = text[min(at, len(text)-1)] == ','
	}
	sp.end = len(text)
	return sp
}
