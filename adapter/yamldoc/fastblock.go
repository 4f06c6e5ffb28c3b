package yamldoc

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// blockScalar reads a literal (|) or folded (>) scalar below a map or list that
// is indented by indent, and goes to the line after it. It follows the library
// step by step, and declines indentation indicators and empty scalars.
func (f *fast) blockScalar(indent int) bool {
	s := tree.Scalar{Kind: tree.String, Block: true, Line: f.line, Column: f.column(f.pos)}
	folded := f.text[f.pos] == '>'
	f.pos++
	chomp := byte(0)
	if f.pos < len(f.text) && (f.text[f.pos] == '-' || f.text[f.pos] == '+') {
		chomp = f.text[f.pos]
		f.pos++
	}
	if !f.rest() {
		return false
	}
	width, breaks, ok := f.width(indent)
	if !ok {
		return false
	}
	out := f.scratch[:0]
	afterBlank, ended := false, false // of the line before: it began with a blank; it had a line break
	for {
		start := f.pos + width
		blank := f.text[start] == ' ' || f.text[start] == '\t'
		switch {
		case !ended:
		case folded && !afterBlank && !blank:
			if breaks == 0 {
				out = append(out, ' ')
			}
		default:
			out = append(out, '\n')
		}
		out = newlines(out, breaks)
		afterBlank = blank
		n := strings.IndexByte(f.text[start:], '\n')
		if ended = n >= 0; !ended {
			out = append(out, f.text[start:]...)
			f.pos, breaks = len(f.text), 0
			break
		}
		out = append(out, f.text[start:start+n]...)
		f.pos = start + n + 1
		f.line++
		var more bool
		if breaks, more, ok = f.breaks(width); !ok {
			return false
		} else if !more {
			break
		}
	}
	if ended && chomp != '-' {
		out = append(out, '\n')
	}
	if chomp == '+' {
		out = newlines(out, breaks)
	}
	s.Text, f.scratch = string(out), out
	f.b.Value(s)
	return true
}

func newlines(out []byte, n int) []byte {
	for range n {
		out = append(out, '\n')
	}
	return out
}

// width skips the empty lines before a block scalar's text, counts them, and
// returns how far the text is indented.
func (f *fast) width(indent int) (width, breaks int, ok bool) {
	longest := 0
	for {
		i := f.spaces(f.pos)
		n := i - f.pos
		longest = max(longest, n)
		if i == len(f.text) || f.text[i] == '\t' {
			return 0, 0, false
		}
		if f.text[i] != '\n' {
			return n, breaks, n == longest && n > indent
		}
		f.pos = i + 1
		f.line++
		breaks++
	}
}

// breaks skips and counts the empty lines behind a line of a block scalar, and
// tells whether its text goes on at pos.
func (f *fast) breaks(width int) (n int, more, ok bool) {
	for {
		i := f.pos
		for i < len(f.text) && i < f.pos+width && f.text[i] == ' ' {
			i++
		}
		if i == len(f.text) {
			return n, false, true
		}
		if f.text[i] != '\n' {
			more = i == f.pos+width
			return n, more, more || f.text[i] != '\t'
		}
		f.pos = i + 1
		f.line++
		n++
	}
}
