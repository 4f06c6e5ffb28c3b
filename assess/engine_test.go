package assess_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

type parser struct{}

func (parser) Split(text []byte) []assess.Part {
	var out []assess.Part
	for _, p := range yamldoc.Split(text) {
		out = append(out, assess.Part(p))
	}
	return out
}

func (parser) Parse(p assess.Part) []tree.Document { return yamldoc.Part(p).Parse() }

func engine() *assess.Engine {
	charts := helm.New(helm.Options{KubeVersion: "v1.37"})
	return &assess.Engine{
		Parser: parser{},
		Renderers: map[assess.Tool]assess.Renderer{
			assess.Helm:      charts,
			assess.Kustomize: kustomize.New(kustomize.Options{KubeVersion: "v1.37"}),
		},
		Roots: kustomize.Roots,
	}
}

// files is a tree by path and text.
type files map[string]string

func (f files) source() assess.Source {
	m := fstest.MapFS{}
	for name, text := range f {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return worktree.Over(m, "memory")
}

func (f files) with(more files) files {
	all := maps.Clone(f)
	maps.Copy(all, more)
	return all
}

func options() assess.Options {
	o := assess.Default()
	for _, c := range catalogue.All() {
		if !c.OptIn {
			o.Checks = append(o.Checks, c)
		}
	}
	o.Now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	return o
}

func judge(t *testing.T, f files, change ...func(*assess.Options)) *assess.Report {
	t.Helper()
	o := options()
	for _, c := range change {
		c(&o)
	}
	src := f.source()
	rep, err := engine().Assess(context.Background(), src, assess.Target{Path: "memory"}, o)
	if err != nil {
		t.Fatal(err)
	}
	accounted(t, src, rep)
	return rep
}

// accounted checks what holds of every report: each entry is accounted for
// once and nothing else is, findings are unique and in order, counts add up.
func accounted(t *testing.T, src assess.Source, rep *assess.Report) {
	t.Helper()
	entries, err := src.Entries(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, in := range rep.Inputs {
		seen[in.File]++
		if in.Status != assess.Evaluated && in.Reason == "" {
			t.Errorf("%s is %s without a reason", in.File, in.Status)
		}
	}
	for _, e := range entries {
		if seen[e.Path] != 1 {
			t.Errorf("%s is accounted for %d times", e.Path, seen[e.Path])
		}
		delete(seen, e.Path)
	}
	for p := range seen {
		if _, err := fs.Stat(src, p); err != nil {
			t.Errorf("%s is accounted for but does not exist", p)
		}
	}
	c := rep.Summary.Coverage
	if c.Evaluated+c.Skipped+c.Unknown != len(rep.Inputs) {
		t.Errorf("coverage counts %+v of %d inputs", c, len(rep.Inputs))
	}
	prints := map[string]bool{}
	var n assess.Counts
	for i, f := range rep.Findings {
		if prints[f.Fingerprint] {
			t.Errorf("fingerprint %s stands twice (%s at %s)", f.Fingerprint, f.Check, f.Position)
		}
		prints[f.Fingerprint] = true
		if i > 0 && rep.Findings[i-1].Position.Compare(f.Position) > 0 {
			t.Errorf("findings are out of order at %s", f.Position)
		}
		switch f.Status {
		case ops.Unknown:
			n.Unknown++
		case ops.Excepted:
			n.Excepted++
		}
	}
	if got := rep.Summary.Findings; got.Unknown != n.Unknown || got.Excepted != n.Excepted || got.Failed()+n.Unknown+n.Excepted > len(rep.Findings) {
		t.Errorf("the summary counts %+v, the findings %+v", got, n)
	}
}

// of returns the findings of a check, by place.
func of(rep *assess.Report, id ops.CheckID) []ops.Finding {
	var out []ops.Finding
	for _, f := range rep.Findings {
		if f.Check == id {
			out = append(out, f)
		}
	}
	return out
}

func input(rep *assess.Report, file string) assess.Input {
	for _, in := range rep.Inputs {
		if in.File == file {
			return in
		}
	}
	return assess.Input{}
}

const privileged = ops.CheckID("k8s-privileged-container")

func deployment(name, image, context string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: shop}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
        - name: web
          image: %[2]s
          securityContext: {%[3]s}
`, name, image, context)
}

var web = deployment("web", "web:1", "privileged: true")

func overlay(patch string) string {
	text := "resources: [../../base]\n"
	if patch != "" {
		text += "patches:\n  - path: " + patch + "\n"
	}
	return text
}

var kustomized = files{
	"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": web,
	"overlays/a/kustomization.yaml": overlay(""), "overlays/b/kustomization.yaml": overlay("patch.yaml"),
	"overlays/b/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n    spec:\n      hostNetwork: true\n",
}

func TestAFindingOfTheBaseIsReportedOnce(t *testing.T) {
	rep := judge(t, kustomized)
	fs := of(rep, privileged)
	if len(fs) != 1 || fs[0].File != "base/web.yaml" || fs[0].Line != 12 || !slices.Equal(fs[0].Via, []string{"overlays/a", "overlays/b"}) {
		t.Errorf("%+v", fs)
	}
	fs = of(rep, "k8s-host-network")
	if len(fs) != 1 || fs[0].File != "overlays/b/patch.yaml" || fs[0].Line != 7 || !slices.Equal(fs[0].Via, []string{"overlays/b"}) {
		t.Errorf("of a patch: %+v", fs)
	}
}

func TestUnusedPatchIsNotJudged(t *testing.T) {
	rep := judge(t, kustomized.with(files{"overlays/a/old-patch.yaml": kustomized["overlays/b/patch.yaml"], "overlays/a/fragment.yaml": kustomized["overlays/b/patch.yaml"]}))
	for _, f := range []string{"overlays/a/old-patch.yaml", "overlays/a/fragment.yaml"} {
		if in := input(rep, f); in.Status != assess.Skipped || !strings.Contains(in.Reason, "patch") {
			t.Errorf("%+v", in)
		}
	}
	if n := len(of(rep, "k8s-host-network")); n != 1 {
		t.Errorf("%d findings", n)
	}
}

func TestRendersThatFailAreUnknown(t *testing.T) {
	for name, f := range map[string]files{
		"missing file":   {"kustomization.yml": "resources: [none.yaml, web.yaml]\n", "web.yaml": web},
		"cycle":          {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"},
		"leaves":         {"a/kustomization.yaml": "resources: [../../x]\n"},
		"remote":         {"a/kustomization.yaml": "resources: [\"https://example.com/x?ref=1\", web.yaml]\n", "a/web.yaml": web},
		"malformed":      {"kustomization.yaml": "resources: [\n", "x.txt": ""},
		"chart fails":    {"Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "values.yaml": "a: 1\n", "templates/a.yaml": "{{ fail \"no\" }}\n"},
		"chart requires": {"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "c/templates/a.yaml": "{{ required \"give a\" .Values.a }}\n"},
		"dependency":     {"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies:\n- {name: y, version: 1.0.0, repository: \"https://example.com\"}\n", "c/templates/a.yaml": "a: 1\n"},
		"broken chart":   {"c/Chart.yaml": "name: [\n", "c/templates/a.yaml": "a: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			rep := judge(t, f)
			if c := rep.Summary.Coverage; c.Unknown == 0 || c.Percent == 100 {
				t.Errorf("nothing is unknown: %+v %+v", c, rep.Inputs)
			}
		})
	}
}

var chart = files{
	"c/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "c/values.yaml": "privileged: false\nhostNetwork: true\n",
	"c/values-prod.yaml": "privileged: true\n", "c/NOTES.md": "x", "c/templates/_h.tpl": "{{ define \"x\" }}a{{ end }}", "c/templates/NOTES.txt": "hello",
	"c/templates/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      hostNetwork: {{ .Values.hostNetwork }}\n      containers:\n        - name: web\n          image: web:1\n          securityContext:\n            privileged: {{ .Values.privileged }}\n",
}

func TestChartVariants(t *testing.T) {
	rep := judge(t, chart)
	fs := of(rep, privileged)
	if len(fs) != 1 || fs[0].File != "c/values-prod.yaml" || fs[0].Line != 1 || !slices.Equal(fs[0].Via, []string{"c/values-prod.yaml"}) {
		t.Errorf("%+v", fs)
	}
	fs = of(rep, "k8s-host-network")
	if len(fs) != 1 || fs[0].File != "c/values.yaml" || fs[0].Line != 2 || !slices.Equal(fs[0].Via, []string{"c", "c/values-prod.yaml"}) {
		t.Errorf("of the defaults: %+v", fs)
	}
}

func TestPlainCopiesDoNotMix(t *testing.T) {
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {app: web}\n  ports: [{port: 80, targetPort: http}]\n"
	port := func(name string) string {
		return strings.Replace(web, "image: web:1", "image: web:1\n          ports: [{name: "+name+", containerPort: 8080}]", 1)
	}
	rep := judge(t, files{
		"staging/web.yaml": port("http"), "staging/service.yaml": service,
		"production/web.yaml": port("https"), "production/service.yaml": service,
	})
	fs := of(rep, "k8s-service-target-port")
	if len(fs) != 1 || fs[0].File != "production/service.yaml" {
		t.Errorf("the Service of one copy must not select the pods of the other: %+v", fs)
	}
	if n := len(of(rep, privileged)); n != 2 {
		t.Errorf("%d findings, want one of each copy", n)
	}
}

func TestReferencesAreFoundElsewhereInTheRepository(t *testing.T) {
	f := kustomized.with(files{"base/web.yaml": strings.Replace(web, "image: web:1", "image: web:1\n          envFrom: [{configMapRef: {name: settings}}]", 1)})
	missing := of(judge(t, f), "k8s-configmap-missing")
	found := of(judge(t, f.with(files{"platform/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {a: b}\n"})), "k8s-configmap-missing")
	if len(missing) == 0 || len(found) != 0 {
		t.Errorf("missing %d, found %+v", len(missing), found)
	}
}

func TestUnknownsAreCounted(t *testing.T) {
	rep := judge(t, files{"web.yaml": strings.Replace(web, "privileged: true", "privileged: ${PRIVILEGED}", 1)})
	for _, f := range of(rep, privileged) {
		if f.Status == ops.Fail {
			t.Errorf("a value that is not known fails: %+v", f)
		}
	}
	unknown := 0
	for _, f := range rep.Findings {
		if f.Status == ops.Unknown {
			unknown++
		}
	}
	if unknown != rep.Summary.Findings.Unknown {
		t.Errorf("%d unknown answers, the summary says %d", unknown, rep.Summary.Findings.Unknown)
	}
}

func prints(rep *assess.Report) []string {
	var out []string
	for _, f := range rep.Findings {
		if f.Check != "k8s-image-tag" {
			out = append(out, string(f.Check)+" "+f.Object.String()+" "+f.Fingerprint)
		}
	}
	slices.Sort(out)
	return out
}

func TestFingerprintsAreStable(t *testing.T) {
	sidecar := "        - name: side\n          image: side:1\n          securityContext: {privileged: true}\n"
	i := strings.Index(web, "        - name: web")
	two := web + sidecar
	before := prints(judge(t, files{"web.yaml": two}))
	for name, text := range map[string]string{
		"moved":      "# one\n\n# two\n" + two,
		"reordered":  web[:i] + sidecar + web[i:],
		"other tag":  strings.Replace(two, "web:1", "web:2", 1),
		"other file": two,
		"line ends":  strings.ReplaceAll(two, "\n", "\r\n"),
		"document":   "---\n---\n" + two,
	} {
		file := "web.yaml"
		if name == "other file" {
			file = "elsewhere/x.yml"
		}
		if after := prints(judge(t, files{file: text})); !slices.Equal(before, after) {
			t.Errorf("%s:\n%s\n%s", name, strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	}
	if len(before) < 4 {
		t.Errorf("too few findings to compare: %v", before)
	}
}

func TestBaselineLeavesOnlyWhatIsNew(t *testing.T) {
	known := judge(t, files{"web.yaml": web})
	text, err := json.Marshal(assess.NewBaseline(known))
	if err != nil {
		t.Fatal(err)
	}
	b, err := assess.ParseBaseline("b.json", text)
	if err != nil {
		t.Fatal(err)
	}
	same := judge(t, files{"web.yaml": "# moved\n" + web})
	same.Without(b.Fingerprints())
	if len(same.Findings) != 0 || same.Summary.Baseline == 0 || same.Summary.Findings.Failed() != 0 {
		t.Errorf("%+v", same.Summary)
	}
	more := judge(t, files{"web.yaml": web, "api.yaml": deployment("api", "api:1", "privileged: true")})
	more.Without(b.Fingerprints())
	if fs := of(more, privileged); len(fs) != 1 || fs[0].Object.Name != "api" {
		t.Errorf("%+v", fs)
	}
	for _, text := range []string{"", "[]", "{}", "{\"apiVersion\":\"x\"}", "null"} {
		if _, err := assess.ParseBaseline("b.json", []byte(text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheSameBytes(t *testing.T) {
	all := files{}
	for name, f := range map[string]files{"k": kustomized, "c": chart, "p": {"web.yaml": web, "b.yaml": "a: [", "e.yaml": ""}} {
		for p, text := range f {
			all[name+"/"+p] = text
		}
	}
	for i := range 40 {
		all[fmt.Sprintf("many/%d.yaml", i)] = deployment(fmt.Sprintf("d%d", i), "x:latest", "privileged: true")
	}
	var want string
	for i := range 20 {
		rep := judge(t, all, func(o *assess.Options) { o.Workers = 1 + i%7; o.KeepPassed = true })
		text, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = string(text)
		} else if string(text) != want {
			t.Fatalf("run %d with %d workers gives another report", i, 1+i%7)
		}
	}
}

func TestCancellation(t *testing.T) {
	src := files{"web.yaml": web, "base/kustomization.yaml": "resources: []\n"}.source()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := engine().Assess(ctx, src, assess.Target{}, options()); fault.KindOf(err) != fault.Interrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("before it begins: %v", err)
	}
	ctx, stop := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer stop()
	if _, err := engine().Assess(ctx, src, assess.Target{}, options()); fault.KindOf(err) != fault.TimedOut {
		t.Errorf("past the deadline: %v", err)
	}
	for _, stage := range []string{"render", "read"} {
		ctx, cancel := context.WithCancel(context.Background())
		o := options()
		o.Progress = func(s string, _, _ int) {
			if s == stage {
				cancel()
			}
		}
		if _, err := engine().Assess(ctx, src, assess.Target{}, o); fault.KindOf(err) != fault.Interrupted {
			t.Errorf("in stage %s: %v", stage, err)
		}
		cancel()
	}
}

func TestProgress(t *testing.T) {
	var mu sync.Mutex
	last := map[string][2]int{}
	judge(t, kustomized.with(files{"plain/web.yaml": web}), func(o *assess.Options) {
		o.Progress = func(stage string, done, total int) {
			mu.Lock()
			defer mu.Unlock()
			if done > total || done < last[stage][0] && stage != "read" {
				t.Errorf("%s: %d of %d after %v", stage, done, total, last[stage])
			}
			last[stage] = [2]int{done, total}
		}
	})
	for _, stage := range []string{"render", "check"} {
		if l := last[stage]; l[0] != l[1] || l[1] == 0 {
			t.Errorf("%s ends at %v", stage, l)
		}
	}
}
