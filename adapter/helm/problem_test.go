package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/assess"
)

// problems renders chart folder c and lists "file:line:col missing: reason".
func problems(o Options, files fstest.MapFS) (out []string, r *assess.Render) {
	r = New(o).Render(context.Background(), files, "c")[0]
	for _, p := range r.Problems {
		out = append(out, p.Position.String()+" "+p.Missing+": "+p.Reason)
	}
	return out, r
}

func TestProblems(t *testing.T) {
	ok := "kind: ConfigMap\nmetadata:\n  name: ok\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string // prefixes of "position missing: reason", in order
		rest  bool     // the template ok.yaml is rendered all the same
	}{
		{"required", map[string]string{"templates/a.yaml": "a: b\nc: {{ required \"a tag, please\" .Values.image.tag }}\n", "values.yaml": "image: {}\n"},
			[]string{"c/templates/a.yaml:2:7 image.tag: the chart needs image.tag: a tag, please"}, true},
		{"required in a helper", map[string]string{"templates/_h.tpl": "{{ define \"x\" }}\n{{ .Values.pw | required \"set pw\" }}{{ end }}", "templates/a.yaml": "a: {{ include \"x\" . }}\n"},
			[]string{"c/templates/_h.tpl:2:17 pw: the chart needs pw: set pw"}, true},
		{"fail", map[string]string{"templates/a.yaml": "\n{{ if not .Values.x }}{{ fail \"x and y go together\" }}{{ end }}\n"},
			[]string{"c/templates/a.yaml:2:26 : the chart refuses to render with these values: x and y go together"}, true},
		{"nil pointer", map[string]string{"templates/a.yaml": "a: {{ .Values.image.tag.sha }}\n"},
			[]string{"c/templates/a.yaml:1:14 image: the template did not render: nil pointer"}, true},
		{"parse error", map[string]string{"templates/a.yaml": "a: b\n  c: {{ if }}\n"},
			[]string{"c/templates/a.yaml:2:3 : the template does not parse: missing value for if"}, true},
		{"unknown function", map[string]string{"templates/a.yaml": "a: {{ env \"HOME\" }}\n"},
			[]string{"c/templates/a.yaml:1:1 : the template does not parse: function \"env\" not defined"}, true},
		{"hooks cannot be called", map[string]string{"templates/a.yaml": "a: {{ aeo_at 3 }}\n"},
			[]string{"c/templates/a.yaml:1:1 : the template does not parse: function \"aeo_at\" not defined"}, true},
		{"broken YAML", map[string]string{"templates/a.yaml": "{{ if true }}\na: b\n c: [d\n{{ end }}\ne: f\n"},
			[]string{"c/templates/a.yaml:"}, true},
		{"missing dependency", map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n  - name: redis\n    version: 17.x\n    repository: https://charts.example.com\n",
			"Chart.lock": "dependencies:\n- name: redis\n  version: 17.3.2\n", "templates/a.yaml": "a: {{ include \"redis.name\" . }}\n"},
			[]string{"c/Chart.yaml:5:5 redis 17.3.2 from https://charts.example.com: the dependency redis (locked at 17.3.2) is not in the charts folder",
				"c/templates/a.yaml:1:7 redis: the template did not render, because it uses"}, true},
		{"kubeVersion", map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\nkubeVersion: \"<1.20\"\n"},
			[]string{"c/Chart.yaml:4:1 : the chart asks for Kubernetes <1.20, but v1.37.0"}, true},
		{"schema", map[string]string{"values.schema.json": `{"properties":{"a":{"properties":{"b":{"type":"integer"}}}}, "required":["z"]}`, "values.yaml": "a:\n  b: text\n"},
			[]string{"c/values.yaml", "c/values.yaml"}, true},
		{"remote schema", map[string]string{"values.schema.json": `{"$ref":"https://schemas.example.com/x.json"}`},
			[]string{"c/values.schema.json https://schemas.example.com/x.json: the values schema refers to"}, true},
		{"schema that is no JSON", map[string]string{"values.schema.json": `{`}, []string{"c/values.schema.json : the values schema is not valid JSON"}, true},
		{"broken values", map[string]string{"values.yaml": "a: b\n\tc: d\n"}, []string{"c/values.yaml:2"}, false},
		{"values that are a list", map[string]string{"values.yaml": "- a\n"}, []string{"c/values.yaml : cannot load values.yaml"}, false},
		{"broken Chart.yaml", map[string]string{"Chart.yaml": "apiVersion: v2\nname: [\n"}, []string{"c/Chart.yaml:2"}, false},
		{"Chart.yaml without a name", map[string]string{"Chart.yaml": "apiVersion: v2\nversion: 1.0.0\n"}, []string{"c/Chart.yaml:1:1 : validation: chart.metadata.name is required"}, false},
		{"empty Chart.yaml", map[string]string{"Chart.yaml": ""}, []string{"c/Chart.yaml:1:1 : validation"}, false},
		{"ignored Chart.yaml", map[string]string{".helmignore": "Chart.yaml\n"}, []string{"c/Chart.yaml c/Chart.yaml: Chart.yaml is missing"}, false},
		{"unusable .helmignore", map[string]string{".helmignore": "**/x\n"}, []string{"c/.helmignore : unreadable ignore file"}, false},
		{"null dependency", map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n  -\n"}, []string{"c/Chart.yaml"}, false},
		{"broken subchart", map[string]string{"charts/x/templates/a.yaml": "a: b"}, []string{"c : error unpacking subchart x"}, false},
		{"broken archive", map[string]string{"charts/x-1.tgz": "no archive"}, []string{"c : the chart folder cannot be read: c/charts/x-1.tgz"}, false},
		{"values of a subchart that are no map", map[string]string{"charts/x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "values.yaml": "x: 1\n"},
			[]string{"c/values.yaml : the values do not fit the chart: type mismatch on x"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.files["templates/ok.yaml"] = ok
			got, r := problems(Options{}, chartOf(c.files))
			if len(got) != len(c.want) {
				t.Fatalf("problems %q, want %q", got, c.want)
			}
			for i, w := range c.want {
				if !strings.HasPrefix(got[i], w) {
					t.Errorf("got  %s\nwant %s", got[i], w)
				}
				if r.Problems[i].Partial != c.rest {
					t.Errorf("%s: Partial is %v", got[i], r.Problems[i].Partial)
				}
			}
			if strings.Contains(joined(r, false), "name: ok") != c.rest {
				t.Errorf("rest: %q", joined(r, false))
			}
		})
	}
}

// TestBounds runs charts that never end or never stop growing.
func TestBounds(t *testing.T) {
	for name, template := range map[string]string{
		"endless range":          "{{ range 1000000000000 }}{{ end }}",
		"includes itself":        `{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`,
		"includes itself twice":  `{{ define "x" }}{{ include "x" . }}{{ include "x" . }}{{ end }}{{ include "x" . }}`,
		"template of itself":     `{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}`,
		"tpl of itself":          `{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t) }}`,
		"tpl with an endless":    `{{ tpl "{{ range 1000000000000 }}{{ end }}" . }}`,
		"tpl template of itself": `{{ tpl "{{ define \"y\" }}{{ template \"y\" . }}{{ end }}{{ template \"y\" . }}" . }}`,
		"much output":            `{{ range 100000 }}{{ repeat 1000 "x" }}{{ end }}`,
		"long text":              `{{ repeat 1000000000 "xxxxxxxxx" }}`,
		"doubling":               `{{ $x := "x" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}`,
		"doubling by replace":    `{{ $x := "x" }}{{ range 100 }}{{ $x = replace "x" "xx" $x }}{{ end }}`,
		"doubling by quote":      `{{ $x := "\"" }}{{ range 100 }}{{ $x = quote $x }}{{ end }}`,
		"doubling by regex":      `{{ $x := "x" }}{{ range 100 }}{{ $x = regexReplaceAll "x" $x "xx" }}{{ end }}`,
		"shared values, printed": `{{ $x := dict "a" 1 }}{{ range 60 }}{{ $x = dict "a" $x "b" $x }}{{ end }}{{ print $x }}`,
		"doubling lists":         `{{ $x := list 1 }}{{ range 100 }}{{ $x = concat $x $x }}{{ end }}`,
		"until":                  `{{ until 100000000000 }}`,
		"seq":                    `{{ seq 1 100000000000 }}`,
		"indent":                 `{{ indent 100000000000 "x" }}`,
		"shared values":          `{{ $x := dict "a" 1 }}{{ range 60 }}{{ $x = dict "a" $x "b" $x }}{{ end }}{{ toYaml $x }}`,
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "doubling by regex" {
				t.Skip("takes a minute with the race detector")
			}
			got, r := problems(Options{Timeout: time.Second, MaxOutput: 1 << 20}, chartOf(map[string]string{"templates/a.yaml": "a: " + template}))
			if len(got) == 0 || len(r.Problems) == 0 || !strings.HasPrefix(got[0], "c/templates/a.yaml") {
				t.Fatalf("problems %.300q", got)
			}
		})
	}
}

// TestCycles writes values that hold themselves: they must not crash.
func TestCycles(t *testing.T) {
	for _, template := range []string{
		`{{ $d := dict "x" 1 }}{{ $_ := set $d "d" $d }}{{ $d }}`,
		`{{ $d := dict "x" 1 }}{{ $_ := set $d "d" (list $d) }}{{ toYamlPretty $d }}`,
		`{{ $d := dict "x" 1 }}{{ $_ := merge $d (dict "d" $d) }}{{ $d }}`,
		`{{ $_ := set .Values "root" $ }}{{ .Values | toString | len }}`,
	} {
		if got, _ := problems(Options{}, chartOf(map[string]string{"templates/a.yaml": "a: |\n  " + template})); len(got) > 0 && !strings.Contains(got[0], "YAML") {
			t.Errorf("%s: %q", template, got)
		}
	}
}

func tgz(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestArchive renders a subchart in an archive, within which is another.
func TestArchive(t *testing.T) {
	inner := tgz(t, map[string]string{"leaf/Chart.yaml": "apiVersion: v2\nname: leaf\nversion: 0.1.0\n", "leaf/templates/a.yaml": "kind: A\nmetadata: {name: leaf}\n"})
	outer := tgz(t, map[string]string{
		"mid/Chart.yaml": "apiVersion: v2\nname: mid\nversion: 0.1.0\n", "mid/values.yaml": "size: 1\nm: 2\n",
		"mid/templates/b.yaml": "kind: B\nmetadata: {name: mid}\nsize: {{ .Values.size }}\nm: {{ .Values.m }}\n", "mid/charts/leaf-0.1.0.tgz": string(inner),
	})
	files := chartOf(map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n  - name: mid\n    version: 0.1.0\n",
		"values.yaml": "mid:\n  size: 5\n", "charts/mid-0.1.0.tgz": string(outer),
	})
	sameAsHelm(t, files, "c")
	r := render(files, "c")[0]
	if !slices.Contains(r.Read, "c/charts/mid-0.1.0.tgz") {
		t.Errorf("read %q", r.Read)
	}
	for path, want := range map[string]string{"kind": "c/Chart.yaml:5:5 template", "size": "c/values.yaml:2:3 values", "m": "c/charts/mid-0.1.0.tgz values"} {
		if o := trace(t, r, "B/mid", path); o.Position.String()+" "+o.Kind != want {
			t.Errorf("%s: got %s %s, want %s", path, o.Position, o.Kind, want)
		}
	}
}

func TestArchiveBomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 60<<20)
	bomb := tgz(t, map[string]string{"x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n", "x/zero": zeros})
	got, _ := problems(Options{}, chartOf(map[string]string{"charts/a.tgz": string(bomb), "charts/b.tgz": string(bomb)}))
	if len(got) != 1 || !strings.Contains(got[0], "unpacks to more than") {
		t.Errorf("problems %q", got)
	}
}

func TestLibraryChart(t *testing.T) {
	got, r := problems(Options{}, chartOf(map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\ntype: library\n", "templates/_x.tpl": "{{ define \"x\" }}{{ end }}"}))
	if len(got) > 0 || len(r.Chunks) > 0 || len(r.Read) != 2 {
		t.Errorf("%q %v", got, r)
	}
}

func TestVariantProblems(t *testing.T) {
	files := chartOf(map[string]string{"values-bad.yaml": "a: [\n", "values.schema.yaml": "type: object\nproperties: {}\n", "values/eu.yml": "a: 1\n", "templates/a.yaml": "a: {{ .Values.a }}\n"})
	var got []string
	for _, r := range New(Options{}).Render(context.Background(), files, "c") {
		text := r.Variant
		for _, p := range r.Problems {
			text += " " + p.Position.String()
		}
		got = append(got, text)
	}
	if want := []string{"", "c/values-bad.yaml c/values-bad.yaml:1", "c/values/eu.yml"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "kind: Secret\n")
	write("tree/shared/a.yaml", "kind: A\nmetadata: {name: a}\n")
	write("tree/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n")
	write("tree/c/templates/b.yaml", "kind: B\nmetadata: {name: b}\n")
	link := func(name, target string) {
		if err := os.Symlink(target, filepath.Join(dir, "tree", name)); err != nil {
			t.Fatal(err)
		}
	}
	link("c/templates/shared", "../../shared")
	files := os.DirFS(filepath.Join(dir, "tree"))
	r := New(Options{}).Render(context.Background(), files, "c")[0]
	if len(r.Problems) > 0 || !strings.Contains(joined(r, false), "kind: A") {
		t.Errorf("%v %s", r.Problems, joined(r, false))
	}
	link("c/templates/out.yaml", "../../../secret")
	r = New(Options{}).Render(context.Background(), files, "c")[0]
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, "leaves the tree") || len(r.Chunks) > 0 {
		t.Errorf("%v %s", r.Problems, joined(r, false))
	}
	if err := os.Remove(filepath.Join(dir, "tree/c/templates/out.yaml")); err != nil {
		t.Fatal(err)
	}
	link("c/loop", ".")
	r = New(Options{}).Render(context.Background(), files, "c")[0]
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, "link") && !strings.Contains(r.Problems[0].Reason, "nested") {
		t.Errorf("%v", r.Problems)
	}
}
