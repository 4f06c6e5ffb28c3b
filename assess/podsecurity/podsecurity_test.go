package podsecurity

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph"
)

// official evaluates with the module of record. Its results do not carry the
// checks' ids, so each check is wrapped to put its id into the reason.
type official struct{ policy.Evaluator }

func newOfficial(t testing.TB) official {
	t.Helper()
	checks := policy.DefaultChecks()
	for i := range checks {
		id := string(checks[i].ID)
		versions := slices.Clone(checks[i].Versions)
		for j := range versions {
			inner := versions[j].CheckPod
			versions[j].CheckPod = func(m *metav1.ObjectMeta, s *corev1.PodSpec) policy.CheckResult {
				r := inner(m, s)
				r.ForbiddenReason = id
				return r
			}
		}
		checks[i].Versions = versions
	}
	e, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		t.Fatal(err)
	}
	return official{e}
}

func (o official) violated(pod *corev1.Pod, level Level, minor int) []string {
	v := api.LatestVersion()
	if minor >= 0 {
		v = api.MajorMinorVersion(1, minor)
	}
	var ids []string
	for _, r := range o.EvaluatePod(api.LevelVersion{Level: api.Level(level.String()), Version: v}, &pod.ObjectMeta, &pod.Spec) {
		if !r.Allowed {
			ids = append(ids, r.ForbiddenReason)
		}
	}
	slices.Sort(ids)
	return ids
}

func ours(p *graph.Pod, level Level, minor int) (ids []string, all []Violation) {
	all = Evaluate(p, level, minor)
	for _, v := range all {
		ids = append(ids, v.Rule)
	}
	slices.Sort(ids)
	return slices.Compact(ids), all
}

func parse(t testing.TB, text []byte) *graph.Pod {
	t.Helper()
	docs := yamldoc.Parse(text)
	if len(docs) != 1 || docs[0].Err != nil {
		t.Fatalf("parse: %d documents", len(docs))
	}
	o, ok := graph.NewObject(docs[0].Doc.Root(), "pod.yaml")
	if !ok || o.Pod == nil {
		t.Fatal("not a pod")
	}
	return o.Pod
}

// inPod fails the test unless each violation has a position inside the pod.
func inPod(t *testing.T, p *graph.Pod, all []Violation) {
	t.Helper()
	for _, v := range all {
		line, col := v.At.Position()
		if !v.At.Exists() || line == 0 || col == 0 || line > p.Object.Body.EndLine() {
			t.Errorf("%s has no position in the pod: %d:%d", v.Rule, line, col)
		}
		if path := v.At.PathFrom(p.Object.Body).Join(v.Missing).String(); !strings.HasPrefix(path, "spec") && !strings.HasPrefix(path, "metadata.annotations") {
			t.Errorf("%s is at %q", v.Rule, path)
		}
		if v.Why == "" {
			t.Errorf("%s does not say why", v.Rule)
		}
	}
}

func moduleDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatalf("find the module of pod-security-admission: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestFixturesOfTheModule(t *testing.T) {
	root := filepath.Join(moduleDir(t), "test", "testdata")
	reference := newOfficial(t)
	count := map[string]int{}
	for _, level := range []Level{Baseline, Restricted} {
		for minor := range Newest + 1 {
			for _, verdict := range []string{"pass", "fail"} {
				files, _ := filepath.Glob(filepath.Join(root, level.String(), FormatVersion(minor), verdict, "*.yaml"))
				if len(files) == 0 {
					t.Errorf("no %s fixtures of %s %d", verdict, level, minor)
				}
				for _, f := range files {
					text, err := os.ReadFile(f)
					if err != nil {
						t.Fatal(err)
					}
					var pod corev1.Pod
					if err := yaml.Unmarshal(text, &pod); err != nil {
						t.Fatal(err)
					}
					p := parse(t, text)
					ids, all := ours(p, level, minor)
					inPod(t, p, all)
					if (len(ids) == 0) != (verdict == "pass") {
						t.Errorf("%s: got %v", f, ids)
					}
					defaulted(&pod)
					if want := reference.violated(&pod, level, minor); !slices.Equal(ids, want) {
						t.Errorf("%s: got %v, want %v", f, ids, want)
					}
					count[verdict]++
				}
			}
		}
	}
	t.Logf("%d passing and %d failing fixtures", count["pass"], count["fail"])
	if count["pass"] < 400 || count["fail"] < 1500 {
		t.Errorf("only %v fixtures were found", count)
	}
}

// defaulted does what the API server does before the standards are asked.
func defaulted(p *corev1.Pod) {
	for i := range p.Spec.Volumes {
		if v := &p.Spec.Volumes[i]; v.VolumeSource == (corev1.VolumeSource{}) {
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
}

func TestAgreesWithTheOfficialEvaluator(t *testing.T) {
	n := 36000
	if testing.Short() {
		n = 3000
	}
	reference := newOfficial(t)
	r := rand.New(rand.NewPCG(1, 37))
	allowed, seen := 0, map[string]int{}
	for i := range n {
		doc := randomPod(r)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		var pod corev1.Pod
		if err := json.Unmarshal(text, &pod); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		defaulted(&pod)
		p := parse(t, text)
		level := Level(r.IntN(3))
		minor := r.IntN(Newest+6) - 1
		ids, all := ours(p, level, minor)
		inPod(t, p, all)
		want := reference.violated(&pod, level, minor)
		if !slices.Equal(ids, want) {
			t.Fatalf("pod %d at %s %s: got %v, want %v\n%s", i, level, FormatVersion(minor), ids, want, text)
		}
		if len(want) == 0 {
			allowed++
		}
		for _, id := range want {
			seen[id]++
		}
	}
	t.Logf("%d pods, %d allowed, %v", n, allowed, seen)
	for _, rule := range rules {
		if seen[rule.id] < n/3000 {
			t.Errorf("rule %s was violated only %d times", rule.id, seen[rule.id])
		}
	}
	if allowed < n/10 {
		t.Errorf("only %d of %d pods were allowed", allowed, n)
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]int{"latest": Latest, "v1.0": 0, "v1.9": 9, "v1.37": 37, "v1.120": 120} {
		if got, ok := ParseVersion(text); !ok || got != want {
			t.Errorf("ParseVersion(%q) = %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "v1", "v1.", "1.20", "v1.01", "v2.0", "v1.+3", "v1.99999999999999999999", "Latest"} {
		if got, ok := ParseVersion(text); ok || got != Latest {
			t.Errorf("ParseVersion(%q) = %d, %v", text, got, ok)
		}
		if _, err := api.ParseVersion(text); err == nil {
			t.Errorf("the module accepts %q", text)
		}
	}
	if l, ok := ParseLevel("Restricted"); ok || l != Restricted {
		t.Errorf("ParseLevel of a wrong name = %v, %v", l, ok)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 37))
	var pods []*graph.Pod
	for range 100 {
		text, _ := json.Marshal(randomPod(r))
		pods = append(pods, parse(b, text))
	}
	for i := 0; b.Loop(); i++ {
		Evaluate(pods[i%len(pods)], Restricted, Latest)
	}
}
