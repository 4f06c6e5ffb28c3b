package wire

import "strings"

// calicoExpr is a parsed selector of Calico's language: label == 'value',
// has(label), label in {'a', 'b'}, all(), global(), with !, && and ||.
type calicoExpr struct {
	eval func(lookup calicoLookup) Answer
}

// calicoLookup returns a label's value, whether it is set, and whether that is
// certain.
type calicoLookup func(label string) (value string, exists, certain bool)

// parseCalico parses a selector. An empty one picks everything; one that is
// not understood answers Maybe.
func parseCalico(text string) calicoExpr {
	if strings.TrimSpace(text) == "" {
		return constant(Yes)
	}
	p := &calicoParser{rest: text}
	e := p.or()
	if p.space(); p.bad || p.rest != "" {
		return constant(Maybe)
	}
	return e
}

func constant(a Answer) calicoExpr {
	return calicoExpr{func(calicoLookup) Answer { return a }}
}

type calicoParser struct {
	rest  string
	depth int
	bad   bool
}

// maxDepth bounds nesting, so that no input can exhaust the stack.
const maxDepth = 100

func (p *calicoParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\n\r") }

func (p *calicoParser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *calicoParser) or() calicoExpr {
	e := p.and()
	for !p.bad && p.take("||") {
		a, b := e, p.and()
		e = calicoExpr{func(l calicoLookup) Answer { return max(a.eval(l), b.eval(l)) }}
	}
	return e
}

func (p *calicoParser) and() calicoExpr {
	e := p.unary()
	for !p.bad && p.take("&&") {
		a, b := e, p.unary()
		e = calicoExpr{func(l calicoLookup) Answer { return min(a.eval(l), b.eval(l)) }}
	}
	return e
}

func (p *calicoParser) unary() calicoExpr {
	if p.depth++; p.depth > maxDepth {
		p.bad = true
	}
	defer func() { p.depth-- }()
	if p.bad {
		return constant(Maybe)
	}
	switch {
	case p.take("!"):
		e := p.unary()
		return calicoExpr{func(l calicoLookup) Answer { return Yes - e.eval(l) }}
	case p.take("("):
		e := p.or()
		p.bad = !p.take(")") || p.bad
		return e
	case p.take("all()"):
		return constant(Yes)
	case p.take("global()"):
		return constant(No)
	case p.take("has("):
		label := p.word()
		p.bad = !p.take(")") || p.bad
		return calicoExpr{func(l calicoLookup) Answer {
			_, exists, certain := l(label)
			return settled(exists, certain)
		}}
	}
	return p.comparison()
}

func settled(b, certain bool) Answer {
	if !certain {
		return Maybe
	}
	return AnswerOf(b)
}

// word reads a label's name.
func (p *calicoParser) word() string {
	p.space()
	end := 0
	for end < len(p.rest) && !strings.ContainsRune(" \t\n\r()=!&|{},'\"", rune(p.rest[end])) {
		end++
	}
	w := p.rest[:end]
	p.rest = p.rest[end:]
	p.bad = p.bad || w == ""
	return w
}

// quoted reads a string in single or double quotes.
func (p *calicoParser) quoted() string {
	p.space()
	if p.rest == "" || (p.rest[0] != '\'' && p.rest[0] != '"') {
		p.bad = true
		return ""
	}
	end := strings.IndexByte(p.rest[1:], p.rest[0])
	if end < 0 {
		p.bad = true
		return ""
	}
	s := p.rest[1 : 1+end]
	p.rest = p.rest[2+end:]
	return s
}

func (p *calicoParser) comparison() calicoExpr {
	label := p.word()
	var test func(value string, exists bool) bool
	switch {
	case p.take("=="):
		want := p.quoted()
		test = func(v string, ok bool) bool { return ok && v == want }
	case p.take("!="):
		want := p.quoted()
		test = func(v string, ok bool) bool { return !ok || v != want }
	case p.take("not in"):
		set := p.set()
		test = func(v string, ok bool) bool { return !ok || !set[v] }
	case p.take("in"):
		set := p.set()
		test = func(v string, ok bool) bool { return ok && set[v] }
	case p.take("contains"):
		want := p.quoted()
		test = func(v string, ok bool) bool { return ok && strings.Contains(v, want) }
	case p.take("starts with"):
		want := p.quoted()
		test = func(v string, ok bool) bool { return ok && strings.HasPrefix(v, want) }
	case p.take("ends with"):
		want := p.quoted()
		test = func(v string, ok bool) bool { return ok && strings.HasSuffix(v, want) }
	default:
		p.bad = true
		return constant(Maybe)
	}
	return calicoExpr{func(l calicoLookup) Answer {
		v, exists, certain := l(label)
		return settled(test(v, exists), certain)
	}}
}

func (p *calicoParser) set() map[string]bool {
	set := map[string]bool{}
	if !p.take("{") {
		p.bad = true
		return set
	}
	for !p.bad && !p.take("}") {
		set[p.quoted()] = true
		if !p.take(",") {
			p.bad = !p.take("}") || p.bad
			return set
		}
	}
	return set
}
