package fix

import (
	"cmp"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/fix/edit"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Reasons for not editing a template.
const (
	refusedComputed edit.Refusal = "the template computes this value"
	refusedTemplate edit.Refusal = "the template's line is not one that can be edited safely"
)

// editTemplate applies Ops to a text that is no YAML because it holds template
// actions: only whole literal values on one line are replaced, and lines are
// only added under a literal key. All additions under one key make one block.
func editTemplate(parse edit.Parse, text []byte, all []Op) ([]byte, error) {
	rows := strings.SplitAfter(string(text), "\n")
	groups := map[int][]Op{}
	for _, op := range all {
		if op.Line < 1 || op.Line > len(rows) {
			return nil, refusedTemplate
		}
		groups[op.Line] = append(groups[op.Line], op)
	}
	numbers := make([]int, 0, len(groups))
	for n := range groups {
		numbers = append(numbers, n)
	}
	slices.SortFunc(numbers, func(a, b int) int { return cmp.Compare(b, a) }) // from the end, so that numbers stay
	for _, n := range numbers {
		if err := editLine(parse, text, rows, groups[n]); err != nil {
			return nil, err
		}
	}
	return []byte(strings.Join(rows, "")), nil
}

// templateLine is a literal line: indentation, key, and what follows.
type templateLine struct {
	lead, key, rest, eol string
}

// splitLine takes a line apart at the key that begins in column col.
func splitLine(line string, col int, key string) (t templateLine, ok bool) {
	body := strings.TrimRight(line, "\r\n")
	t.eol = line[len(body):]
	if col < 1 || col > len(body) {
		return t, false
	}
	t.lead, body = body[:col-1], body[col-1:]
	name, rest, found := strings.Cut(body, ":")
	if !found || strings.Contains(name, "{{") || strings.Contains(t.lead, "{{") || rest != "" && rest[0] != ' ' {
		return t, false
	}
	if key != "" && strings.Trim(name, `"' `) != key {
		return t, false
	}
	t.key, t.rest = name+":", rest
	return t, true
}

func editLine(parse edit.Parse, text []byte, lines []string, all []Op) error {
	first := all[0]
	i := first.Line - 1
	t, ok := splitLine(lines[i], first.Column, first.Key)
	if !ok {
		return refusedTemplate
	}
	var changes []edit.Change
	for _, op := range all {
		switch {
		case op.Column != first.Column || op.Key != first.Key:
			return refusedTemplate
		case len(op.Path) == 0 && len(all) > 1:
			return refusedTemplate
		case len(op.Path) == 0:
			return t.replace(parse, lines, i, op)
		case op.Remove:
			return refusedTemplate
		}
		changes = append(changes, edit.Change{Path: op.Path, Value: op.Value})
	}
	block, err := edit.Block(parse, text, changes)
	if err != nil {
		return err
	}
	indent := len(t.lead)
	value, comment := cutComment(t.rest)
	switch {
	case first.Key == "" && (value == "" || strings.HasPrefix(value, "|") || strings.HasPrefix(value, ">")):
		return refusedTemplate // the entry's first key opens a block of its own
	case first.Key == "" && strings.Contains(value, "nindent"):
		return refusedTemplate
	case first.Key == "":
		t.lead = strings.Repeat(" ", indent)
	case value == "" || value == "{}":
		if comment != "" {
			comment = " " + comment
		}
		lines[i] = t.lead + t.key + comment + t.eol
		indent = childIndent(lines[i+1:], indent, edit.Unit(text))
	default:
		return refusedComputed
	}
	eol := cmp.Or(t.eol, "\n")
	var b strings.Builder
	for _, l := range block {
		b.WriteString(eol + strings.Repeat(" ", indent) + l)
	}
	lines[i] = strings.TrimRight(lines[i], "\r\n") + b.String() + t.eol
	return nil
}

// childIndent is how the lines under a key are indented: as the next literal
// line that is deeper, else by one unit.
func childIndent(next []string, indent, unit int) int {
	for _, l := range next {
		trimmed := strings.TrimLeft(l, " ")
		if strings.TrimSpace(l) == "" || trimmed[0] == '#' || strings.HasPrefix(trimmed, "{{") {
			continue
		}
		if n := len(l) - len(trimmed); n > indent && trimmed[0] != '-' {
			return n
		}
		break
	}
	return indent + unit
}

func cutComment(rest string) (value, comment string) {
	if i := strings.Index(rest, " #"); i >= 0 {
		rest, comment = rest[:i], rest[i+1:]
	}
	return strings.TrimSpace(rest), comment
}

// replace replaces or removes a literal scalar that is alone on line i.
func (t templateLine) replace(parse edit.Parse, lines []string, i int, op Op) error {
	value, _ := cutComment(t.rest)
	if strings.Contains(t.rest, "{{") {
		return refusedComputed
	}
	if old, ok := edit.ParseValue(parse, value); !ok || old.Kind() >= tree.List || old.Text() != op.Was {
		return refusedTemplate
	}
	if op.Remove {
		if strings.TrimSpace(t.lead) != "" {
			return refusedTemplate
		}
		lines[i] = ""
		return nil
	}
	with, ok := edit.ParseValue(parse, op.Value)
	if !ok || with.Kind() >= tree.List {
		return refusedTemplate
	}
	text := op.Value
	if q := value[0]; (q == '"' || q == '\'') && with.IsString() {
		text = string(q) + with.Text() + string(q)
	}
	at := strings.Index(t.rest, value)
	lines[i] = t.lead + t.key + t.rest[:at] + text + t.rest[at+len(value):] + t.eol
	return nil
}
