package yamldoc

import "github.com/autoecoops/autoecoops/graph/tree"

// flow reads the value at pos within, or the whole of, a flow collection that
// stands on one line.
func (f *fast) flow(depth int) bool {
	if depth > fastDepth || f.pos == len(f.text) {
		return false
	}
	switch f.text[f.pos] {
	case '[':
		return f.flowList(depth)
	case '{':
		return f.flowMap(depth)
	}
	s, ok := f.flowScalar()
	if ok {
		f.b.Value(s)
	}
	return ok
}

func (f *fast) flowList(depth int) bool {
	f.b.Open(tree.List, f.line, f.column(f.pos), true)
	if f.empty(']') {
		return true
	}
	for {
		if !f.flow(depth + 1) {
			return false
		}
		if more, ok := f.comma(']'); !ok {
			return false
		} else if !more {
			f.b.Close()
			return true
		}
	}
}

func (f *fast) flowMap(depth int) bool {
	f.b.Open(tree.Map, f.line, f.column(f.pos), true)
	if f.empty('}') {
		return true
	}
	base := len(f.keys)
	for {
		if f.pos == len(f.text) {
			return false
		}
		k, ok := f.flowScalar()
		if !ok || !f.colon(k) {
			return false
		}
		f.keys = append(f.keys, k.Text)
		f.b.Key(k)
		f.pos = f.spaces(f.pos + 1)
		if !f.flow(depth + 1) {
			return false
		}
		if more, ok := f.comma('}'); !ok {
			return false
		} else if !more {
			f.b.Close()
			return f.unique(base)
		}
	}
}

// empty goes past the opening bracket and, if end follows, past the collection.
func (f *fast) empty(end byte) bool {
	f.pos = f.spaces(f.pos + 1)
	if f.pos < len(f.text) && f.text[f.pos] == end {
		f.pos++
		f.b.Close()
		return true
	}
	return false
}

// comma goes past a comma or past end; more tells which of them it was.
func (f *fast) comma(end byte) (more, ok bool) {
	i := f.spaces(f.pos)
	if i == len(f.text) || f.text[i] != ',' && f.text[i] != end {
		return false, false
	}
	f.pos = i + 1
	if f.text[i] == end {
		return false, true
	}
	f.pos = f.spaces(f.pos)
	return true, true
}

// flowScalar is scalar for the narrower rules of flow collections.
func (f *fast) flowScalar() (s tree.Scalar, ok bool) {
	s.Line, s.Column = f.line, f.column(f.pos)
	switch c := f.text[f.pos]; {
	case c == '\'':
		ok = f.single(&s)
		return s, ok
	case c == '"':
		ok = f.double(&s)
		return s, ok
	case class[c]&begins != 0:
	case c == '-' && f.pos+1 < len(f.text) && (class[f.text[f.pos+1]]&begins != 0 || f.text[f.pos+1] == '-'):
	default:
		return s, false
	}
	start := f.pos
	for i := start + 1; i < len(f.text); i++ {
		if class[f.text[i]]&inFlow == 0 {
			continue
		}
		switch f.text[i] {
		case ',', ']', '}':
			f.plain(&s, start, i)
			return s, true
		case ':':
			if blankAt(f.text, i+1) {
				f.plain(&s, start, i)
				return s, true
			}
		case '#':
			if f.text[i-1] == ' ' {
				return s, false
			}
		default:
			return s, false
		}
	}
	return s, false
}
