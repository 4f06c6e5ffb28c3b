package health

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"
)

// sample is one section of testdata: an object and what it is.
type sample struct {
	file, title, key string
	want             Status
	body             map[string]any
}

func samples(t *testing.T) (all []sample) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range a.Files {
			words := strings.Fields(section.Name)
			kind, group, _ := strings.Cut(words[1], ".")
			s := sample{file: f, title: section.Name, key: group + "/" + kind, want: Status(words[0])}
			if err := yaml.UnmarshalStrict(section.Data, &s.body); err != nil {
				t.Fatalf("%s: %s: %v", f, section.Name, err)
			}
			s.body["apiVersion"], s.body["kind"] = group+"/v1", kind
			all = append(all, s)
		}
	}
	return all
}

func TestCatalogue(t *testing.T) {
	e := NewEvaluator(Options{})
	healthy, other := map[*rule]bool{}, map[*rule]bool{}
	kinds := map[string]bool{}
	for _, s := range samples(t) {
		got := e.Evaluate(s.body)
		if got.Status != s.want {
			t.Errorf("%s: %s: %+v", s.file, s.title, got)
		}
		if got.Status != Healthy && got.Message == "" {
			t.Errorf("%s: %s: does not say why", s.file, s.title)
		}
		group, kind, _ := strings.Cut(s.key, "/")
		r, _ := e.find(group, kind)
		kinds[s.key] = true
		if s.want == Healthy {
			healthy[r] = true
		} else {
			other[r] = true
		}
	}
	if len(kinds) < 100 {
		t.Errorf("samples of %d kinds only", len(kinds))
	}
	for _, r := range catalogue() {
		first := r.each()[0]
		group, kind, _ := strings.Cut(strings.TrimPrefix(first, "*"), "/")
		if kind == "*" {
			kind = "Some"
		}
		compiled, _ := e.find(group, kind)
		if compiled == nil {
			t.Errorf("%s is not found", first)
			continue
		}
		if !healthy[compiled] || !other[compiled] {
			t.Errorf("%s: a sample that is healthy: %v, one that is not: %v", first, healthy[compiled], other[compiled])
		}
	}
}

// TestCatalogueIsSound checks what the data say about themselves.
func TestCatalogueIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range catalogue() {
		for _, kind := range r.each() {
			if seen[kind] || !strings.Contains(kind, "/") || strings.HasPrefix(kind, "/") {
				t.Errorf("%s is there twice or no kind", kind)
			}
			seen[kind] = true
		}
		if r.ready == "" && r.phase == "" && r.also == nil && !r.mute {
			t.Errorf("%s is always healthy", r.kinds)
		}
		for _, list := range []string{r.wrong, r.still, r.busy} {
			for _, m := range matches(list) {
				if m.typ == "" || m.status != "True" && m.status != "False" && m.status != "Unknown" {
					t.Errorf("%s: %q is no condition", r.kinds, list)
				}
			}
		}
		words := map[string]bool{}
		for _, list := range []string{r.good, r.bad, r.held, r.unsure} {
			for w := range strings.SplitSeq(list, "|") {
				if words[w] && w != "" {
					t.Errorf("%s: %s has two meanings", r.kinds, w)
				}
				words[w] = true
			}
		}
	}
	for _, kinds := range silentKinds() {
		for _, kind := range spread(kinds) {
			if seen[kind] {
				t.Errorf("%s has a rule and is silent", kind)
			}
		}
	}
}

// TestOddValues: every rule stands what no controller writes.
func TestOddValues(t *testing.T) {
	e := NewEvaluator(Options{})
	all := samples(t)
	odd := []any{nil, "", "x", int64(1), 1.5, true, []any{}, []any{nil, "x", int64(1), []any{}}, map[string]any{}, map[string]any{"conditions": []any{"x", map[string]any{"type": int64(1)}}}}
	for key, r := range e.rules {
		group, kind, _ := strings.Cut(key, "/")
		for _, field := range []string{"status", "spec", "metadata"} {
			for _, v := range odd {
				o := map[string]any{"apiVersion": group + "/v1", "kind": kind, field: v}
				if got := e.Evaluate(o); got.Status == "" {
					t.Errorf("%s with %s %v has no health", key, field, v)
				}
			}
		}
		for _, s := range all {
			if got := r.judge(s.body); got.Status == "" {
				t.Errorf("%s judges %s: no health", key, s.title)
			}
		}
	}
}

// TestPage holds docs/health.md to the catalogue.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/health.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range catalogue() {
		for _, kind := range r.each() {
			group, name, _ := strings.Cut(kind, "/")
			if !strings.Contains(string(page), "`"+group+"`") || name != "*" && !strings.Contains(string(page), name) {
				t.Errorf("docs/health.md does not name %s", kind)
			}
		}
	}
}
