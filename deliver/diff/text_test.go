package diff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/ops"
)

// story is a pull request with one of everything.
func story(t *testing.T) []diff.ObjectDiff {
	from := parse(t, deployment)
	to := parse(t, strings.NewReplacer("replicas: 3", "replicas: 4", "web:1.2", "web:1.3", `{name: B, value: "2"}`, `{name: B, value: "3"}, {name: C, valueFrom: {secretKeyRef: {name: s, key: c}}}`,
		`[{name: data, mountPath: /a}, {name: data, mountPath: /b}]`, `[{name: data, mountPath: /b}, {name: data, mountPath: /a}]`).Replace(deployment))
	config := func(text string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "conf", "namespace": "shop"}, "data": map[string]any{"app.ini": text}}
	}
	secret := func(v string) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "db", "namespace": "shop"}, "data": map[string]any{"password": v}}
	}
	text := "one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
	return []diff.ObjectDiff{
		diff.Objects(from, to, diff.Options{}),
		diff.Objects(config(text), config(strings.Replace(text, "four", "4\t\x1b[31mred", 1)), diff.Options{}),
		diff.Objects(secret("YQ=="), secret("Yg=="), diff.Options{}),
		diff.Objects(nil, parse(t, `{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {ports: [{port: 80, name: http}], selector: {}, externalIPs: []}}`), diff.Options{}),
		diff.Objects(config("x"), nil, diff.Options{}),
		diff.Objects(config("x"), config("x"), diff.Options{}),
		{Object: ops.Ref{APIVersion: "a/v1", Kind: "B", Name: "c"}, Action: diff.None, Note: "its kind is not served yet"},
	}
}

const storyText = `~ Deployment shop/cart (apps/v1): 5 changes
~   spec.replicas: 3 → 4
    spec.template.spec.containers[name=web]
~     env[name=B].value: "2" → "3"
+     env[name=C]:
+       name: C
+       valueFrom:
+         secretKeyRef:
+           key: c
+           name: s
~     image: registry/web:1.2 → registry/web:1.3
    spec.template.spec.containers[name=log]
~     volumeMounts: order [mountPath=/a, mountPath=/b] → [mountPath=/b, mountPath=/a]

~ ConfigMap shop/conf (v1): 1 change
~   data.["app.ini"]:
      …
      two
      three
-     four
+     4  \x1b[31mred
      five
      six
      …

~ Secret shop/db (v1): 1 change
~   data.password: changed (hidden)

+ Service shop/cart (v1): to be created
+   metadata:
+     name: cart
+     namespace: shop
+   spec:
+     externalIPs: []
+     ports:
+     - name: http
+       port: 80
+     selector: {}

- ConfigMap shop/conf (v1): to be deleted

= B c (a/v1)
    its kind is not served yet

1 to create, 3 to change, 1 to delete, 2 unchanged
`

func TestText(t *testing.T) {
	var out bytes.Buffer
	if err := diff.Text(&out, story(t), diff.Style{}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	if got := strings.TrimLeft(strings.Join(lines, "\n"), "\n") + "\n"; got != storyText {
		t.Errorf("%s", got)
	}
	plain := out.String()
	out.Reset()
	if err := diff.Text(&out, story(t), diff.Style{Color: true, Width: 40}); err != nil {
		t.Fatal(err)
	}
	colored := out.String()
	if !strings.Contains(colored, "\x1b[31m-     four\x1b[0m") || !strings.Contains(colored, "…") || strings.Contains(colored, "\x1b[31mred") {
		t.Errorf("%s", colored)
	}
	for line := range strings.Lines(colored) {
		bare := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[1m", "", "\x1b[0m", "").Replace(strings.TrimSuffix(line, "\n"))
		if len([]rune(bare)) > 40 {
			t.Errorf("%q is wider than 40", bare)
		}
	}
	if strings.Contains(plain, "\x1b") {
		t.Error("colour without being asked")
	}
	out.Reset()
	if err := diff.Text(&out, story(t)[5:6], diff.Style{}); err != nil || strings.TrimSpace(out.String()) != "no difference in 1 object" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestLongValues(t *testing.T) {
	items := make([]any, 100)
	for i := range items {
		items[i] = strings.Repeat("x", 50) + string(rune('a'+i%26))
	}
	long := map[string]any{"kind": "X", "list": items, "s": strings.Repeat("old ", 30)}
	d := diff.Objects(map[string]any{"kind": "X", "s": strings.Repeat("new ", 30)}, long, diff.Options{})
	var out bytes.Buffer
	if err := diff.Text(&out, []diff.ObjectDiff{d}, diff.Style{}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "… 77 more lines") || !strings.Contains(s, "-   s: \"new ") || !strings.Contains(s, "+   s: \"old ") {
		t.Error(s)
	}
	a, b := strings.Repeat("a\nb\n", 3000), strings.Repeat("c\nd\n", 3000)
	d = diff.Objects(map[string]any{"x": "same\n" + a}, map[string]any{"x": "same\n" + b}, diff.Options{})
	out.Reset()
	if err := diff.Text(&out, []diff.ObjectDiff{d}, diff.Style{}); err != nil || !strings.Contains(out.String(), "more lines") {
		t.Error(err, out.Len())
	}
}

func TestMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := diff.Markdown(&out, story(t)); err != nil {
		t.Fatal(err)
	}
	s := out.String()
	for _, want := range []string{
		"**1 to create, 3 to change, 1 to delete, 2 unchanged**\n", "<details><summary>change <code>Deployment shop/cart (apps/v1)</code>: 5 changes</summary>",
		"\n```diff\n!   spec.replicas: 3 → 4\n", "\n+     env[name=C]:\n", "<summary>delete <code>ConfigMap shop/conf (v1)</code></summary>", "its kind is not served yet",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("%q is missing in\n%s", want, s)
		}
	}
	hostile := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "<img src=x>@all*`"}, "data": map[string]any{"a": "x\n````\n</details>"}}
	out.Reset()
	if err := diff.Markdown(&out, []diff.ObjectDiff{diff.Objects(nil, hostile, diff.Options{})}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(strings.Split(s, "```")[0], "<img") || !strings.Contains(s, "`````diff\n") || strings.Contains(strings.Split(s, "```")[0], "@all") {
		t.Error(s)
	}
	many := slices.Repeat(story(t)[:1], 3000)
	out.Reset()
	if err := diff.Markdown(&out, many); err != nil || out.Len() > diff.MaxMarkdown || !strings.Contains(out.String(), "objects not shown") {
		t.Error(err, out.Len())
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(story(t)[:1])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"action":"update"`, `{"path":"spec.replicas","op":"replace","from":3,"to":4}`, `"kind":"Deployment"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is closed") }

func TestBrokenWriter(t *testing.T) {
	if err := diff.Text(broken{}, story(t), diff.Style{}); err == nil {
		t.Error("text: no error")
	}
	if err := diff.Markdown(broken{}, story(t)); err == nil {
		t.Error("markdown: no error")
	}
}

func TestRefusedAndUnknown(t *testing.T) {
	ref := ops.Ref{APIVersion: "v1", Kind: "Service", Namespace: "shop", Name: "cart"}
	all := []diff.ObjectDiff{
		{Object: ref, Action: diff.Refuse, Note: "the API server would refuse this: no", Source: "app/svc.yaml:3"},
		{Object: ref, Action: diff.Unknown, Note: "nobody knows"},
	}
	var text, md strings.Builder
	if err := errors.Join(diff.Text(&text, all, diff.Style{}), diff.Markdown(&md, all)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"! Service shop/cart (v1): refused, app/svc.yaml:3", "the API server would refuse this: no", "? Service shop/cart (v1): unknown", "1 refused, 1 unknown"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	for _, want := range []string{"**1 refused, 1 unknown**", "<summary>refused <code>", "<code>app/svc.yaml:3</code>"} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("the Markdown lacks %q:\n%s", want, md.String())
		}
	}
}
