package helm

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

const notesSuffix = "NOTES.txt"

// renderSet is the work on one chart folder.
type renderSet struct {
	r    *Renderer
	src  *sources
	prog *program
	// defaults is the rendering with the chart's own values, to which those of
	// the variants are compared.
	defaults *rendering
}

// request is one rendering that is asked for: of a variant (nil for the
// defaults), or with the options of one call.
type request struct {
	variant *variant
	// written is where the values of chart are from.
	written []ValuesText
	chart   *ChartOptions
}

// rendering is the state and then the result of one rendering.
type rendering struct {
	set   *renderSet
	req   request
	out   *assess.Render
	chart *chart.Chart
	// values are the chart's values as its templates see them.
	values map[string]any
	// missing are the dependencies that are not there.
	missing []string
	units   []unit
	texts   map[string]*recorded
	failed  map[string]bool
	origins *valueFiles
	// lines are the lines of all texts with their places, made on demand.
	once  sync.Once
	lines map[string]bool
}

// render renders once and puts what comes out, or what is in the way, in out.
func (s *renderSet) render(ctx context.Context, out *assess.Render, req request) {
	d := &rendering{set: s, req: req, out: out, texts: map[string]*recorded{}, failed: map[string]bool{}}
	d.origins = &valueFiles{d: d, nodes: map[string][]*yaml.Node{}}
	if req.variant == nil {
		s.defaults = d
	}
	out.Read = s.src.read()
	if req.variant != nil {
		out.Read = s.src.read(req.variant.file)
	}
	defer func() {
		if p := recover(); p != nil {
			d.problem(problemAt(s.src.at("Chart.yaml"), 0, 0, fmt.Sprintf("rendering this chart broke off unexpectedly (%v); please report it", p)))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, s.r.o.Timeout)
	defer cancel()
	if s.src.library() {
		return
	}
	top := d.prepare()
	if top == nil {
		return
	}
	d.execute(ctx, top)
	d.assemble()
}

func (d *rendering) problem(p assess.Problem) { d.out.Problems = append(d.out.Problems, p) }

// partly adds a problem that leaves the rest to be rendered.
func (d *rendering) partly(p assess.Problem) {
	p.Partial = true
	d.problem(p)
}

// prepare loads a fresh chart, settles dependencies and values, and returns
// the outermost scope; nil if there is nothing to go on with.
func (d *rendering) prepare() map[string]any {
	c, p := d.set.src.chart()
	if p != nil {
		d.problem(*p)
		return nil
	}
	d.chart = c
	if t := c.Metadata.Type; t != "" && t != "application" {
		d.problem(d.chartYAML(fmt.Sprintf("charts of type %q cannot be installed", t), "type"))
		return nil
	}
	d.dependencies()
	given := map[string]any{}
	release, namespace := c.Name(), d.set.r.o.Namespace
	version, apis := d.set.r.o.KubeVersion, [][]string{d.set.r.o.APIVersions}
	if v := d.req.variant; v != nil {
		given = v.values
	}
	if o := d.req.chart; o != nil {
		given, apis = o.Values, append(apis, o.APIVersions)
		release, namespace, version = or(o.ReleaseName, release), or(o.Namespace, namespace), or(o.KubeVersion, version)
	}
	caps, err := capabilities(version, apis...)
	if err != nil {
		d.problem(problemAt(d.set.src.at("Chart.yaml"), 0, 0, err.Error()))
		return nil
	}
	if given == nil {
		given = map[string]any{}
	}
	given = copyValues(given)
	if err := chartutil.ProcessDependencies(c, given); err != nil {
		d.problem(d.chartYAML("the chart's dependencies cannot be worked out: "+err.Error(), "dependencies"))
		return nil
	}
	if k := c.Metadata.KubeVersion; k != "" && !chartutil.IsCompatibleRange(k, caps.KubeVersion.String()) {
		p := d.chartYAML(fmt.Sprintf("the chart asks for Kubernetes %s, but %s is assumed; choose another with --kube-version", k, caps.KubeVersion.Version), "kubeVersion")
		d.partly(p)
	}
	values, err := util.CoalesceValues(c, given)
	if err != nil {
		d.problem(problemAt(d.valuesFile(), 0, 0, "the values do not fit the chart: "+err.Error()))
		return nil
	}
	d.values = values
	d.validate(c, values, nil)
	return map[string]any{
		"Values":       values,
		"Capabilities": caps,
		"Release": map[string]any{
			"Name": release, "Namespace": namespace, "Revision": 1,
			"IsUpgrade": false, "IsInstall": true, "Service": "Helm",
		},
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// copyValues copies the maps of values, which Helm's dependency handling may
// write to.
func copyValues(v map[string]any) map[string]any {
	left := maxValues
	if c, ok := deepCopy(v, &left).(map[string]any); ok && left >= 0 {
		return c
	}
	return v
}

// valuesFile is the file to blame for values: the variant's, else the chart's.
func (d *rendering) valuesFile() string {
	if d.req.variant != nil {
		return d.req.variant.file
	}
	return d.set.src.at("values.yaml")
}

// dependencies reports what Chart.yaml names and the charts folder lacks.
func (d *rendering) dependencies() {
	have := map[string]bool{}
	for _, c := range d.chart.Dependencies() {
		have[c.Name()] = true
	}
	for _, dep := range d.chart.Metadata.Dependencies {
		if dep == nil || have[dep.Name] {
			continue
		}
		d.missing = append(d.missing, dep.Name)
		d.partly(d.missingDependency(dep))
	}
}

func (d *rendering) missingDependency(dep *chart.Dependency) assess.Problem {
	p := d.dependencyYAML(dep.Name)
	p.Missing = dep.Name + " " + dep.Version
	if dep.Repository != "" {
		p.Missing += " from " + dep.Repository
	}
	locked := ""
	if d.chart.Lock != nil {
		for _, l := range d.chart.Lock.Dependencies {
			if l != nil && l.Name == dep.Name {
				p.Missing = strings.Replace(p.Missing, dep.Version, l.Version, 1)
				locked = " (locked at " + l.Version + ")"
			}
		}
	}
	p.Reason = fmt.Sprintf("the dependency %s%s is not in the charts folder, so `helm template` fails and what it adds is not evaluated; run `helm dependency build %s`", dep.Name, locked, d.set.src.root)
	return p
}

// execute runs every template. Where Helm stops at the first that fails, the
// others are run all the same: what they give can still be judged.
func (d *rendering) execute(ctx context.Context, top map[string]any) {
	o := d.set.r.o
	rec := &recorder{prog: d.set.prog, expired: deadline(ctx, o.Timeout), max: o.MaxOutput}
	x := &execution{rec: rec, names: map[string]int{}, texts: map[string]string{}}
	x.set = template.New("gotpl").Option("missingkey=zero").Funcs(newFuncs(x, func() time.Time {
		if o.Now.IsZero() {
			return time.Now()
		}
		return o.Now
	}))
	x.bind(x.set)
	d.units = d.set.prog.units(d.chart, top)
	for i := range d.units {
		u := &d.units[i]
		if u.file.err != nil {
			d.partly(d.parseProblem(u, u.file.err))
			d.failed[u.name] = true
			continue
		}
		for _, t := range u.file.trees {
			if _, err := x.set.AddParseTree(t.Name, t); err != nil {
				d.partly(d.parseProblem(u, err))
			}
		}
	}
	for i := range d.units {
		u := &d.units[i]
		if strings.HasPrefix(path.Base(u.name), "_") || d.failed[u.name] {
			continue
		}
		text := rec.reset(u)
		clear(x.names)
		x.tpls = 0
		u.scope["Template"] = common.Values{"Name": u.name, "BasePath": u.base}
		if err := run(x, u); err != nil {
			d.failed[u.name] = true
			if d.execProblem(u, err) {
				return
			}
			continue
		}
		text.finish()
		d.texts[u.name] = text
	}
}

// run executes one template file; a panic becomes an error.
func run(x *execution, u *unit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("template: %s:1:0: executing %q at <>: panic: %v", u.name, u.name, p)
		}
	}()
	return x.set.ExecuteTemplate(x.rec, u.name, u.scope)
}

// position turns a place in a template into one that a person can open.
func (d *rendering) position(s *source, line, col int) ops.Position {
	if s.origin.archived {
		return d.archivePosition(s)
	}
	return ops.Position{File: s.origin.file, Line: line, Column: col, EndLine: line}
}

// archivePosition is where to go for a template in an archive, which nobody
// edits: the entry in Chart.yaml that brings the archive in, else the archive.
func (d *rendering) archivePosition(s *source) ops.Position {
	parts := strings.Split(s.name, "/charts/")
	if len(parts) > 1 {
		name, _, _ := strings.Cut(parts[1], "/")
		if p := d.dependencyYAML(name); p.Line > 0 {
			return p.Position
		}
	}
	return ops.Position{File: s.origin.file}
}

func (d *rendering) sourceNamed(name string) *source {
	i := slices.IndexFunc(d.units, func(u unit) bool { return u.name == name })
	if i < 0 {
		return nil
	}
	return d.units[i].file.src
}
