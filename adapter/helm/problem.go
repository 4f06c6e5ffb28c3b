package helm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

var (
	// atLine finds the line number in the YAML libraries' messages.
	atLine = regexp.MustCompile(`\bline (\d+)`)
	// execPlace finds the places in an error of text/template, outermost first.
	execPlace = regexp.MustCompile(`template: ([^\s:]+):(\d+):(\d+): executing "[^"]*" at <([^\n]*?)>: `)
	// parsePlace finds the place in a parse error of text/template.
	parsePlace = regexp.MustCompile(`^template: ([^\s:]+):(\d+)(?::(\d+))?: `)
	// valuesRef finds a reference to a value in a template's source.
	valuesRef = regexp.MustCompile(`\.Values(?:\.\w+)+`)
)

func problemAt(file string, line, col int, reason string) assess.Problem {
	return assess.Problem{Position: ops.Position{File: file, Line: line, Column: col, EndLine: line}, Reason: reason}
}

// yamlErrorLine returns the line that a YAML error names, 0 if none.
func yamlErrorLine(err error) int {
	if m := atLine.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// loadProblem finds the file behind an error of Helm's chart loader.
func (s *sources) loadProblem(err error) assess.Problem {
	text := err.Error()
	for _, name := range []string{"Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock"} {
		if strings.HasPrefix(text, "cannot load "+name) {
			return problemAt(s.at(name), s.brokenLine(name, err), 0, text)
		}
	}
	if strings.HasPrefix(text, "Chart.yaml file is missing") {
		p := problemAt(s.at("Chart.yaml"), 0, 0, "Chart.yaml is missing from the chart, or .helmignore leaves it out")
		p.Missing = s.at("Chart.yaml")
		return p
	}
	if strings.HasPrefix(text, "error unpacking subchart") {
		return problemAt(s.root, 0, 0, text)
	}
	return problemAt(s.at("Chart.yaml"), 1, 1, text)
}

// brokenLine looks for the line of a file that does not parse; Helm's loader
// reads YAML through JSON, whose errors have lost it.
func (s *sources) brokenLine(name string, err error) int {
	for _, f := range s.files {
		if f.Name == name {
			var n yaml.Node
			if e := yaml.Unmarshal(f.Data, &n); e != nil {
				return yamlErrorLine(e)
			}
		}
	}
	return yamlErrorLine(err)
}

// chartYAML is a problem with a top-level key of Chart.yaml.
func (d *rendering) chartYAML(reason, key string) assess.Problem {
	p := problemAt(d.set.src.at("Chart.yaml"), 0, 0, reason)
	if doc := d.files().node(p.File); doc != nil {
		if k, _ := mapEntry(doc, key); k != nil {
			p.Line, p.Column, p.EndLine = k.Line, k.Column, k.Line
		}
	}
	return p
}

// dependencyYAML is the place of a dependency's entry, by name or alias.
func (d *rendering) dependencyYAML(name string) assess.Problem {
	for _, file := range []string{"Chart.yaml", "requirements.yaml"} {
		file = d.set.src.at(file)
		doc := d.files().node(file)
		if doc == nil {
			continue
		}
		_, list := mapEntry(doc, "dependencies")
		if list == nil {
			continue
		}
		for _, e := range list.Content {
			_, n := mapEntry(e, "name")
			_, alias := mapEntry(e, "alias")
			if n != nil && n.Value == name || alias != nil && alias.Value == name {
				return problemAt(file, e.Line, e.Column, "")
			}
		}
	}
	return problemAt(d.set.src.at("Chart.yaml"), 0, 0, "")
}

// parseProblem says why a template file does not parse.
func (d *rendering) parseProblem(u *unit, err error) assess.Problem {
	text, line, col := err.Error(), 1, 0
	if m := parsePlace.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[2])
		if m[3] != "" {
			col, _ = strconv.Atoi(m[3])
			col++
		}
		text = text[len(m[0]):]
	}
	pos := d.position(u.file.src, line, col)
	if col == 0 && !u.file.src.origin.archived {
		pos.Column = firstColumn(u.file.src.line(line))
	}
	return assess.Problem{Position: pos, Reason: "the template does not parse: " + text}
}

func firstColumn(line string) int {
	return len(line) - len(strings.TrimLeft(line, " \t")) + 1
}

// execProblem says why a template did not render. It returns true if there is
// no sense in trying the other templates.
func (d *rendering) execProblem(u *unit, err error) (stop bool) {
	p := assess.Problem{Position: d.position(u.file.src, 1, 1), Partial: true}
	text := err.Error()
	if all := execPlace.FindAllStringSubmatchIndex(text, -1); len(all) > 0 {
		m := all[len(all)-1]
		line, _ := strconv.Atoi(text[m[4]:m[5]])
		c, _ := strconv.Atoi(text[m[6]:m[7]])
		if s := d.sourceNamed(text[m[2]:m[3]]); s != nil {
			p.Position = d.position(s, line, c+1)
			p.Missing = missingValue(s.line(line), c)
		}
		text = text[m[1]:]
	}
	var refused *refusal
	var bounded *errBound
	switch {
	case errors.As(err, &refused):
		p.Reason = fmt.Sprintf("the chart refuses to render with these values: %s", strings.TrimSpace(refused.text))
		if refused.required && p.Missing != "" {
			p.Reason = fmt.Sprintf("the chart needs %s: %s; set it in a values file", p.Missing, strings.TrimSpace(refused.text))
		} else if !refused.required {
			p.Missing = ""
		}
	case errors.As(err, &bounded):
		p.Missing = ""
		p.Reason = bounded.text
		stop = true
	case errors.Is(err, context.Canceled):
		p.Reason, p.Missing, stop = "rendering was interrupted", "", true
	case len(d.missing) > 0 && (strings.Contains(text, "no template") || strings.Contains(text, "not defined")):
		p.Missing = strings.Join(d.missing, ", ")
		p.Reason = "the template did not render, because it uses a template of a dependency that is missing: " + lastLine(text)
	default:
		p.Missing = nilPart(p.Missing, text)
		p.Reason = "the template did not render: " + lastLine(text)
	}
	d.problem(p)
	return stop
}

// nilPart returns the part of a reference that is nil, by an error that names
// the field after it; "" if the error is another.
func nilPart(ref, text string) string {
	_, field, ok := strings.Cut(text, "nil pointer evaluating interface {}.")
	if !ok {
		return ""
	}
	field, _, _ = strings.Cut(field, " ")
	if i := strings.Index(ref+".", "."+field+"."); i > 0 {
		return ref[:i]
	}
	return ref
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return text
}

// missingValue returns the reference to a value that a template line makes at
// or after byte col, or before it.
func missingValue(line string, col int) string {
	var found string
	for _, m := range valuesRef.FindAllStringIndex(line, -1) {
		found = line[m[0]:m[1]]
		if m[1] > col {
			break
		}
	}
	return strings.TrimPrefix(found, ".Values.")
}
