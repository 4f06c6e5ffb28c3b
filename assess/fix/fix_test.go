package fix_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/fix"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

type parser struct{}

func (parser) Split(text []byte) (out []assess.Part) {
	for _, p := range yamldoc.Split(text) {
		out = append(out, assess.Part(p))
	}
	return out
}

func (parser) Parse(p assess.Part) []tree.Document { return yamldoc.Part(p).Parse() }

// files is a tree in memory.
type files struct{ fstest.MapFS }

func (f files) Entries(context.Context) (out []assess.Entry, err error) {
	err = fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, assess.Entry{Path: p})
		}
		return err
	})
	return out, err
}

func treeOf(nameAndText ...string) files {
	f := files{fstest.MapFS{}}
	for i := 0; i < len(nameAndText); i += 2 {
		f.MapFS[nameAndText[i]] = &fstest.MapFile{Data: []byte(strings.TrimPrefix(nameAndText[i+1], "\n"))}
	}
	return f
}

func options(checks []*check.Check) (fix.Options, func(context.Context, assess.Source) (*assess.Report, error)) {
	engine := &assess.Engine{Parser: parser{}, Renderers: map[assess.Tool]assess.Renderer{
		assess.Helm: helm.New(helm.Options{}), assess.Kustomize: kustomize.New(kustomize.Options{}),
	}}
	o := assess.Default()
	o.Checks, o.Deviations, o.Now = checks, true, time.Unix(0, 0)
	judge := func(ctx context.Context, src assess.Source) (*assess.Report, error) {
		return engine.Assess(ctx, src, assess.Target{}, o)
	}
	return fix.Options{Assess: judge, Parser: parser{}}, judge
}

// find returns checks of the catalogue.
func find(t *testing.T, ids ...string) (out []*check.Check) {
	t.Helper()
	for _, id := range ids {
		c, ok := catalogue.Find(id)
		if !ok {
			t.Fatalf("no check %s", id)
		}
		out = append(out, c)
	}
	return out
}

func run(t *testing.T, src files, checks []*check.Check, values map[string]string) *fix.Outcome {
	t.Helper()
	o, _ := options(checks)
	o.Values = values
	out, err := fix.Run(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mended returns the tree as a run leaves it.
func mended(src files, out *fix.Outcome) files {
	after := files{fstest.MapFS{}}
	for name, f := range src.MapFS {
		after.MapFS[name] = f
	}
	for _, f := range out.Files {
		after.MapFS[f.Path] = &fstest.MapFile{Data: f.After}
	}
	return after
}

// TestSamples mends the failing samples of every check that knows how: what
// it says of itself must hold, and a second run must find nothing to do.
func TestSamples(t *testing.T) {
	total, fixed := 0, 0
	for _, c := range catalogue.All() {
		samples, err := c.Samples()
		if err != nil {
			continue // checktest says so
		}
		for _, s := range samples {
			src := treeOf()
			for _, f := range s.Files {
				src.MapFS[f.Name] = &fstest.MapFile{Data: f.Text}
			}
			out := run(t, src, []*check.Check{c}, nil)
			total += len(out.Fixed) + len(out.Dropped)
			fixed += len(out.Fixed)
			for _, d := range out.Dropped {
				t.Errorf("%s, sample %s/%s: %s: %s", c.ID, s.Want, s.Name, d.Finding.Position, d.Reason)
			}
			if again := run(t, mended(src, out), []*check.Check{c}, nil); len(again.Files) > 0 {
				t.Errorf("%s, sample %s/%s: a second run changed %s again", c.ID, s.Want, s.Name, again.Files[0].Path)
			}
		}
	}
	t.Logf("%d of %d findings of the samples that can be mended are", fixed, total)
	if fixed < 80 {
		t.Errorf("only %d findings of the samples were mended", fixed)
	}
}

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: web:1.2
`

// probe makes a check about spec.field of pods, with a change if it is missing.
func probe(id, field, want, set string) *check.Check {
	return &check.Check{ID: ops.CheckID(id), Name: id, Pages: fstest.MapFS{}, Severity: ops.Low, Kinds: []string{"Pod"}, Object: func(p *check.Pass, o *graph.Object) {
		if o.Spec().Get(field).Text() != want {
			r := p.Fail(o.Spec(), field, "%s is not %q", field, want)
			if set != "" {
				r.Set(set)
			}
		}
	}}
}

// TestProof drops what does not hold, and only that.
func TestProof(t *testing.T) {
	checks := []*check.Check{
		probe("good", "a", "1", "1"),
		probe("useless", "b", "1", "2"),
		probe("harmful", "c", "1", "1"),
		{ID: "watch", Name: "watch", Pages: fstest.MapFS{}, Kinds: []string{"Pod"}, Object: func(p *check.Pass, o *graph.Object) {
			if o.Spec().Has("c") {
				p.Fail(o.Spec().Get("c"), "", "c is set")
			}
		}},
		probe("breaking", "apiVersion", "1", "{"),
		probe("better", "d", "1", "1"),
	}
	src := treeOf()
	for i := range 20 {
		src.MapFS[fmt.Sprintf("p%d.yaml", i)] = &fstest.MapFile{Data: []byte(strings.Replace(pod, "name: web}", fmt.Sprintf("name: web%d}", i), 1))}
	}
	out := run(t, src, checks, nil)
	if len(out.Fixed) != 40 || len(out.Dropped) != 60 || len(out.Files) != 20 {
		t.Errorf("%d fixed, %d dropped, %d files", len(out.Fixed), len(out.Dropped), len(out.Files))
	}
	reasons := map[string]int{}
	for _, d := range out.Dropped {
		why, _, _ := strings.Cut(d.Reason, " of Pod")
		reasons[string(d.Finding.Check)+": "+why]++
	}
	for _, want := range []string{"useless: the finding would still be there", "harmful: it would bring watch", "breaking: the new value is not one YAML value on one line"} {
		if reasons[want] == 0 {
			t.Errorf("no %q in %v", want, reasons)
		}
	}
	if out.Assessments > 2*fix.MaxAssessments {
		t.Errorf("%d assessments", out.Assessments)
	}
}

// TestAsk never invents a value.
func TestAsk(t *testing.T) {
	checks := find(t, "k8s-cpu-request", "k8s-memory-request", "k8s-memory-limit")
	src := treeOf("p.yaml", pod)
	out := run(t, src, checks, nil)
	if len(out.Files) != 0 || out.Waiting != 3 || len(out.Asks) != 3 || out.Asks[0].Name != "cpu-request" {
		t.Errorf("%+v", out)
	}
	out = run(t, src, checks, map[string]string{"cpu-request": "50m", "memory-request": "64Mi", "memory-limit": "64Mi", "disk": "1"})
	want := strings.TrimPrefix(pod, "\n") + `      resources:
        requests:
          cpu: 50m
          memory: 64Mi
        limits:
          memory: 64Mi
`
	if len(out.Files) != 1 || string(out.Files[0].After) != want || !slices.Equal(out.Unasked, []string{"disk"}) {
		t.Errorf("%+v", out)
	}
	out = run(t, src, checks, map[string]string{"cpu-request": "a lot", "memory-request": "{", "memory-limit": "64Mi"})
	if len(out.Fixed) != 1 || len(out.Dropped) != 2 {
		t.Errorf("%+v", out)
	}
}

// TestOrigins mends where a rendered value was written.
func TestOrigins(t *testing.T) {
	base := strings.Replace(pod, "web:1.2", "web:1.2\n      securityContext: {privileged: true}", 1)
	src := treeOf(
		"base/kustomization.yaml", "resources: [pod.yaml]\n", "base/pod.yaml", base,
		"prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\npatches:\n  - path: patch.yaml\n", "prod/patch.yaml", `
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostPID: true # debug
  containers: [{name: web, tty: true}]
`,
		"chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/values.yaml", "securityContext: {} # hard\nhostNetwork: true\n",
		"chart/templates/pod.yaml", `
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
spec:
  hostIPC: true # literal
  containers:
    - name: {{ .Chart.Name }}
      image: web:1.2
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    - name: side
      image: web:1.2
`)
	checks := find(t, "k8s-privilege-escalation", "k8s-privileged-container", "k8s-host-pid", "k8s-host-ipc", "k8s-capabilities-drop-all", "k8s-image-pull-policy")
	out := run(t, src, checks, nil)
	after := mended(src, out)
	want := map[string][]string{
		"base/pod.yaml":     {"securityContext: {privileged: false, ", "capabilities: {drop: [ALL]}", "allowPrivilegeEscalation: false"},
		"prod/patch.yaml":   {"spec:\n  containers:"},
		"chart/values.yaml": {"securityContext: # hard\n  capabilities:\n    drop:\n      - ALL\n  allowPrivilegeEscalation: false\n"},
		"chart/templates/pod.yaml": {"spec:\n  containers:", `
    - name: side
      securityContext:
        capabilities:
          drop:
            - ALL
        allowPrivilegeEscalation: false
      image: web:1.2
`},
	}
	for name, parts := range want {
		for _, p := range parts {
			if text := string(after.MapFS[name].Data); !strings.Contains(text, p) {
				t.Errorf("%s lacks %q:\n%s", name, p, text)
			}
		}
	}
	if len(out.Dropped) > 0 || len(out.Files) != 4 {
		t.Errorf("dropped %+v, %d files", out.Dropped, len(out.Files))
	}
	if again := run(t, after, checks, nil); len(again.Files) > 0 || len(again.Fixed) > 0 {
		t.Errorf("a second run changed %+v", again.Files)
	}
}

// TestFill gives each finding an edit of its own, by lines.
func TestFill(t *testing.T) {
	checks := find(t, "k8s-privilege-escalation", "k8s-capabilities-drop-all")
	src := treeOf("p.yaml", "# one\n---\n"+strings.TrimPrefix(pod, "\n"))
	_, judge := options(checks)
	rep, err := judge(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if err := fix.Fill(t.Context(), rep, src, parser{}); err != nil {
		t.Fatal(err)
	}
	if len(rep.Findings) != 2 {
		t.Fatalf("%+v", rep.Findings)
	}
	for _, f := range rep.Findings {
		if len(f.Edits) != 1 || f.Edits[0].Line != 10 || f.Edits[0].EndLine != 9 || !strings.HasPrefix(f.Edits[0].Text, "      securityContext:\n") {
			t.Errorf("%s: %+v", f.Check, f.Edits)
		}
	}
}
