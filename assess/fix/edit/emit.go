package edit

import (
	"encoding/json"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// style is how a text is laid out.
type style struct {
	// unit is by how much a map in a map is indented.
	unit int
	// dash is by how much a list in a map is indented: 0 or unit.
	dash int
	eol  string
}

// styleOf looks at how the text itself does it; kubectl's way where it tells
// nothing.
func styleOf(text []byte, rows []row) style {
	s := style{unit: 2, eol: "\n"}
	if strings.Contains(string(text[:min(len(text), 4096)]), "\r\n") {
		s.eol = "\r\n"
	}
	units := map[int]int{}
	flat, deep := 0, 0
	for i, prev := range rows {
		if prev.kind != rowContent || prev.end == prev.start || text[prev.end-1] != ':' {
			continue
		}
		j := i + 1
		for j < len(rows) && (rows[j].kind == rowBlank || rows[j].kind == rowComment) {
			j++
		}
		if j == len(rows) || rows[j].kind != rowContent {
			continue
		}
		first := prev.indent
		for first < prev.end-prev.start && strings.HasPrefix(string(text[prev.start+first:prev.end]), "- ") {
			first += 2
		}
		next := rows[j]
		if dashAt(text, next) {
			switch {
			case next.indent == first:
				flat++
			case next.indent > first:
				deep++
			}
		} else if next.indent > first {
			units[next.indent-first]++
		}
	}
	for u, n := range units {
		if n > units[s.unit] || n == units[s.unit] && u < s.unit {
			s.unit = u
		}
	}
	if deep >= flat {
		s.dash = s.unit
	}
	return s
}

// dashAt reports whether a row begins with a list's dash.
func dashAt(text []byte, r row) bool {
	at := r.start + r.indent
	return at < r.end && text[at] == '-' && spaceAt(text, at+1, r.end)
}

// entry writes keys nested in each other with v in the innermost, as block
// lines indented by indent, without line ends.
func (s style) entry(keys []string, v tree.Node, indent int) []string {
	head := pad(indent) + key(keys[0]) + ":"
	if len(keys) > 1 {
		return append([]string{head}, s.entry(keys[1:], v, indent+s.unit)...)
	}
	switch {
	case v.IsMap() && v.Len() > 0:
		return append([]string{head}, s.value(v, indent+s.unit)...)
	case v.IsList() && v.Len() > 0:
		return append([]string{head}, s.value(v, indent+s.dash)...)
	}
	return []string{head + " " + inline(v, false)}
}

// value writes a map's or list's lines.
func (s style) value(v tree.Node, indent int) (lines []string) {
	for k, e := range v.Fields() {
		lines = append(lines, s.entry([]string{k.Text()}, e, indent)...)
	}
	for _, e := range v.Items() {
		if (e.IsMap() || e.IsList()) && e.Len() > 0 {
			inner := s.value(e, indent+2)
			inner[0] = pad(indent) + "- " + inner[0][indent+2:]
			lines = append(lines, inner...)
			continue
		}
		lines = append(lines, pad(indent)+"- "+inline(e, false))
	}
	return lines
}

func pad(n int) string { return strings.Repeat(" ", max(n, 0)) }

// inline writes v in flow style; with jsonStyle, as JSON.
func inline(v tree.Node, jsonStyle bool) string {
	var b strings.Builder
	switch v.Kind() {
	case tree.Map:
		b.WriteByte('{')
		first := true
		for k, e := range v.Fields() {
			if !first {
				b.WriteString(", ")
			}
			first = false
			b.WriteString(flowKey(k.Text(), jsonStyle) + ": " + inline(e, jsonStyle))
		}
		b.WriteByte('}')
	case tree.List:
		b.WriteByte('[')
		for i, e := range v.Items() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(inline(e, jsonStyle))
		}
		b.WriteByte(']')
	case tree.String:
		if v.Quoted() || jsonStyle {
			return quote(v.Text())
		}
		return v.Text()
	case tree.Absent, tree.Null:
		return "null"
	default:
		return v.Text()
	}
	return b.String()
}

// inlineChain writes keys nested in each other, with v in the innermost.
func inlineChain(keys []string, v tree.Node, jsonStyle bool) string {
	s := inline(v, jsonStyle)
	for i := len(keys) - 1; i >= 0; i-- {
		s = flowKey(keys[i], jsonStyle) + ": " + s
		if i > 0 {
			s = "{" + s + "}"
		}
	}
	return s
}

// indented writes keys and v as JSON over several lines; the first line has no
// indentation.
func indented(keys []string, v tree.Node, prefix, unit, eol string) string {
	head := quote(keys[0]) + ": "
	if len(keys) > 1 {
		return head + "{" + eol + prefix + unit + indented(keys[1:], v, prefix+unit, unit, eol) + eol + prefix + "}"
	}
	return head + indentedValue(v, prefix, unit, eol)
}

func indentedValue(v tree.Node, prefix, unit, eol string) string {
	var parts []string
	brackets := "{}"
	switch {
	case v.Len() == 0:
		return inline(v, true)
	case v.IsMap():
		for k, e := range v.Fields() {
			parts = append(parts, quote(k.Text())+": "+indentedValue(e, prefix+unit, unit, eol))
		}
	default:
		brackets = "[]"
		for _, e := range v.Items() {
			parts = append(parts, indentedValue(e, prefix+unit, unit, eol))
		}
	}
	inner := prefix + unit
	return brackets[:1] + eol + inner + strings.Join(parts, ","+eol+inner) + eol + prefix + brackets[1:]
}

func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func flowKey(k string, jsonStyle bool) string {
	if jsonStyle {
		return quote(k)
	}
	return key(k)
}

// key writes a map key, quoted where it could be read as something else.
func key(k string) string {
	if k == "" || len(strings.Trim(k, "0123456789.+-_")) == 0 {
		return quote(k)
	}
	switch strings.ToLower(k) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~":
		return quote(k)
	}
	for i, c := range []byte(k) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '/':
		case i > 0 && (c == '-' || c == '.'):
		default:
			return quote(k)
		}
	}
	return k
}
