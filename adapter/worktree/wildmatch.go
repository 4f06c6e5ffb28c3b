package worktree

import (
	"path"
	"strings"
)

// pattern is one line of an ignore file, read as gitignore(5) says.
type pattern struct {
	// file is the ignore file and dir its folder, "" for the top.
	file, dir string
	glob      string
	// negated lines take files back in, folders lines mean folders only,
	// anchored ones match the whole path below dir, others the name alone.
	negated, folders, anchored bool
	// literal lines hold no wildcard.
	literal bool
}

// parsePattern reads a line; ok is false if it says nothing.
func parsePattern(line, file, dir string) (p pattern, ok bool) {
	line = trimSpaces(strings.TrimRight(line, "\r\n"))
	if line == "" || line[0] == '#' {
		return p, false
	}
	p = pattern{file: file, dir: dir}
	line, p.negated = cutPrefix(line, "!")
	if strings.HasSuffix(line, "/") {
		line, p.folders = line[:len(line)-1], true
	}
	p.anchored = strings.Contains(line, "/")
	p.glob = strings.TrimPrefix(line, "/")
	p.literal = !strings.ContainsAny(p.glob, `*?[\`)
	return p, p.glob != ""
}

func cutPrefix(s, prefix string) (rest string, found bool) {
	if strings.HasPrefix(s, prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// matches reports whether the line means the path, which lies below its folder.
func (p *pattern) matches(name string, isDir bool) bool {
	if p.folders && !isDir {
		return false
	}
	if p.anchored {
		if p.dir != "" {
			name = name[len(p.dir)+1:]
		}
	} else {
		name = path.Base(name)
	}
	if p.literal {
		return name == p.glob
	}
	return (&matcher{glob: p.glob, name: name}).match(0, 0)
}

// matcher compares a name with a pattern as Git's wildmatch does. Places that
// were tried in vain are noted, so that no pattern takes exponential time.
type matcher struct {
	glob, name string
	failed     map[[2]int]bool
}

func (m *matcher) match(g, n int) bool {
	for g < len(m.glob) {
		switch c := m.glob[g]; c {
		case '*':
			return m.star(g, n)
		case '?':
			if n == len(m.name) || m.name[n] == '/' {
				return false
			}
			g++
		case '[':
			next, in := m.class(g+1, n)
			if !in {
				return false
			}
			g = next
		case '\\':
			if g++; g == len(m.glob) {
				return false
			}
			fallthrough
		default:
			if n == len(m.name) || m.name[n] != m.glob[g] {
				return false
			}
			g++
		}
		n++
	}
	return n == len(m.name)
}

// star matches a run of stars at g and what comes behind it.
func (m *matcher) star(g, n int) bool {
	at := [2]int{g, n}
	if m.failed[at] {
		return false
	}
	end := g
	for end < len(m.glob) && m.glob[end] == '*' {
		end++
	}
	// Two stars that are a whole part of the path match any number of parts.
	deep := end-g >= 2 && (g == 0 || m.glob[g-1] == '/') && (end == len(m.glob) || m.glob[end] == '/')
	if deep && end < len(m.glob) && m.match(end+1, n) {
		return true
	}
	for i := n; i <= len(m.name); i++ {
		if m.match(end, i) {
			return true
		}
		if i < len(m.name) && m.name[i] == '/' && !deep {
			break
		}
	}
	if m.failed == nil {
		m.failed = map[[2]int]bool{}
	}
	m.failed[at] = true
	return false
}

// classes are the named classes of bytes.
var classes = map[string]func(c byte) bool{
	"alpha": func(c byte) bool { return letter(c) }, "digit": func(c byte) bool { return c >= '0' && c <= '9' },
	"alnum": func(c byte) bool { return letter(c) || c >= '0' && c <= '9' }, "upper": func(c byte) bool { return c >= 'A' && c <= 'Z' },
	"lower": func(c byte) bool { return c >= 'a' && c <= 'z' }, "blank": func(c byte) bool { return c == ' ' || c == '\t' },
	"space": func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }, "cntrl": func(c byte) bool { return c < ' ' || c == 0x7f },
	"graph": func(c byte) bool { return c > ' ' && c < 0x7f }, "print": func(c byte) bool { return c >= ' ' && c < 0x7f },
	"punct":  func(c byte) bool { return c > ' ' && c < 0x7f && !letter(c) && (c < '0' || c > '9') },
	"xdigit": func(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' },
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// class matches one byte with the class whose text begins at g, and returns
// where the pattern goes on.
func (m *matcher) class(g, n int) (next int, in bool) {
	if n == len(m.name) || m.name[n] == '/' {
		return 0, false
	}
	c, negated, found := m.name[n], false, false
	if g < len(m.glob) && (m.glob[g] == '!' || m.glob[g] == '^') {
		negated = true
		g++
	}
	for first := true; g < len(m.glob); first = false {
		if m.glob[g] == ']' && !first {
			return g + 1, found != negated
		}
		if rest := m.glob[g:]; strings.HasPrefix(rest, "[:") {
			name, _, ok := strings.Cut(rest[2:], ":]")
			if is := classes[name]; ok && is != nil {
				found = found || is(c)
				g += len(name) + 4
				continue
			}
		}
		low, after := m.escaped(g)
		high := low
		if after+1 < len(m.glob) && m.glob[after] == '-' && m.glob[after+1] != ']' {
			high, after = m.escaped(after + 1)
		}
		found = found || low <= c && c <= high
		g = after
	}
	return 0, false // it has no end
}

// escaped returns the byte of a class at g, and where the class goes on.
func (m *matcher) escaped(g int) (c byte, next int) {
	if m.glob[g] == '\\' && g+1 < len(m.glob) {
		g++
	}
	return m.glob[g], g + 1
}
