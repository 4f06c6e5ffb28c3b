package kustomize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// chart is one entry of helmCharts that can be rendered.
type chart struct {
	n    *node
	spec types.HelmChart
	// entry is what describes the chart, in file.
	file  string
	entry *yaml.Node
	// home is the folder that holds charts, relative to n's.
	home string
	// plugin means that the entry configures a generator of n's; such a chart
	// does not inherit a namespace.
	plugin bool
	dir    string
	values map[string]any
	// files are the values files, in the order in which they are given.
	files []string
	// text is what helm printed; marked is the same for the library.
	text, marked []byte
}

func (c *chart) pos() ops.Position {
	k, v := field(c.entry, "name")
	return at(c.file, k, v)
}

// chartFiles finds n's charts and reads their values.
func (g *graph) chartFiles(n *node) {
	entries := append(items(get(n.doc, "helmCharts")), items(get(n.doc, "helmChartInflationGenerator"))...)
	home := ""
	if n.k.HelmGlobals != nil {
		home = n.k.HelmGlobals.ChartHome
	}
	for i, spec := range n.k.HelmCharts {
		c := &chart{n: n, spec: spec, file: n.file, home: home}
		if i < len(entries) {
			c.entry = follow(entries[i])
		}
		g.addChart(c)
	}
}

func (g *graph) addChart(c *chart) {
	if g.chartDir(c) && g.chartValues(c) {
		g.charts = append(g.charts, c)
	}
}

// chartPlugins takes file, which n lists under generators as ref, for charts
// if it configures nothing but the library's chart generator. That one would
// start helm: so it is taken out of the build like helmCharts.
func (g *graph) chartPlugins(n *node, ref, file string) bool {
	docs := g.fileDocs(file)
	for _, d := range docs {
		if text(d.doc, "apiVersion") != "builtin" || text(d.doc, "kind") != "HelmChartInflationGenerator" {
			return false
		}
	}
	var charts []*chart
	for i, part := range splitDocs(g.contents[file]) {
		var c struct {
			types.HelmGlobals
			types.HelmChart
		}
		if i >= len(docs) || sigsyaml.Unmarshal(part, &c) != nil {
			return false
		}
		charts = append(charts, &chart{n: n, spec: c.HelmChart, home: c.ChartHome, file: file, entry: docs[i].doc, plugin: true})
	}
	for _, c := range charts {
		g.addChart(c)
	}
	if n.drop["generators"] == nil {
		n.drop["generators"] = map[string]bool{}
	}
	n.drop["generators"][ref] = true
	return true
}

// chartDir finds the chart's folder as the library does.
func (g *graph) chartDir(c *chart) bool {
	home := cmp.Or(c.home, types.HelmDefaultHome)
	if c.spec.Name == "" || strings.HasPrefix(c.spec.Name, "-") || strings.HasPrefix(c.spec.ReleaseName, "-") {
		g.problem(at(c.file, c.entry, nil), "", "an entry of helmCharts needs a name that does not begin with \"-\"")
		return false
	}
	if c.spec.Version != "" && c.spec.Repo != "" {
		home = path.Join(home, c.spec.Name+"-"+c.spec.Version)
	}
	p, inside := join(c.n.dir, path.Join(home, c.spec.Name))
	if path.IsAbs(home) || !inside {
		g.problem(c.pos(), "", home+" leaves the repository: only charts of the repository are rendered")
		return false
	}
	real, err := resolve(g.files, p)
	if err == nil && g.isDir(real) {
		c.dir = real
		return true
	}
	missing := p
	if c.spec.Repo != "" {
		missing = strings.TrimSuffix(address(c.spec.Repo), "/") + "/" + c.spec.Name
		if c.spec.Version != "" {
			missing += "@" + c.spec.Version
		}
	}
	c.n.lost = true
	g.problems = append(g.problems, assess.Problem{Position: c.pos(), Missing: missing, Partial: true,
		Reason: fmt.Sprintf("chart %s is not in the tree at %s, and charts are not fetched: `helm pull --untar` it there; the rest was rendered without it", c.spec.Name, p)})
	return false
}

// chartValues computes what the library would give to helm with -f.
func (g *graph) chartValues(c *chart) bool {
	ref, pos := c.spec.ValuesFile, c.pos()
	if k, v := field(c.entry, "valuesFile"); k != nil {
		pos = at(c.file, k, v)
	}
	if ref == "" {
		up := strings.Repeat("../", strings.Count("/"+c.n.dir, "/"))
		if c.n.dir == "." {
			up = ""
		}
		ref = up + path.Join(c.dir, "values.yaml")
	}
	file, ok := g.fileAt(c.n, "helmCharts", ref, ref, pos, true)
	if !ok {
		return false
	}
	data, _ := g.load(file)
	c.files = []string{file}
	values := map[string]any{}
	var err error
	if len(c.spec.ValuesInline) > 0 {
		if data, err = inlineValues(c.spec, data); err != nil {
			g.problem(pos, "", "cannot merge valuesInline with the values file: "+reason(err))
			return false
		}
	}
	if err := sigsyaml.Unmarshal(data, &values); err != nil {
		g.problem(ops.Position{File: file}, "", file+" is not a values file: "+reason(err))
		return false
	}
	for i, ref := range c.spec.AdditionalValuesFiles {
		pos := c.pos()
		if nodes := items(get(c.entry, "additionalValuesFiles")); i < len(nodes) {
			pos = at(c.file, nodes[i], nodes[i])
		}
		file, ok := g.fileAt(c.n, "helmCharts", ref, ref, pos, true)
		if !ok {
			return false
		}
		data, _ := g.load(file)
		more := map[string]any{}
		if err := sigsyaml.Unmarshal(data, &more); err != nil {
			g.problem(ops.Position{File: file}, "", file+" is not a values file: "+reason(err))
			return false
		}
		c.files = append(c.files, file)
		values = mergeValues(values, more)
	}
	c.values = values
	return true
}

// inlineValues merges valuesInline into the values file as valuesMerge says.
func inlineValues(spec types.HelmChart, file []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the kustomize library failed: %v", p)
		}
	}()
	inline := spec.ValuesInline
	if spec.ValuesMerge == "replace" {
		return sigsyaml.Marshal(inline)
	}
	chartNode, err := kyaml.Parse(string(file))
	if err != nil {
		return nil, err
	}
	inlineNode, err := kyaml.FromMap(inline)
	if err != nil {
		return nil, err
	}
	var merged *kyaml.RNode
	switch spec.ValuesMerge {
	case "", "override":
		merged, err = merge2.Merge(inlineNode, chartNode, kyaml.MergeOptions{})
	case "merge":
		merged, err = merge2.Merge(chartNode, inlineNode, kyaml.MergeOptions{})
	default:
		return nil, errors.New("valuesMerge must be merge, override or replace")
	}
	if err != nil {
		return nil, err
	}
	values, err := merged.Map()
	if err != nil {
		return nil, err
	}
	return sigsyaml.Marshal(values)
}

// mergeValues lays over onto under as helm does with several -f.
func mergeValues(under, over map[string]any) map[string]any {
	for k, v := range over {
		if a, ok := under[k].(map[string]any); ok {
			if b, ok := v.(map[string]any); ok {
				under[k] = mergeValues(a, b)
				continue
			}
		}
		under[k] = v
	}
	return under
}

// renderCharts runs every chart of the graph through render.
func (g *graph) renderCharts(ctx context.Context, opts Options) {
	kept := g.charts[:0]
	spaces := g.namespaces()
	for _, c := range g.charts {
		inherited := spaces[c.n]
		if !c.plugin && c.spec.Namespace == "" && c.n.k.Namespace == "" && len(inherited) > 1 {
			g.problems = append(g.problems, assess.Problem{Position: c.pos(), Partial: true,
				Reason: "this chart is included with several namespaces (" + strings.Join(inherited, ", ") + "); it was rendered for the first: set its namespace"})
		}
		if err := g.renderChart(ctx, opts, c, inherited); err != nil {
			c.n.lost = true
			pos := c.pos()
			g.problems = append(g.problems, assess.Problem{Position: pos, Partial: true, Missing: c.dir,
				Reason: "chart " + c.spec.Name + " did not render: " + reason(err)})
			continue
		}
		kept = append(kept, c)
	}
	g.charts = kept
}

func (g *graph) renderChart(ctx context.Context, opts Options, c *chart, inherited []string) (err error) {
	if opts.Charts == nil {
		return errors.New("no chart renderer is configured")
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the library failed: %v", p)
		}
	}()
	o := ChartOptions{ReleaseName: c.spec.ReleaseName, Namespace: c.spec.Namespace, Values: c.values,
		IncludeCRDs: c.spec.IncludeCRDs, SkipHooks: c.spec.SkipHooks, SkipTests: c.spec.SkipTests,
		KubeVersion: c.spec.KubeVersion, APIVersions: c.spec.ApiVersions}
	if o.ReleaseName == "" && !strings.Contains(c.spec.NameTemplate, "{{") {
		o.ReleaseName = c.spec.NameTemplate
	}
	if o.ReleaseName == "" {
		// Helm would make up a name from the time, new in every run.
		o.ReleaseName = c.spec.Name
	}
	switch {
	case o.Namespace != "":
	case c.plugin:
		o.Namespace = "default"
	case c.n.k.Namespace != "":
		o.Namespace = c.n.k.Namespace
	case len(inherited) > 0 && inherited[0] != "":
		o.Namespace = inherited[0]
	default:
		o.Namespace = "default"
	}
	if o.KubeVersion == "" {
		o.KubeVersion = opts.KubeVersion
	}
	out, read, err := opts.Charts(ctx, g.files, c.dir, o)
	for _, p := range read {
		g.read[p] = true
	}
	if err != nil {
		return err
	}
	c.text = out
	c.marked, err = markGenerated(out)
	return err
}

// markGenerated annotates the objects in text as the library annotates what
// helm printed: its namespace transformer leaves such objects alone.
func markGenerated(text []byte) ([]byte, error) {
	objects, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes(text)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, o := range objects {
		if err := o.PipeE(kyaml.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")); err != nil {
			return nil, err
		}
		s, err := o.RNode.String()
		if err != nil {
			return nil, err
		}
		b.WriteString("---\n" + s)
	}
	return []byte(b.String()), nil
}

// namespaces says for each kustomization which namespaces it inherits for its
// charts: that of the nearest including one that sets it, on every way from
// the root, in build order.
func (g *graph) namespaces() map[*node][]string {
	out := map[*node][]string{}
	type visit struct {
		n  *node
		ns string
	}
	seen := map[visit]bool{}
	var down func(n *node, ns string)
	down = func(n *node, ns string) {
		if n == nil || n.k == nil || seen[visit{n, ns}] {
			return
		}
		seen[visit{n, ns}] = true
		out[n] = append(out[n], ns)
		if n.k.Namespace != "" {
			ns = n.k.Namespace
		}
		for _, e := range n.kids {
			down(e.to, ns)
		}
	}
	down(g.root, "")
	return out
}

// mountCharts puts n's rendered charts into the view. Each becomes a virtual
// component before the others: components are built after the generators and
// before the transformers, which is where the library's own chart generator
// adds its objects.
func (g *graph) mountCharts(v *view, n *node, k *types.Kustomization) {
	k.HelmCharts, k.HelmGlobals = nil, nil
	var names []string
	for i, c := range g.charts {
		if c.n != n || len(c.marked) == 0 {
			continue
		}
		name := "%chart%" + strconv.Itoa(i)
		dir := path.Join(n.dir, name)
		v.overlay[path.Join(dir, "kustomization.yaml")] = []byte(
			`{"apiVersion":"` + types.ComponentVersion + `","kind":"` + types.ComponentKind + `","resources":["chart.yaml"]}`)
		v.overlay[path.Join(dir, "chart.yaml")] = c.marked
		names = append(names, name)
	}
	k.Components = append(names, k.Components...)
}
