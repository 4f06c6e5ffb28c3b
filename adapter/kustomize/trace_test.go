package kustomize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// rendered parses a chunk into trees, named "Kind/name".
func rendered(t *testing.T, text []byte) map[string]tree.Node {
	t.Helper()
	out := map[string]tree.Node{}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		b := tree.NewBuilder(1 << 20)
		grow(b, n.Content[0])
		doc, err := b.Doc()
		if err != nil {
			t.Fatal(err)
		}
		r := doc.Root()
		out[r.Get("kind").Text()+"/"+r.At("metadata", "name").Text()] = r
	}
}

func grow(b *tree.Builder, n *yaml.Node) {
	s := tree.Scalar{Text: n.Value, Kind: tree.String, Line: n.Line, Column: n.Column}
	switch n.Kind {
	case yaml.MappingNode:
		b.Open(tree.Map, n.Line, n.Column, false)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			b.Key(tree.Scalar{Text: k.Value, Kind: tree.String, Line: k.Line, Column: k.Column})
			grow(b, n.Content[i+1])
		}
		b.Close()
	case yaml.SequenceNode:
		b.Open(tree.List, n.Line, n.Column, false)
		for _, c := range n.Content {
			grow(b, c)
		}
		b.Close()
	default:
		switch n.Tag {
		case "!!int":
			s.Kind = tree.Int
		case "!!bool":
			s.Kind = tree.Bool
		case "!!null":
			s.Kind = tree.Null
		}
		b.Value(s)
	}
}

// pathOf reads a path as tree.Path prints it, with list entries by name or
// number.
func pathOf(root tree.Node, text string) tree.Path {
	var p tree.Path
	for _, part := range splitFieldPath(strings.ReplaceAll(text, "[", ".[")) {
		part = strings.TrimPrefix(part, ".")
		inner, isEntry := strings.CutPrefix(part, "[")
		if !isEntry {
			p = append(p, tree.Step{Key: part, Index: -1})
			continue
		}
		inner = strings.TrimSuffix(inner, "]")
		step := tree.Step{Key: inner, Index: 0}
		if n, err := strconv.Atoi(inner); err == nil {
			step = tree.Step{Index: n}
		}
		at, _ := root.Follow(p)
		if next, ok := at.Follow(tree.Path{step}); ok == 1 {
			full := next.PathFrom(root)
			step = full[len(full)-1]
		}
		p = append(p, step)
	}
	return p
}

type traced struct{ object, path, want string }

func checkTraces(t *testing.T, r *assess.Render, cases []traced) {
	t.Helper()
	if len(r.Chunks) == 0 {
		t.Fatalf("nothing rendered: %+v", r.Problems)
	}
	docs := rendered(t, r.Chunks[0].Text)
	for _, c := range cases {
		doc, ok := docs[c.object]
		for name, d := range docs {
			// Generated names end in a hash.
			if !ok && strings.HasPrefix(name, c.object+"-") {
				doc, ok = d, true
			}
		}
		if !ok {
			t.Errorf("%s is not in the output", c.object)
			continue
		}
		got := "nothing"
		if o, ok := r.Chunks[0].Tracer.Trace(doc, pathOf(doc, c.path)); ok {
			got = fmt.Sprintf("%s:%d:%d %s via %s", o.File, o.Line, o.Column, o.Kind, strings.Join(o.Via, ","))
		}
		if got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.object, c.path, got, c.want)
		}
	}
}

func TestTraceOverlay(t *testing.T) {
	const (
		base   = "via overlays/prod,overlays/base"
		prod   = "via overlays/prod"
		hard   = "via overlays/prod,overlays/components/hardened"
		kprod  = "overlays/prod/kustomization.yaml"
		ppatch = "overlays/prod/patch-web.yaml"
		web    = "overlays/base/web.yaml"
		pod    = "spec.template.spec."
	)
	checkTraces(t, render(t, os.DirFS("testdata"), "overlays/prod", Options{}), []traced{
		{"Deployment/eu-web", "spec.replicas", ppatch + ":6:3 patch " + prod},
		{"Deployment/eu-web", "spec.selector.matchLabels.app", web + ":11:7 base " + base},
		{"Deployment/eu-web", pod + "hostNetwork", ppatch + ":9:7 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].securityContext.privileged", web + ":34:13 base " + base},
		{"Deployment/eu-web", pod + "containers[name=web].securityContext.runAsNonRoot", kprod + ":34:9 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].securityContext.readOnlyRootFilesystem", web + ":33:11 base " + base},
		{"Deployment/eu-web", pod + "containers[name=web].image", kprod + ":13:5 transformer " + prod},
		{"Deployment/eu-web", pod + "containers[name=proxy].image", kprod + ":15:5 transformer " + prod},
		{"Deployment/eu-web", pod + "containers[name=extra].image", ppatch + ":19:11 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=extra].securityContext.privileged", ppatch + ":18:11 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=proxy].securityContext.allowPrivilegeEscalation", "overlays/components/hardened/harden.yaml:11:13 patch " + hard},
		{"Deployment/eu-web", pod + "containers[name=proxy].securityContext.runAsUser", "overlays/components/hardened/harden.yaml:10:11 patch " + hard},
		{"Deployment/eu-web", pod + "containers[name=web].resources.limits.memory", ppatch + ":14:15 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].resources.limits.cpu", ppatch + ":13:13 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].ports[name=http].hostPort", ppatch + ":17:15 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].ports[name=http].containerPort", ppatch + ":16:15 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].args[1]", web + ":21:29 base " + base},
		{"Deployment/eu-web", pod + "containers[name=web].args[2]", kprod + ":38:9 patch " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].env[name=HOST].value", kprod + ":59:13 transformer " + prod},
		{"Deployment/eu-web", pod + "containers[name=web].env[name=LOG_LEVEL].valueFrom.configMapKeyRef.name", web + ":29:19 base " + base},
		{"Deployment/eu-web", pod + "automountServiceAccountToken", kprod + ":41:9 patch " + prod},
		{"Deployment/eu-web", pod + "volumes[name=scratch].emptyDir", ppatch + ":22:11 patch " + prod},
		{"Deployment/eu-web", pod + "volumes[name=scratch].hostPath.path", ppatch + ":24:13 patch " + prod},
		{"Deployment/eu-web", "metadata.namespace", kprod + ":8:1 transformer " + prod},
		{"Deployment/eu-web", "metadata.name", kprod + ":9:1 transformer " + prod},
		{"Deployment/eu-web", "metadata.annotations.owner", kprod + ":17:3 transformer " + prod},
		{"Deployment/eu-web", "metadata.labels.tier", kprod + ":22:7 transformer " + prod},
		{"Deployment/eu-web", pod[:14] + "metadata.labels.tier", kprod + ":22:7 transformer " + prod},
		{"Deployment/eu-web", "metadata.labels.app\\.kubernetes\\.io/part-of", "overlays/base/kustomization.yaml:28:7 transformer " + base},
		{"Deployment/eu-web", "spec.strategy.type", web + ":7:1 base " + base},
		{"CronJob/eu-report", "spec.jobTemplate.spec.template.spec.containers[name=report].securityContext.readOnlyRootFilesystem",
			"overlays/components/hardened/kustomization.yaml:11:11 patch " + hard},
		{"CronJob/eu-report", "spec.jobTemplate.spec.template.spec.containers[name=report].image", "overlays/base/job.yaml:14:15 base " + base},
		{"Service/eu-web", "spec.type", kprod + ":48:9 patch " + prod},
		{"Service/eu-web", "spec.ports[name=http].port", web + ":54:7 base " + base},
		{"PodDisruptionBudget/eu-web", "spec.minAvailable", "overlays/prod/budget.yaml:6:3 base " + prod},
		{"ConfigMap/eu-environment", "data.FLAG", "overlays/base/app.env:3:1 generator " + base},
		{"ConfigMap/eu-environment", "metadata.labels.generated", "overlays/base/kustomization.yaml:20:9 generator " + base},
	})
}

func TestTraceMore(t *testing.T) {
	for root, cases := range map[string][]traced{
		"overlays/prod": {
			{"ConfigMap/eu-settings", "data.LOG_LEVEL", "overlays/prod/kustomization.yaml:27:9 generator via overlays/prod"},
			{"ConfigMap/eu-settings", "data.REGION", "overlays/base/kustomization.yaml:10:9 generator via overlays/prod,overlays/base"},
			{"ConfigMap/eu-settings", "data.nginx\\.conf", "overlays/base/nginx.conf:1:1 generator via overlays/prod,overlays/base"},
			{"ConfigMap/eu-settings", "data.extra", "overlays/base/conf/extra.txt:1:1 generator via overlays/prod,overlays/base"},
			{"ConfigMap/eu-settings", "immutable", "overlays/base/kustomization.yaml:7:5 generator via overlays/prod,overlays/base"},
			{"Secret/eu-credentials", "data.password", "overlays/base/kustomization.yaml:24:9 generator via overlays/prod,overlays/base"},
			{"Secret/eu-credentials", "type", "overlays/base/kustomization.yaml:22:5 generator via overlays/prod,overlays/base"},
		},
		"overlays/staging": {
			{"Deployment/web-staging", "spec.replicas", "overlays/staging/kustomization.yaml:9:5 transformer via overlays/staging"},
			{"Deployment/web-staging", "spec.template.spec.containers[name=web].image", "overlays/staging/kustomization.yaml:6:5 transformer via overlays/staging"},
			{"Deployment/web-staging", "spec.template.spec.containers[name=proxy].image", "overlays/base/web.yaml:37:11 base via overlays/staging,overlays/base"},
			{"Deployment/web-staging", "metadata.name", "overlays/staging/kustomization.yaml:3:1 transformer via overlays/staging"},
		},
		"legacy/overlay": {
			{"StatefulSet/old-db", "spec.replicas", "legacy/overlay/patch.yaml:6:3 patch via legacy/overlay"},
			{"StatefulSet/old-db", "spec.podManagementPolicy", "legacy/overlay/ops.yaml:3:3 patch via legacy/overlay"},
			{"StatefulSet/old-db", "spec.template.spec.containers[name=db].image", "legacy/overlay/Kustomization:5:5 transformer via legacy/overlay"},
			{"StatefulSet/old-db", "metadata.labels.app", "legacy/base/kustomization.yml:3:3 transformer via legacy/overlay,legacy/base"},
			{"StatefulSet/old-db", "spec.template.metadata.labels", "legacy/base/kustomization.yml:3:3 transformer via legacy/overlay,legacy/base"},
			{"StatefulSet/old-db", "spec.template.spec.containers[name=db].command[1]", "legacy/base/all.json:3:61 base via legacy/overlay,legacy/base"},
			{"StatefulSet/old-db", "spec.template.spec.securityContext", "legacy/base/all.json:2:45 base via legacy/overlay,legacy/base"},
			{"Service/old-db", "spec.type", "legacy/overlay/Kustomization:18:12 patch via legacy/overlay"},
			{"Service/old-db", "spec.ports[0].port", "legacy/base/list.yaml:7:21 base via legacy/overlay,legacy/base"},
			{"ConfigMap/old-db", "data.a", "legacy/overlay/patch.yaml:13:3 patch via legacy/overlay"},
			{"ConfigMap/old-db", "data.c", "legacy/overlay/patch.yaml:14:3 patch via legacy/overlay"},
		},
		"plugins/app": {
			{"Pod/t-web", "metadata.labels.from", "plugins/app/labels.yaml:6:3 transformer via plugins/app"},
			{"Pod/t-web", "metadata.annotations.home", "plugins/transformers/annotate.yaml:6:3 transformer via plugins/app"},
			{"Pod/t-web", "metadata.namespace", "plugins/transformers/ns.yaml:5:3 transformer via plugins/app"},
			{"Pod/t-web", "metadata.name", "plugins/app/kustomization.yaml:12:5 transformer via plugins/app"},
			{"Thing/t-thing", "spec.picture", "plugins/app/replacement.yaml:4:20 transformer via plugins/app"},
			{"Thing/t-thing", "spec.template.spec.parts[name=two].size", "plugins/app/kustomization.yaml:25:33 patch via plugins/app"},
			{"Thing/t-thing", "spec.template.spec.parts[name=one].size", "plugins/app/thing.yaml:11:11 base via plugins/app"},
			{"ConfigMap/t-made", "data.a", "plugins/app/generator.yaml:5:12 generator via plugins/app"},
			{"ConfigMap/t-made", "data.note\\.txt", "plugins/app/note.txt:1:1 generator via plugins/app"},
		},
		"diamond/all": {
			{"ConfigMap/a-cm", "data.only-a", "diamond/a/kustomization.yaml:8:14 patch via diamond/all,diamond/a"},
			{"ConfigMap/b-cm", "data.who", "diamond/base/cm.yaml:6:3 base via diamond/all,diamond/b,diamond/base"},
			{"ConfigMap/b-cm", "metadata.namespace", "diamond/all/kustomization.yaml:2:1 transformer via diamond/all"},
		},
	} {
		t.Run(root, func(t *testing.T) { checkTraces(t, render(t, os.DirFS("testdata"), root, Options{}), cases) })
	}
}

func TestTraceChart(t *testing.T) {
	r := render(t, os.DirFS("testdata"), "charts/site", Options{Charts: helmFake})
	for _, p := range r.Problems {
		t.Errorf("%+v", p)
	}
	const (
		via = " via charts/site"
		k   = "charts/site/kustomization.yaml"
	)
	checkTraces(t, r, []traced{
		{"Deployment/p-rel-web", "spec.replicas", k + ":14:7 values" + via},
		{"Deployment/p-other-web", "spec.replicas", "charts/site/own.yaml:1:1 values" + via},
		{"Deployment/p-rel-web", "spec.template.spec.containers[name=web].image", k + ":33:5 transformer" + via},
		{"Deployment/p-rel-web", "spec.paused", k + ":30:9 patch" + via},
		{"Deployment/p-rel-web", "spec.template.spec.containers[name=web].securityContext", "charts/site/charts/mini/templates/all.yaml:14:11 template" + via},
		{"Deployment/p-rel-web", "metadata.namespace", "charts/site/charts/mini/templates/all.yaml:5:3 template" + via},
		{"Deployment/p-rel-web", "metadata.name", k + ":2:1 transformer" + via},
	})
}

// helmFake stands for the helm adapter: it knows the one chart of the sample.
func helmFake(ctx context.Context, files fs.FS, dir string, o ChartOptions) ([]byte, []string, error) {
	image, _ := o.Values["image"].(map[string]any)
	return fmt.Appendf(nil, "---\n# Source: mini/templates/all.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s-web\n  namespace: %s\nspec:\n  replicas: %v\n"+
		"  template:\n    spec:\n      containers:\n        - name: web\n          image: \"%v:%v\"\n",
		o.ReleaseName, o.Namespace, o.Values["replicas"], image["repository"], image["tag"]), []string{dir + "/templates/all.yaml"}, nil
}
