package helm

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// source is the text of one template file.
type source struct {
	// name is the template's name: chart/charts/sub/templates/x.yaml.
	name   string
	origin origin
	text   string
	lines  []int // offsets of line starts
}

// position returns the line and column (from 1) of a byte offset.
func (s *source) position(off int) (line, col int) {
	i, exact := slices.BinarySearch(s.lines, off)
	if !exact {
		i--
	}
	i = max(i, 0)
	return i + 1, off - s.lines[i] + 1
}

// line returns the text of line n, counted from 1.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	text, _, _ := strings.Cut(s.text[s.lines[n-1]:], "\n")
	return text
}

func newSource(name string, o origin, text string) *source {
	return &source{name: name, origin: o, text: text, lines: lineStarts(text)}
}

// lineStarts returns the offset of the first byte of each line.
func lineStarts(text string) []int {
	starts := []int{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// control is an if, with or range around a site.
type control struct {
	parent *control
	node   parse.Node
	// site is the number of the control's own site.
	site int32
	// orElse is true for a site in the else branch.
	orElse bool
}

// site is one node of a template that writes or calls, by its number.
type site struct {
	body    *body
	node    parse.Node
	control *control
	// loop is the site of the innermost range around it, -1 if none.
	loop int32
}

// body is one named template: a file's own text or a define in it.
type body struct {
	id   int32
	name string
	src  *source
	// declares lists the assignments to each variable in written order.
	declares map[string][]int32
}

// parsedFile is one template file, parsed and instrumented.
type parsedFile struct {
	src   *source
	trees []*parse.Tree
	err   error
}

// program is what all renderings of one chart folder share: the parsed
// templates. It only grows while the folder is rendered, by one goroutine.
type program struct {
	src    *sources
	parser *template.Template
	files  map[string]*parsedFile
	sites  []site
	bodies []*body
}

func newProgram(s *sources) *program {
	return &program{src: s, files: map[string]*parsedFile{}, parser: template.New("").Funcs(newFuncs(nil, nil))}
}

// parse returns the parsed template file named name. The same file under two
// names (a chart that is aliased twice) is parsed twice, because its defines
// then belong to two charts.
func (p *program) parse(name string, f *common.File) *parsedFile {
	if pf, ok := p.files[name]; ok && pf.src.text == string(f.Data) {
		return pf
	}
	o, _ := p.src.originOf(f)
	pf := &parsedFile{src: newSource(name, o, string(f.Data))}
	pf.trees, pf.err = p.trees(name, pf.src.text)
	for _, t := range pf.trees {
		p.instrument(pf.src, t)
	}
	p.files[name] = pf
	return pf
}

// trees parses text into one tree for each template that it defines, sorted
// by name.
func (p *program) trees(name, text string) (trees []*parse.Tree, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("template: %s:1: %v", name, r)
		}
	}()
	t, err := p.parser.Clone()
	if err != nil {
		return nil, err
	}
	if t, err = t.New(name).Parse(text); err != nil {
		return nil, err
	}
	for _, d := range t.Templates() {
		if d.Tree != nil {
			trees = append(trees, d.Tree)
		}
	}
	slices.SortFunc(trees, func(a, b *parse.Tree) int { return strings.Compare(a.Name, b.Name) })
	return trees, nil
}

// unit is one template file to be executed and the data for it.
type unit struct {
	name  string
	file  *parsedFile
	chart *chart.Chart
	scope map[string]any
	base  string
}

// units lists the templates of a chart and its subcharts in the order in
// which Helm parses and executes them: the most deeply nested first, so that
// a parent's define replaces a child's of the same name.
func (p *program) units(c *chart.Chart, top map[string]any) []unit {
	all := map[string]unit{}
	p.collect(all, c, top)
	out := make([]unit, 0, len(all))
	for _, u := range all {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b unit) int {
		if d := strings.Count(b.name, "/") - strings.Count(a.name, "/"); d != 0 {
			return d
		}
		return strings.Compare(b.name, a.name)
	})
	return out
}

// collect adds a chart's templates and returns the scope that they see, which
// the parent chart sees under .Subcharts.
func (p *program) collect(all map[string]unit, c *chart.Chart, outer map[string]any) map[string]any {
	subcharts := map[string]any{}
	scope := map[string]any{
		"Chart":        metadata(c),
		"Files":        newFiles(c.Files),
		"Release":      outer["Release"],
		"Capabilities": outer["Capabilities"],
		"Values":       common.Values{},
		"Subcharts":    subcharts,
	}
	if c.IsRoot() {
		scope["Values"] = outer["Values"]
	} else if v, err := common.Values(outer).Table("Values." + c.Name()); err == nil {
		scope["Values"] = v
	}
	for _, d := range c.Dependencies() {
		subcharts[d.Name()] = p.collect(all, d, scope)
	}
	full := c.ChartFullPath()
	library := strings.EqualFold(c.Metadata.Type, "library")
	for _, f := range c.Templates {
		if f == nil || library && !strings.HasPrefix(path.Base(f.Name), "_") {
			continue
		}
		name := path.Join(full, f.Name)
		all[name] = unit{name: name, file: p.parse(name, f), chart: c, scope: scope, base: path.Join(full, "templates")}
	}
	return scope
}
