package yamldoc

import (
	"strings"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// The classes of bytes that the fast path looks at one by one.
const (
	// begins marks what may begin a plain scalar; a dash is looked at apart.
	begins uint8 = 1 << iota
	// stops marks what may end a plain scalar in a block, inFlow in a flow
	// collection.
	stops
	inFlow
	// control marks bytes that the library refuses, or that are line breaks
	// to it other than \n.
	control
)

// class is the class of each byte. It is never written to.
var class = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= utf8.RuneSelf || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			t[c] = begins
		case c < ' ' && c != '\n' && c != '\t' || c == 0x7f:
			t[c] = control
		}
	}
	for _, c := range "_/.<~$()+;=^\\" {
		t[c] |= begins
	}
	for _, c := range "\n\t:#" {
		t[c] |= stops | inFlow
	}
	for _, c := range ",?[]{}" {
		t[c] |= inFlow
	}
	return t
}()

// ordinary reports whether the library takes all of text's characters, and
// takes them for what the fast path does; ascii whether a character is a byte.
func ordinary(text []byte) (ascii, ok bool) {
	var high, classes uint8
	for _, c := range text {
		high |= c
		classes |= class[c]
	}
	if classes&control != 0 {
		return false, false
	}
	if high < utf8.RuneSelf {
		return true, true
	}
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1, // malformed
			r < 0xa0,                 // control characters and the break NEL
			r == 0x2028, r == 0x2029, // breaks
			r == 0xfeff,              // a byte order mark
			r == 0xfffe, r == 0xffff: // no characters
			return false, false
		}
		i += n
	}
	return false, true
}

// scalar reads the key or value at pos, which ends on its line, and goes to
// the byte behind it.
func (f *fast) scalar() (s tree.Scalar, ok bool) {
	s.Line, s.Column = f.line, f.column(f.pos)
	switch c := f.text[f.pos]; {
	case c == '\'':
		ok = f.single(&s)
		return s, ok
	case c == '"':
		ok = f.double(&s)
		return s, ok
	case class[c]&begins != 0:
	case c == '-' && f.pos+1 < len(f.text) && !blankAt(f.text, f.pos+1):
	default:
		return s, false
	}
	start := f.pos
	i := start + 1
scan:
	for ; i < len(f.text); i++ {
		if class[f.text[i]]&stops == 0 {
			continue
		}
		switch f.text[i] {
		case '\n':
			break scan
		case ':':
			if blankAt(f.text, i+1) {
				break scan
			}
		case '#':
			if f.text[i-1] == ' ' {
				break scan
			}
		default: // a tab
			return s, false
		}
	}
	f.plain(&s, start, i)
	return s, true
}

// plain takes the text from start to end, without spaces at its end.
func (f *fast) plain(s *tree.Scalar, start, end int) {
	for f.text[end-1] == ' ' {
		end--
	}
	s.Text, f.pos = f.text[start:end], end
	s.Kind = resolve(s.Text)
}

// blankAt reports whether a blank, a line break or the end is at i.
func blankAt(text string, i int) bool {
	return i >= len(text) || text[i] == ' ' || text[i] == '\n' || text[i] == '\t'
}

// single reads a single-quoted scalar.
func (f *fast) single(s *tree.Scalar) bool {
	s.Kind, s.Quoted = tree.String, true
	start := f.pos + 1
	twice := false
	for i := start; i < len(f.text); i++ {
		switch f.text[i] {
		case '\n':
			return false
		case '\'':
			if i+1 < len(f.text) && f.text[i+1] == '\'' {
				twice = true
				i++
				continue
			}
			s.Text, f.pos = f.text[start:i], i+1
			if twice {
				s.Text = strings.ReplaceAll(s.Text, "''", "'")
			}
			return true
		}
	}
	return false
}

// double reads a double-quoted scalar with the simplest escapes.
func (f *fast) double(s *tree.Scalar) bool {
	s.Kind, s.Quoted = tree.String, true
	start := f.pos + 1
	for i := start; i < len(f.text); i++ {
		switch f.text[i] {
		case '\n':
			return false
		case '\\':
			return f.escaped(s, start, i)
		case '"':
			s.Text, f.pos = f.text[start:i], i+1
			return true
		}
	}
	return false
}

// escaped is double from the first escape, at i, on.
func (f *fast) escaped(s *tree.Scalar, start, i int) bool {
	out := append(f.scratch[:0], f.text[start:i]...)
	defer func() { f.scratch = out }()
	for ; i < len(f.text); i++ {
		switch c := f.text[i]; c {
		case '\n':
			return false
		case '"':
			s.Text, f.pos = string(out), i+1
			return true
		case '\\':
			if i++; i == len(f.text) {
				return false
			}
			switch f.text[i] {
			case '"', '\\':
				out = append(out, f.text[i])
			case 'n':
				out = append(out, '\n')
			case 't':
				out = append(out, '\t')
			default:
				return false
			}
		default:
			out = append(out, c)
		}
	}
	return false
}
