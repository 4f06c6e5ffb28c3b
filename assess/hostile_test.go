package assess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess"
)

func TestEveryKindOfFileIsAccountedFor(t *testing.T) {
	rep := judge(t, files{
		"web.yaml": web, "empty.yaml": "", "blank.yaml": " \n\n", "comments.yaml": "# apiVersion kind\n", "markers.yaml": "---\n---\n# apiVersion kind\n",
		"values.yaml": "a: 1\n", "list.yaml": "apiVersion: v1\nkind: List\nitems: []\n", "null.yaml": "apiVersion: v1\nkind: List\nitems:\n",
		"half.yaml": web + "---\na: [\n", "bad.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: [}\n", "tabs.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n",
		"binary.yaml": "apiVersion: v1\x00kind", "binary": "\x00\x01", "pod.json": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[]}}`,
		"other.json": `{"apiVersion":1,"kind":2}`, "text": "apiVersion kind", "string.yaml": "apiVersion kind\n", "template.yaml": "apiVersion: v1\nkind: {{ .Kind }}\n{{ if x }}\n",
		"README.md": "apiVersion: v1\nkind: Pod\n", "main.go": "package main", "Dockerfile": "FROM x", "main.tf": "", ".github/workflows/ci.yaml": "on: push\n", "a.png": "\x89PNG",
		".aeo/exceptions.yaml": "exceptions: []\n", "ignored.yaml": web, ".gitignore": "ignored.yaml\n", "bom.yaml": "\ufeff" + web, "crlf.yaml": strings.ReplaceAll(web, "\n", "\r\n"),
		"nested.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Pod, metadata: {name: deep}, spec: {containers: [{name: x, image: 'x:1', securityContext: {privileged: true}}]}}]\n",
		"scalar.yaml": "apiVersion: v1\nkind: List\nitems: [1, null, [x], {kind: 3}]\n", "types.yaml": "apiVersion: [v1]\nkind: {a: b}\nmetadata: x\nspec: 3\n",
	})
	for file, want := range map[string]assess.Disposition{
		"web.yaml": assess.Evaluated, "pod.json": assess.Evaluated, "bom.yaml": assess.Evaluated, "crlf.yaml": assess.Evaluated, "nested.yaml": assess.Evaluated,
		"empty.yaml": assess.Skipped, "markers.yaml": assess.Skipped, "list.yaml": assess.Skipped, "null.yaml": assess.Evaluated, "values.yaml": assess.Skipped, "ignored.yaml": assess.Skipped,
		"half.yaml": assess.Unevaluated, "bad.yaml": assess.Unevaluated, "tabs.yaml": assess.Unevaluated, "binary.yaml": assess.Unevaluated, "template.yaml": assess.Unevaluated, "binary": assess.Skipped,
	} {
		if in := input(rep, file); in.Status != want {
			t.Errorf("%s: %+v, want %s", file, in, want)
		}
	}
	if in := input(rep, "tabs.yaml"); in.Line != 4 || !strings.Contains(in.Reason, "tab") {
		t.Errorf("%+v", in)
	}
	where := map[string]bool{}
	for _, f := range of(rep, privileged) {
		where[f.File] = true
	}
	for _, f := range []string{"web.yaml", "half.yaml", "bom.yaml", "crlf.yaml", "nested.yaml"} {
		if !where[f] {
			t.Errorf("the finding in %s is missing", f)
		}
	}
	if where["ignored.yaml"] {
		t.Error("an ignored file is judged")
	}
}

func TestALargeFile(t *testing.T) {
	var b strings.Builder
	for i := 0; b.Len() < 50<<20; i++ {
		fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\ndata:\n  text: %q\n---\n", i, strings.Repeat("x", 1<<20))
	}
	b.WriteString(web)
	rep := judge(t, files{"large.yaml": b.String(), "huge.yaml": "apiVersion: v1\nkind: ConfigMap\ndata:\n  x: " + strings.Repeat("y", assess.MaxDocument) + "\n---\n" + web})
	if in := input(rep, "large.yaml"); in.Status != assess.Evaluated || rep.Summary.Objects < 50 {
		t.Errorf("%+v, %d objects", in, rep.Summary.Objects)
	}
	if in := input(rep, "huge.yaml"); in.Status != assess.Unevaluated || !strings.Contains(in.Reason, "limit") {
		t.Errorf("%+v", in)
	}
	if n := len(of(rep, privileged)); n != 2 {
		t.Errorf("%d findings: the documents beside a huge one must be judged", n)
	}
}

func TestManyTinyDocuments(t *testing.T) {
	rep := judge(t, files{"many.yaml": strings.Repeat("---\napiVersion: v1\nkind: A\n", 20_000) + "---\n" + web})
	if rep.Summary.Objects != 20_001 || len(of(rep, privileged)) != 1 {
		t.Errorf("%d objects", rep.Summary.Objects)
	}
}

func TestDeepNesting(t *testing.T) {
	rep := judge(t, files{
		"deep.yaml":  "apiVersion: v1\nkind: A\nx: " + strings.Repeat("[", 200_000) + "\n",
		"lists.yaml": strings.Repeat("{apiVersion: v1, kind: List, items: [", 200) + "{apiVersion: v1, kind: Pod, metadata: {name: x}}" + strings.Repeat("]}", 200) + "\n",
		"bomb.yaml":  "apiVersion: v1\nkind: A\na: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f]\nh: [*g, *g, *g, *g, *g, *g, *g, *g]\n",
		"web.yaml":   web,
	})
	for _, f := range []string{"deep.yaml", "bomb.yaml"} {
		if in := input(rep, f); in.Status != assess.Unevaluated {
			t.Errorf("%+v", in)
		}
	}
	if in := input(rep, "lists.yaml"); in.Status != assess.Evaluated {
		t.Errorf("%+v", in)
	}
	if len(of(rep, privileged)) != 1 {
		t.Error("the good file suffers")
	}
}
