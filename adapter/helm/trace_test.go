package helm

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common/util"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// parseText reads rendered text into trees with the text's positions.
func parseText(t testing.TB, text []byte) []tree.Node {
	t.Helper()
	var out []tree.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return out
		}
		if len(n.Content) == 0 || n.Content[0].Tag == "!!null" {
			continue
		}
		b := tree.NewBuilder(1 << 20)
		build(b, n.Content[0])
		d, err := b.Doc()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d.Root())
	}
}

func build(b *tree.Builder, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		b.Open(tree.Map, n.Line, n.Column, n.Style&yaml.FlowStyle != 0)
		for i := 0; i < len(n.Content); i += 2 {
			b.Key(scalarOf(n.Content[i]))
			build(b, n.Content[i+1])
		}
		b.Close()
	case yaml.SequenceNode:
		b.Open(tree.List, n.Line, n.Column, n.Style&yaml.FlowStyle != 0)
		for _, e := range n.Content {
			build(b, e)
		}
		b.Close()
	default:
		b.Value(scalarOf(n))
	}
}

func scalarOf(n *yaml.Node) tree.Scalar {
	kinds := map[string]tree.Kind{"!!null": tree.Null, "!!bool": tree.Bool, "!!int": tree.Int, "!!float": tree.Float}
	k, ok := kinds[n.Tag]
	if !ok {
		k = tree.String
	}
	return tree.Scalar{Text: n.Value, Kind: k, Line: n.Line, Column: n.Column,
		Quoted: n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0,
		Block:  n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0}
}

// pathOf reads spec.containers[0].image and spec.containers[name=web].image.
func pathOf(text string) tree.Path {
	var p tree.Path
	for _, part := range strings.Split(text, ".") {
		key, list, _ := strings.Cut(part, "[")
		p = append(p, tree.Step{Key: key, Index: -1})
		for list != "" {
			var entry string
			entry, list, _ = strings.Cut(list, "]")
			list = strings.TrimPrefix(list, "[")
			if strings.Contains(entry, "=") {
				p = append(p, tree.Step{Key: entry, Index: 0})
			} else {
				n := 0
				for _, c := range entry {
					n = n*10 + int(c-'0')
				}
				p = append(p, tree.Step{Index: n})
			}
		}
	}
	return p
}

// trace traces path in the object that kind/name names.
func trace(t *testing.T, r *assess.Render, object, path string) assess.Origin {
	t.Helper()
	for _, c := range r.Chunks {
		for _, n := range parseText(t, c.Text) {
			if n.Get("kind").Text()+"/"+n.At("metadata", "name").Text() != object || c.Tracer == nil {
				continue
			}
			o, ok := c.Tracer.Trace(n, pathOf(path))
			if !ok {
				t.Fatalf("%s %s: no origin", object, path)
			}
			return o
		}
	}
	t.Fatalf("no object %s in %q", object, r.Variant)
	return assess.Origin{}
}

// textAt returns the line that a position names, trimmed.
func textAt(t *testing.T, files fs.FS, o assess.Origin) string {
	t.Helper()
	data, err := fs.ReadFile(files, o.File)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	if o.Line < 1 || o.Line > len(lines) {
		t.Fatalf("%s is not a line", o.Position)
	}
	return strings.TrimSpace(lines[o.Line-1])
}

func TestTrace(t *testing.T) {
	files := sample(t, "shop.txtar")
	rs := render(files, "shop")
	const pod = "spec.template.spec."
	const prod = "shop/values-prod.yaml"
	for _, c := range []struct {
		variant, object, path string
		file, line, kind, via string
	}{
		{"", "Deployment/shop", "kind", "templates/deployment.yaml", "kind: Deployment", "template", "shop"},
		{"", "Deployment/shop", "spec.replicas", "values.yaml", "replicas: 2", "values", "shop"},
		{prod, "Deployment/shop", "spec.replicas", "values-prod.yaml", "replicas: 5", "values", prod},
		{prod, "Deployment/shop", "kind", "templates/deployment.yaml", "kind: Deployment", "template", "shop"},
		// a helper, included and indented
		{"", "Deployment/shop", "metadata.labels[name=x]", "templates/deployment.yaml", "labels:", "template", "shop"},
		{"", "Deployment/shop", "metadata.labels.region", "values.yaml", "region: eu", "values", "shop"},
		// an image that a helper composes of two values; the tag is the default
		{"", "Deployment/shop", pod + "containers[0].image", "values.yaml", "repository: ghcr.io/acme/shop", "values", "shop"},
		{prod, "Deployment/shop", pod + "containers[name=shop].image", "values-prod.yaml", `tag: "1.9.1"`, "values", prod},
		{"", "Deployment/shop", pod + "containers[0].imagePullPolicy", "values.yaml", "pullPolicy: IfNotPresent", "values", "shop"},
		// below toYaml
		{"", "Deployment/shop", pod + "containers[0].securityContext.runAsNonRoot", "values.yaml", "runAsNonRoot: true", "values", "shop"},
		{"", "Deployment/shop", pod + "containers[0].securityContext.capabilities.drop[0]", "values.yaml", "drop: [ALL]", "values", "shop"},
		{prod, "Deployment/shop", pod + "containers[0].resources.requests.cpu", "values-prod.yaml", "cpu: 100m", "values", prod},
		// ranges over a map and over a list
		{"", "Deployment/shop", pod + "containers[0].ports[name=metrics].containerPort", "values.yaml", "metrics: 9090", "values", "shop"},
		{"", "Deployment/shop", pod + "containers[0].env[1].value", "values.yaml", `value: "{{ .Release.Name }} says hi"`, "values", "shop"},
		{"", "Deployment/shop", pod + "containers[0].env[0].name", "values.yaml", "- name: LOG_LEVEL", "values", "shop"},
		// what is missing is where it would be set
		{"", "Deployment/shop", pod + "containers[0].securityContext.readOnlyRootFilesystem", "values.yaml", "securityContext:", "values", "shop"},
		{"", "Deployment/shop", pod + "containers[0].resources.limits", "values.yaml", "resources: {}", "values", "shop"},
		{prod, "Deployment/shop", pod + "containers[0].resources.limits", "values-prod.yaml", "resources:", "values", prod},
		{"", "Deployment/shop", pod + "containers[0].livenessProbe", "templates/deployment.yaml", "- name: shop", "template", "shop"},
		{"", "Deployment/shop", pod + "securityContext.runAsUser", "values.yaml", "podSecurityContext: {}", "values", "shop"},
		// a branch that only the variant takes
		{prod, "Ingress/shop", "kind", "templates/ingress.yaml", "kind: Ingress", "template", prod},
		{prod, "Ingress/shop", "spec.rules[0].host", "values.yaml", "host: shop.example.com", "values", "shop"},
		// subcharts: the parent's override, the subchart's own, and globals
		{"", "Deployment/shop-front", "spec.replicas", "values.yaml", "replicas: 3", "values", "shop"},
		{prod, "Deployment/shop-front", "spec.replicas", "values-prod.yaml", "replicas: 7", "values", prod},
		{"", "Deployment/shop-front", "spec.template.spec.containers[0].resources.limits.cpu", "charts/web/values.yaml", "cpu: 50m", "values", "shop"},
		{"", "Deployment/shop-front", "spec.template.spec.containers[0].resources.limits.memory", "values.yaml", "memory: 64Mi", "values", "shop"},
		{"", "Deployment/shop-front", "metadata.labels.region", "values.yaml", "region: eu", "values", "shop"},
		{"", "Deployment/shop-front", "spec.template.spec.containers[0].image", "charts/web/templates/deploy.yaml", "image: web", "template", "shop"},
		{"", "ConfigMap/shop-config", "data.imported", "charts/web/values.yaml", "color: green", "values", "shop"},
		{"", "ConfigMap/shop-config", "data.note", "charts/lib/templates/_all.tpl", "note: made by {{ .Chart.Name }}", "template", "shop"},
		// tpl of a whole document
		{"", "ConfigMap/shop-extra", "data.region", "values.yaml", "region: {{ .Values.global.region }}", "values", "shop"},
		// hooks, and crds as they stand
		{"", "Job/migrate", "spec.template.spec.containers[0].image", "templates/migrate-job.yaml", "image: migrate", "template", "shop"},
		{"", "CustomResourceDefinition/widgets.acme.io", "spec.group", "crds/widget.yaml", "group: acme.io", "manifest", "shop"},
		{"", "ServiceAccount/shop", "metadata.name", "templates/service.yaml", "name: shop", "template", "shop"},
	} {
		o := trace(t, variantOf(t, rs, c.variant), c.object, c.path)
		line := textAt(t, files, o)
		if o.File != "shop/"+c.file || line != c.line || o.Kind != c.kind || len(o.Via) != 1 || o.Via[0] != c.via {
			t.Errorf("%s %s %s:\n got %s %q %s via %q\nwant %s %q %s via %q", c.variant, c.object, c.path,
				o.Position, line, o.Kind, o.Via, c.file, c.line, c.kind, c.via)
		}
	}
}

// TestTraceRelease traces a chart that is rendered as an application has it:
// with values files of its own choice, one of them beside the chart, and values
// that stand in no file.
func TestTraceRelease(t *testing.T) {
	files := sample(t, "shop.txtar")
	read := func(name string) []byte {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const prod = "shop/values-prod.yaml"
	extra := []byte("front:\n  replicas: 9\nimage:\n  tag: extra\n")
	inline := []byte(`{"image": {"tag": "inline"}}`)
	values := map[string]any{}
	for _, text := range [][]byte{read(prod), extra, inline} {
		var m map[string]any
		if err := yaml.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		values = util.CoalesceTables(m, values)
	}
	r := New(Options{}).RenderRelease(context.Background(), files, "shop", ChartOptions{
		ReleaseName: "shop", Values: values,
	}, ValuesText{prod, read(prod)}, ValuesText{"env/extra.yaml", extra}, ValuesText{"", inline})
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	const pod = "spec.template.spec."
	for _, c := range []struct{ object, path, want string }{
		{"Deployment/shop", "kind", "shop/templates/deployment.yaml"},
		{"Deployment/shop", "spec.replicas", prod},
		{"Deployment/shop", pod + "containers[0].imagePullPolicy", "shop/values.yaml"},
		{"Deployment/shop", pod + "containers[0].resources.requests.cpu", prod},
		// What no file has leads to the template, not to the value that it covers.
		{"Deployment/shop", pod + "containers[0].image", "shop/templates/deployment.yaml"},
		{"Deployment/shop-front", "spec.replicas", "env/extra.yaml"},
		{"Ingress/shop", "spec.rules[0].host", "shop/values.yaml"},
	} {
		if o := trace(t, r, c.object, c.path); o.File != c.want || o.Line == 0 {
			t.Errorf("%s %s: %s, want a line of %s", c.object, c.path, o.Position, c.want)
		}
	}
}

// TestTraceColumns checks exact columns, of keys in text too.
func TestTraceColumns(t *testing.T) {
	files := chartOf(map[string]string{
		"values.yaml":      "a:\n  deep: {size: 7}\n",
		"templates/x.yaml": "# ünïcode\nkind: X\nmetadata: {name: x, labels: {größe: \"{{ .Values.a.deep.size }}\", other: y}}\n",
	})
	r := render(files, "c")[0]
	o := trace(t, r, "X/x", "metadata.labels.größe")
	if o.Kind != kindValues || o.Line != 2 || o.Column != 10 {
		t.Errorf("got %s %s", o.Kind, o.Position)
	}
	o = trace(t, r, "X/x", "metadata.labels.other")
	if o.Kind != kindTemplate || o.Line != 3 {
		t.Errorf("got %s %s", o.Kind, o.Position)
	}
}

// TestTraceConcurrent traces everything from many goroutines; run with -race.
func TestTraceConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	for _, r := range render(sample(t, "shop.txtar"), "shop") {
		for _, c := range r.Chunks {
			for range 4 {
				wg.Go(func() { traceAll(t, c) })
			}
		}
	}
	wg.Wait()
}

// traceAll traces every value of a chunk, and one missing under every map.
func traceAll(t testing.TB, c assess.Chunk) (kinds map[string]int) {
	kinds = map[string]int{}
	var walk func(root, n tree.Node)
	walk = func(root, n tree.Node) {
		for _, p := range []tree.Path{n.PathFrom(root), append(n.PathFrom(root), tree.Step{Key: "absent", Index: -1})} {
			if c.Tracer == nil {
				kinds["no tracer"]++
				continue
			}
			o, ok := c.Tracer.Trace(root, p)
			switch {
			case !ok:
				kinds["none"]++
			default:
				kinds[o.Kind]++
			}
		}
		for _, v := range n.Fields() {
			walk(root, v)
		}
		for _, v := range n.Items() {
			walk(root, v)
		}
	}
	for _, n := range parseText(t, c.Text) {
		walk(n, n)
	}
	return kinds
}

// TestCorpusTrace traces every value of every chart of AEO_HELM_CORPUS.
func TestCorpusTrace(t *testing.T) {
	dir := os.Getenv("AEO_HELM_CORPUS")
	if dir == "" {
		t.Skip("AEO_HELM_CORPUS names no folder of charts")
	}
	all := map[string]int{}
	for _, root := range chartsIn(t, os.DirFS(dir)) {
		for _, r := range New(Options{}).Render(context.Background(), os.DirFS(dir), root) {
			for _, c := range r.Chunks {
				kinds := traceAll(t, c)
				for k, n := range kinds {
					all[k] += n
				}
				if kinds["none"]+kinds["no tracer"] > 0 {
					t.Logf("%s %s: %v\n%.200s", root, r.Variant, kinds, c.Text)
				}
			}
		}
	}
	t.Log(all)
}

func FuzzTrace(f *testing.F) {
	f.Add("kind: X\nmetadata:\n  name: {{ .Values.a | quote }}\n", "a: b\n")
	f.Add("{{- range $k, $v := .Values }}\n{{ $k }}: {{ tpl (toYaml $v) $ | nindent 2 }}\n{{- end }}", "a: {b: [1, 2]}\nc: '{{ .Values.a }}'\n")
	f.Add("{{ define \"x\" }}a: {{ . }}{{ end }}{{ $x := include \"x\" 1 }}{{ $x | indent 3 }}", "")
	f.Add("{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}", "")
	f.Fuzz(func(t *testing.T, template, values string) {
		files := chartOf(map[string]string{"templates/x.yaml": template, "values.yaml": values})
		begin := time.Now()
		defer func() {
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("took %s", took)
			}
		}()
		r := New(Options{MaxOutput: 1 << 16, Timeout: 200 * time.Millisecond}).Render(t.Context(), files, "c")[0]
		for _, p := range r.Problems {
			if strings.Contains(p.Reason, "unexpectedly") {
				t.Errorf("%v", p)
			}
		}
		for _, c := range r.Chunks {
			traceAll(t, c)
		}
	})
}
