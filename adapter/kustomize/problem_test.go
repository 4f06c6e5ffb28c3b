package kustomize

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// object is a manifest that renders.
const object = "-- cm.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n"

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		files string
		// want is "file:line missing reason…" of each problem, partial ones with "~".
		want []string
		// out is a part of the output, "" for none at all.
		out string
	}{
		"remote base": {
			files: "-- kustomization.yaml --\nresources:\n- cm.yaml\n- https://user:pw@github.com/org/repo//deploy?ref=v1\n- github.com/org/two\n- git@example.com:org/three.git\n" + object,
			want: []string{"~kustomization.yaml:3 https://github.com/org/repo//deploy?ref=v1 not in the tree",
				"~kustomization.yaml:4 github.com/org/two", "~kustomization.yaml:5 git@example.com:org/three.git"},
			out: "kind: ConfigMap",
		},
		"remote base with patches": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml, 'https://example.com/all.yaml']\npatches:\n- path: p.yaml\nreplacements:\n- source: {kind: Gone, name: x}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]\n" +
				"-- p.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {here: patched}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: gone}\nspec: {replicas: 1}\n" + object,
			want: []string{"~kustomization.yaml:1 https://example.com/all.yaml"},
			out:  "here: patched",
		},
		"remote everywhere": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\ncomponents: ['https://github.com/o/c']\ncrds: ['http://e.com/crd.json']\npatches: [{path: 'https://e.com/p.yaml', target: {kind: ConfigMap}}]\nconfigMapGenerator:\n- name: g\n  files: ['k=https://e.com/f']\n  literals: [a=b]\n" + object,
			want: []string{"~kustomization.yaml:2 https://github.com/o/c", "~kustomization.yaml:3 http://e.com/crd.json",
				"~kustomization.yaml:4 https://e.com/p.yaml", "~kustomization.yaml:7 k=https://e.com/f"},
			out: "name: cm",
		},
		"remote in any case of letters": {
			files: "-- kustomization.yaml --\nRESOURCES: ['https://e.com/x.yaml']\n" + object,
			want:  []string{"kustomization.yaml:1"},
		},
		"remote plugin file": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\ntransformers: [t.yaml]\n-- t.yaml --\napiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\nPATH: https://e.com/p.yaml\n" + object,
			want:  []string{"t.yaml:4 https://e.com/p.yaml remote file"},
		},
		"plugin": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\ngenerators: [g.yaml]\n-- g.yaml --\napiVersion: example.com/v1\nkind: Maker\nmetadata: {name: t}\n" + object,
			want:  []string{"g.yaml:2 example.com/v1 Maker this is a plugin"},
		},
		"cycle": {
			files: "-- kustomization.yaml --\nresources: [a]\n-- a/kustomization.yaml --\nresources:\n- ../b\n-- b/kustomization.yaml --\nresources:\n- ../a\n",
			want:  []string{"b/kustomization.yaml:2 circle: . → a → b → a"},
		},
		"own folder": {
			files: "-- kustomization.yaml --\nresources:\n- .\n",
			want:  []string{"kustomization.yaml:2 circle"},
		},
		"missing file": {
			files: "-- o/kustomization.yaml --\nresources:\n- nothere.yaml\n-- kustomization.yaml --\nresources: [o]\n",
			want:  []string{"o/kustomization.yaml:2 o/nothere.yaml does not exist"},
		},
		"missing kustomization": {
			files: "-- kustomization.yaml --\nresources:\n- dir\n-- dir/x.txt --\n",
			want:  []string{"kustomization.yaml:2 dir/kustomization.yaml has no kustomization file"},
		},
		"outside": {
			files: "-- kustomization.yaml --\nresources:\n- ../../etc\n- /etc/passwd\n",
			want:  []string{"kustomization.yaml:2 leaves the repository", "kustomization.yaml:3 absolute"},
		},
		"load restriction": {
			files: "-- kustomization.yaml --\nresources: [a]\n-- a/kustomization.yaml --\nresources: [../cm.yaml]\nconfigMapGenerator: [{name: x, files: [../cm.yaml]}]\n" + object,
			want:  []string{"a/kustomization.yaml:1 only in or below", "a/kustomization.yaml:2 only in or below"},
		},
		"unknown field": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\nimages:\n- name: a\n  newtag: b\n  newTagg: c\n" + object,
			want:  []string{"kustomization.yaml:5 unknown field \"newTagg\""},
		},
		"wrong type": {
			files: "-- kustomization.yaml --\nnamespace: x\nresources:\n  cm.yaml: yes\n" + object,
			want:  []string{"kustomization.yaml:2 \"resources\""},
		},
		"malformed": {
			files: "-- kustomization.yaml --\nresources:\n- a\n  b: [\n",
			want:  []string{"kustomization.yaml:3 usable YAML"},
		},
		"empty":         {files: "-- kustomization.yaml --\n", want: []string{"kustomization.yaml:1 empty"}},
		"no content":    {files: "-- kustomization.yaml --\nkind: Kustomization\n", want: []string{"kustomization.yaml:1 empty"}},
		"two files":     {files: "-- kustomization.yaml --\nresources: []\n-- kustomization.yml --\nresources: []\n", want: []string{"kustomization.yaml:0 2 kustomization files"}},
		"wrong kind":    {files: "-- kustomization.yaml --\nnamespace: x\nkind: Deployment\n", want: []string{"kustomization.yaml:2 kind should be"}},
		"component":     {files: "-- kustomization.yaml --\nresources:\n- c\n-- c/kustomization.yaml --\nkind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamespace: x\n", want: []string{"kustomization.yaml:2 under components"}},
		"not component": {files: "-- kustomization.yaml --\ncomponents:\n- c\n-- c/kustomization.yaml --\nnamespace: a\n", want: []string{"kustomization.yaml:2 not a Component"}},
		"bad manifest": {
			files: "-- kustomization.yaml --\nresources: [bad.yaml]\n-- bad.yaml --\nkind: A\napiVersion: v1\nmetadata:\n  name: x\n bad: [\n",
			want:  []string{"bad.yaml:4 usable YAML"},
		},
		"duplicate": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml, again.yaml]\n-- again.yaml --\n# again\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\n" + object,
			want:  []string{"again.yaml:5 already registered id"},
		},
		"patch without target": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\npatches:\n- path: p.yaml\n-- p.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n" + object,
			want:  []string{"p.yaml:4 no resource matches strategic merge patch"},
		},
		"inline patch without target": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\npatches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata:\n      name: other\n" + object,
			want:  []string{"kustomization.yaml:7 no resource matches"},
		},
		"no name": {
			files: "-- kustomization.yaml --\nresources: [n.yaml]\n-- n.yaml --\n# x\napiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
			want:  []string{"n.yaml:2 missing metadata.name"},
		},
		"secret literal": {
			files: "-- kustomization.yaml --\nsecretGenerator:\n- name: s\n  literals: [hunter2]\n",
			want:  []string{"kustomization.yaml:1 invalid literal source, expected"},
		},
		"bomb": {
			files: "-- kustomization.yaml --\nresources: [b.yaml]\n-- b.yaml --\n" + bomb(),
			want:  []string{"b.yaml:1 aliases expand"},
		},
		"bomb inline": {
			files: "-- kustomization.yaml --\npatches:\n- patch: |-\n    " + strings.ReplaceAll(bomb(), "\n", "\n    ") + "\n",
			want:  []string{"kustomization.yaml:2 aliases expand"},
		},
		"loop": {
			files: "-- kustomization.yaml --\nresources: [b.yaml]\n-- b.yaml --\na: &a\n  b: *a\n",
			want:  []string{"b.yaml:2 alias contains itself"},
		},
		"deep": {
			files: "-- kustomization.yaml --\nresources: [b.yaml]\n-- b.yaml --\na: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n",
			want:  []string{"b.yaml:1 nested more than"},
		},
		"binary": {
			files: "-- kustomization.yaml --\nresources: [b.yaml]\n-- b.yaml --\n\x00\x01\x02\xff\n",
			want:  []string{"b.yaml:1 binary"},
		},
		"remote chart": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\nhelmCharts:\n- name: redis\n  repo: https://charts.example.com/\n  version: 1.2.3\n" + object,
			want:  []string{"~kustomization.yaml:3 https://charts.example.com/redis@1.2.3 not in the tree at charts/redis-1.2.3/redis"},
			out:   "kind: ConfigMap",
		},
		"absent chart": {
			files: "-- kustomization.yaml --\nresources: [cm.yaml]\nhelmCharts:\n- name: redis\n" + object,
			want:  []string{"~kustomization.yaml:3 charts/redis"},
			out:   "kind: ConfigMap",
		},
	} {
		t.Run(name, func(t *testing.T) { checkProblems(t, txtarFS(c.files), c.want, c.out) })
	}
}

func checkProblems(t *testing.T, files fs.FS, want []string, out string) {
	t.Helper()
	r := render(t, files, ".", Options{Timeout: 20 * time.Second})
	var got []string
	for _, p := range r.Problems {
		mark := ""
		if p.Partial {
			mark = "~"
		}
		got = append(got, fmt.Sprintf("%s%s:%d %s %s", mark, p.File, p.Line, p.Missing, p.Reason))
		if strings.Contains(p.Reason, "hunter2") || strings.Contains(p.Missing, "pw") || strings.Contains(p.Reason, mount) {
			t.Errorf("the problem tells too much: %+v", p)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d problems, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		head, rest, _ := strings.Cut(want[i], " ")
		if !strings.HasPrefix(got[i], head+" ") {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
		if missing, text, _ := strings.Cut(rest, " "); !strings.Contains(got[i], rest) && !(strings.Contains(got[i], missing) && strings.Contains(got[i], text)) {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if o := output(r); (out == "") != (o == "") || !strings.Contains(o, out) {
		t.Errorf("output %q, want %q in it", o, out)
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("secret.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: out}\n")
	write("tree/good/real.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: in}\n")
	write("tree/good/kustomization.yaml", "resources: [link.yaml]\n")
	link("real.yaml", "tree/good/link.yaml")
	link("good", "tree/alias")
	write("tree/through/kustomization.yaml", "resources: [../alias]\n")
	write("tree/bad/kustomization.yaml", "resources: [up.yaml, abs.yaml, loop.yaml]\n")
	link("../../secret.yaml", "tree/bad/up.yaml")
	link(filepath.Join(dir, "secret.yaml"), "tree/bad/abs.yaml")
	link("loop.yaml", "tree/bad/loop.yaml")
	files := os.DirFS(filepath.Join(dir, "tree"))
	for _, root := range []string{"good", "through", "alias"} {
		if r := render(t, files, root, Options{}); len(r.Problems) > 0 || !strings.Contains(output(r), "name: in") {
			t.Errorf("%s: %+v", root, r.Problems)
		}
	}
	r := render(t, files, "bad", Options{})
	if len(r.Problems) != 3 || len(r.Chunks) != 0 {
		t.Errorf("%+v", r.Problems)
	}
	for i, want := range []string{"leaves the repository", "leaves the repository", "too many symbolic links"} {
		if i < len(r.Problems) && !strings.Contains(r.Problems[i].Reason, want) {
			t.Errorf("%+v, want %s", r.Problems[i], want)
		}
	}
}

func TestHuge(t *testing.T) {
	objects := 2000
	if testing.Short() {
		objects = 500
	}
	var b bytes.Buffer
	for i := range objects {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm-%d\ndata:\n  k: v\n", i)
	}
	files := fstest.MapFS{
		"kustomization.yaml":       {Data: []byte("resources: [all.yaml]\nnamespace: big\n")},
		"all.yaml":                 {Data: b.Bytes()},
		"large/kustomization.yaml": {Data: []byte("resources: [l.yaml]\n")},
		"large/l.yaml":             {Data: bytes.Repeat([]byte("# filling\n"), maxFile/10+1)},
	}
	// Kustomize compares every object with every other: on a slow machine that
	// takes longer than the usual bound.
	if r := render(t, files, ".", Options{Timeout: 10 * time.Minute}); len(r.Problems) > 0 {
		t.Errorf("%+v", r.Problems)
	}
	if r := render(t, files, "large", Options{}); len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, "larger than") {
		t.Errorf("%+v", r.Problems)
	}
	if r := New(Options{Timeout: time.Nanosecond}).Render(context.Background(), files, ".")[0]; len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Reason, "in time") {
		t.Errorf("%+v", r.Problems)
	}
}
