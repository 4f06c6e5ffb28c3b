package diff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/fault"
)

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// short writes changes one a line, as "op path from → to".
func short(changes []diff.Change) string {
	var lines []string
	for _, c := range changes {
		from, _ := json.Marshal(c.From)
		to, _ := json.Marshal(c.To)
		line := fmt.Sprintf("%s %s %s → %s", c.Op, c.Path, from, to)
		if c.Masked {
			line += " masked"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        image: registry/web:1.2
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        ports: [{containerPort: 80}, {containerPort: 443, protocol: TCP}]
        resources: {limits: {cpu: "1", memory: 1Gi}}
        args: [serve, --fast]
      - name: log
        image: registry/log:1
        volumeMounts: [{name: data, mountPath: /a}, {name: data, mountPath: /b}]
      tolerations: [{key: a, operator: Exists}, {key: b, operator: Exists}]
`

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"image":            {"registry/web:1.2", "registry/web:1.3", `replace spec.template.spec.containers[name=web].image "registry/web:1.2" → "registry/web:1.3"`},
		"inserted":         {"      - name: log", "      - {name: mesh, image: m}\n      - name: log", `add spec.template.spec.containers[name=mesh] null → {"image":"m","name":"mesh"}`},
		"field":            {"  replicas: 3\n", "", `remove spec.replicas 3 → null`},
		"null is absent":   {"  replicas: 3\n", "  replicas: 3\n  paused: null\n", ""},
		"dotted key":       {"labels: {app: cart}", `labels: {app: cart, a.b/c: "1"}`, `add metadata.labels.["a.b/c"] null → "1"`},
		"same quantity":    {`cpu: "1"`, `cpu: 1000m`, ""},
		"number, quantity": {`cpu: "1"`, `cpu: 1`, ""},
		"other quantity":   {`memory: 1Gi`, `memory: 1G`, `replace spec.template.spec.containers[name=web].resources.limits.memory "1Gi" → "1G"`},
		"no quantity":      {`value: "1"`, `value: 1000m`, `replace spec.template.spec.containers[name=web].env[name=A].value "1" → "1000m"`},
		"env order":        {`[{name: A, value: "1"}, {name: B, value: "2"}]`, `[{name: B, value: "2"}, {name: A, value: "1"}]`, `reorder spec.template.spec.containers[name=web].env ["name=A","name=B"] → ["name=B","name=A"]`},
		"port by number":   {`{containerPort: 80}, `, "", `remove spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP] {"containerPort":80} → null`},
		"mount by path":    {"mountPath: /b", "mountPath: /c", "add spec.template.spec.containers[name=log].volumeMounts[mountPath=/c] null → {\"mountPath\":\"/c\",\"name\":\"data\"}\nremove spec.template.spec.containers[name=log].volumeMounts[mountPath=/b] {\"mountPath\":\"/b\",\"name\":\"data\"} → null"},
		"argument":         {"[serve, --fast]", "[serve, --slow, --fast]", `add spec.template.spec.containers[name=web].args[1] null → "--slow"`},
		"other argument":   {"[serve, --fast]", "[serve, --slow]", `replace spec.template.spec.containers[name=web].args[1] "--fast" → "--slow"`},
		"fewer arguments":  {"[serve, --fast]", "[serve]", `remove spec.template.spec.containers[name=web].args[1] "--fast" → null`},
		"atomic":           {"{key: a, operator: Exists}, ", "", `remove spec.template.spec.tolerations[0] {"key":"a","operator":"Exists"} → null`},
		"other type":       {"replicas: 3", "replicas: {a: 1}", `replace spec.replicas 3 → {"a":1}`},
		"text, number":     {"replicas: 3", `replicas: "3"`, `replace spec.replicas 3 → "3"`},
		"server's own":     {"metadata: {", `metadata: {uid: x, resourceVersion: "7", generation: 3, creationTimestamp: x, managedFields: [{}], selfLink: x, annotations: {deployment.kubernetes.io/revision: "3"}, `, `add metadata.annotations null → {}`},
		"status":           {"spec:", "status: {replicas: 1}\nspec:", ""},
	} {
		if !strings.Contains(deployment, c.old) {
			t.Fatalf("%s: nothing to replace", name)
		}
		from, to := parse(t, deployment), parse(t, strings.Replace(deployment, c.old, c.new, 1))
		changes := diff.Compare(from, to, diff.Options{})
		if got := short(changes); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		back, err := diff.Apply(from, changes)
		if err != nil || len(diff.Compare(back, to, diff.Options{})) > 0 {
			t.Errorf("%s: applied: %v\n%s", name, err, short(diff.Compare(back, to, diff.Options{})))
		}
	}
	status := diff.Compare(parse(t, deployment), parse(t, deployment+"status: {replicas: 1}"), diff.Options{Status: true})
	if got := short(status); got != `add status null → {"replicas":1}` {
		t.Error(got)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b any
		same bool
	}{
		{int64(1), 1.0, true}, {int64(1), 1, true}, {1.5, 1.5, true}, {int64(1), 1.5, false}, {int64(1), "1", false},
		{int64(9007199254740993), float64(9007199254740992), false}, {int64(9007199254740992), float64(9007199254740992), true}, {true, true, true}, {true, "true", false},
		{1e300, 1e300, true}, {[]any{int64(1)}, []any{1.0}, true}, {[]any{int64(1)}, []any{}, false}, {map[string]any{"a": nil}, map[string]any{}, true}, {map[string]any{}, map[string]any{"a": "b"}, false},
	} {
		got := len(diff.Compare(map[string]any{"list": []any{[]any{c.a}}}, map[string]any{"list": []any{[]any{c.b}}}, diff.Options{})) == 0
		if got != c.same {
			t.Errorf("%v and %v: same %v", c.a, c.b, got)
		}
	}
	huge := strings.Repeat("9", 100)
	if got := diff.Compare(map[string]any{"hard": map[string]any{"a": huge}}, map[string]any{"hard": map[string]any{"a": huge + "0"}}, diff.Options{}); len(got) != 1 {
		t.Error("absurd quantities are the same")
	}
	if got := diff.Compare(map[string]any{"sizeLimit": "1Gi"}, map[string]any{"sizeLimit": true}, diff.Options{}); len(got) != 1 {
		t.Error("a quantity is true")
	}
}

func TestMask(t *testing.T) {
	secret := func(data string) map[string]any {
		return parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: '`+data+`'}}, type: Opaque, data: {`+data+`}}`)
	}
	for name, c := range map[string]struct {
		from, to map[string]any
		o        diff.Options
		want     string
	}{
		"changed": {secret("a: c2VjcmV0"), secret("a: aHVudGVy"), diff.Options{}, `replace data.a "(hidden)" → "(hidden)" masked
replace metadata.annotations.["kubectl.kubernetes.io/last-applied-configuration"] "(hidden)" → "(hidden)" masked`},
		"made": {nil, parse(t, `{apiVersion: v1, kind: Secret, stringData: {user: root, pass: hunter2}}`), diff.Options{}, `add apiVersion null → "v1"
add kind null → "Secret"
add stringData null → {"pass":"(hidden)","user":"(hidden)"} masked`},
		"added key": {secret("a: c2VjcmV0"), secret("a: c2VjcmV0, b: aHVudGVy"), diff.Options{}, `add data.b null → "(hidden)" masked
replace metadata.annotations.["kubectl.kubernetes.io/last-applied-configuration"] "(hidden)" → "(hidden)" masked`},
		"named path": {parse(t, `{kind: X, spec: {auth: {password: a, user: b}}}`), parse(t, `{kind: X, spec: {auth: {password: c, user: d}}}`), diff.Options{SecretPaths: []string{"/spec/auth/password", "no pointer"}}, `replace spec.auth.password "(hidden)" → "(hidden)" masked
replace spec.auth.user "b" → "d"`},
		"above the path": {parse(t, `{kind: X}`), parse(t, `{kind: X, spec: {auth: {password: c, user: d, none: null}}}`), diff.Options{SecretPaths: []string{"/spec/auth/password", "/spec/auth/none"}}, `add spec null → {"auth":{"none":null,"password":"(hidden)","user":"d"}} masked`},
		"items":          {parse(t, `{kind: X, spec: {tokens: [{name: abc}]}}`), parse(t, `{kind: X, spec: {tokens: [{name: abc}, {name: def}]}}`), diff.Options{SecretPaths: []string{"/spec/tokens/*"}}, `replace spec.tokens [{"name":"(hidden)"}] → [{"name":"(hidden)"},{"name":"(hidden)"}] masked`},
		"names of items": {parse(t, `{kind: X, spec: {tokens: [{name: abc, x: 1}]}}`), parse(t, `{kind: X, spec: {tokens: [{name: def, x: 2}]}}`), diff.Options{SecretPaths: []string{"/spec/tokens/*/name"}}, `replace spec.tokens[0].name "(hidden)" → "(hidden)" masked
replace spec.tokens[0].x 1 → 2`},
		"numbered item": {parse(t, `{kind: X, spec: {args: [a, b]}}`), parse(t, `{kind: X, spec: {args: [a, c]}}`), diff.Options{SecretPaths: []string{"/spec/args/1"}}, `replace spec.args ["(hidden)","(hidden)"] → ["(hidden)","(hidden)"] masked`},
		"values": {parse(t, `{kind: X, data: {url: "x", same: hunter2}}`), parse(t, `{kind: X, data: {url: "https://u:hunter2@db", hunter2: 1, same: hunter2}}`), diff.Options{SecretValues: []string{"hunter2", "x"}}, `add data.(hidden) null → 1 masked
replace data.url "(hidden)" → "(hidden)" masked`},
		"values below":   {nil, parse(t, `{list: [{name: my-hunter2, deep: {hunter2: [hunter2]}}]}`), diff.Options{SecretValues: []string{"hunter2"}}, `add list null → [{"deep":{"(hidden)":["(hidden)"]},"name":"(hidden)"}] masked`},
		"another Secret": {parse(t, `{apiVersion: example.com/v1, kind: Secret, data: {a: b}}`), parse(t, `{apiVersion: example.com/v1, kind: Secret, data: {a: c}}`), diff.Options{}, `replace data.a "b" → "c"`},
	} {
		if got := short(diff.Compare(c.from, c.to, c.o)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
	changes := diff.Compare(secret("a: c2VjcmV0"), secret("a: aHVudGVy"), diff.Options{})
	if _, err := diff.Apply(secret("a: c2VjcmV0"), changes); fault.KindOf(err) != fault.Invalid {
		t.Errorf("hidden values are applied: %v", err)
	}
}

func TestIgnore(t *testing.T) {
	from := parse(t, deployment)
	to := parse(t, strings.NewReplacer("replicas: 3", "replicas: 9", "web:1.2", "web:2", `value: "1"`, `value: "7"`).Replace(deployment))
	for name, c := range map[string]struct {
		rule diff.Rule
		want int
	}{
		"replicas":           {diff.Rule{Fields: []string{"/spec/replicas"}}, 2},
		"every image":        {diff.Rule{Group: "apps", Kind: "Deployment", Fields: []string{"/spec/template/spec/containers/*/image"}}, 2},
		"first image":        {diff.Rule{Fields: []string{"/spec/template/spec/containers/0/image"}}, 2},
		"second image":       {diff.Rule{Fields: []string{"/spec/template/spec/containers/1/image"}}, 3},
		"every env":          {diff.Rule{Fields: []string{"/spec/template/spec/containers/*/env/*"}}, 2},
		"everything of spec": {diff.Rule{Fields: []string{"/spec/*"}}, 0},
		"another kind":       {diff.Rule{Kind: "Deployment", Fields: []string{"/spec/replicas"}}, 3},
		"another name":       {diff.Rule{Name: "web", Fields: []string{"/spec/replicas"}}, 3},
		"another namespace":  {diff.Rule{Namespace: "web", Fields: []string{"/spec/replicas"}}, 3},
		"another group":      {diff.Rule{Group: "batch", Fields: []string{"/spec/replicas"}}, 3},
		"the object":         {diff.Rule{Namespace: "shop", Name: "cart", Fields: []string{"/spec/replicas"}}, 2},
		"nothing there":      {diff.Rule{Fields: []string{"/spec/absent/x", "/spec/replicas/x", "/metadata/name", "/kind", "/metadata", "/*", "", "x"}}, 3},
	} {
		if got := diff.Compare(from, to, diff.Options{Ignore: []diff.Rule{c.rule}}); len(got) != c.want {
			t.Errorf("%s: %d changes, want %d\n%s", name, len(got), c.want, short(got))
		}
	}
	before, _ := json.Marshal(from)
	stripped := diff.Strip(from, []diff.Rule{{Fields: []string{"/spec/template/spec/containers/*/image", "/metadata/labels/app"}}})
	after, _ := json.Marshal(from)
	if string(before) != string(after) {
		t.Error("strip changes its object")
	}
	text, _ := json.Marshal(stripped)
	if strings.Contains(string(text), "image") || strings.Contains(string(text), `"app":"cart"`) || !strings.Contains(string(text), `"name":"cart"`) {
		t.Errorf("%s", text)
	}
	slash := diff.Strip(map[string]any{"data": map[string]any{"a/b~c": "1", "d": "2"}}, []diff.Rule{{Fields: []string{"/data/a~1b~0c"}}})
	if text, _ := json.Marshal(slash); string(text) != `{"data":{"d":"2"}}` {
		t.Errorf("%s", text)
	}
}

func TestValidate(t *testing.T) {
	for pointer, ok := range map[string]bool{
		"/spec/replicas": true, "/spec/*/x": true, "/metadata/annotations/a": true, "": false, "/": false, "spec": false, "/kind": false, "/apiVersion": false,
		"/metadata": false, "/metadata/name": false, "/metadata/*": false, "/*": false,
	} {
		if err := (diff.Rule{Fields: []string{pointer}}).Validate(); (err == nil) != ok || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", pointer, err)
		}
	}
}

func TestApplyMisfits(t *testing.T) {
	from, to := parse(t, `{spec: {list: [{name: a}, {name: b}], m: {x: 1}, args: [a, b]}}`), parse(t, `{spec: {list: [{name: b, y: 1}, {name: a}], m: {x: 2}, args: [a]}}`)
	changes := diff.Compare(from, to, diff.Options{})
	for _, other := range []string{`{}`, `{spec: 1}`, `{spec: {list: {}, m: {}, args: []}}`, `{spec: {list: [], m: [], args: [a, b]}}`, `{spec: {list: [{name: x}, {name: y}], m: {x: 1}, args: [a, b]}}`, `{spec: {list: x, m: {x: 1}, args: [a, b]}}`} {
		if _, err := diff.Apply(parse(t, other), changes); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", other, err)
		}
	}
	if out, err := diff.Apply(nil, diff.Compare(nil, to, diff.Options{})); err != nil || len(diff.Compare(out, to, diff.Options{})) > 0 {
		t.Errorf("%v, %v", out, err)
	}
}

func TestObjects(t *testing.T) {
	o := parse(t, deployment)
	for want, d := range map[diff.Action]diff.ObjectDiff{
		diff.Create: diff.Objects(nil, o, diff.Options{}), diff.Delete: diff.Objects(o, nil, diff.Options{}),
		diff.None: diff.Objects(o, o, diff.Options{}), diff.Update: diff.Objects(o, parse(t, strings.Replace(deployment, "replicas: 3", "replicas: 4", 1)), diff.Options{}),
	} {
		if d.Action != want || d.Object.String() != "Deployment shop/cart" {
			t.Errorf("%s: %+v", want, d)
		}
	}
	if d := diff.Objects(nil, nil, diff.Options{}); d.Action != diff.None {
		t.Errorf("%+v", d)
	}
}
