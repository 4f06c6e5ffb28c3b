package deliver_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
)

// live is a Deployment as an API server answers it: our fields by apply, an
// autoscaler's replicas, defaults of nobody's, and the status of a controller.
const live = `{
 "apiVersion":"apps/v1","kind":"Deployment",
 "metadata":{"name":"web","namespace":"shop","uid":"u1","resourceVersion":"77","generation":3,
  "labels":{"app":"web","autoecoops.io/application":"web","autoecoops.io/application-namespace":"shop"},
  "managedFields":[
   {"manager":"autoecoops","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{
     "f:metadata":{"f:labels":{"f:app":{}}},
     "f:spec":{"f:template":{"f:spec":{
       "f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:name":{},"f:image":{},
         "f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},
         "f:args":{}}},
       "f:volumes":{}}}},
     "f:finalizers":{"v:\"a/b\"":{}}}},
   {"manager":"kube-controller-manager","operation":"Update","subresource":"scale","fieldsV1":{"f:spec":{"f:replicas":{}}}},
   {"manager":"kube-controller-manager","operation":"Update","subresource":"status","fieldsV1":{"f:status":{"f:replicas":{}}}}
  ]},
 "spec":{"replicas":3,"template":{"spec":{"restartPolicy":"Always",
   "containers":[{"name":"main","image":"web:1","imagePullPolicy":"Always","args":["-v"],"ports":[{"containerPort":8080,"protocol":"TCP"}]},{"name":"side","image":"side:1"}],
   "volumes":[{"name":"tmp","emptyDir":{}}]}}},
 "finalizers":["x/y","a/b"],
 "status":{"replicas":3}}`

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// at changes a value deep inside; path elements are keys and list indexes.
func at(v any, change func(map[string]any), path ...any) {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	change(v.(map[string]any))
}

func set(key string, value any) func(map[string]any) {
	return func(m map[string]any) { m[key] = value }
}

func TestOwnedDigestSeesOurFieldsOnly(t *testing.T) {
	d := &deliver.Digester{Key: make([]byte, 32)}
	before, ok := d.OwnedDigest(parse(t, live), v1alpha1.FieldManager)
	if !ok || len(before) != 32 {
		t.Fatalf("%q %v", before, ok)
	}
	container := []any{"spec", "template", "spec", "containers"}
	for name, c := range map[string]struct {
		ours bool
		edit func(map[string]any)
	}{
		"our image":       {true, func(o map[string]any) { at(o, set("image", "web:2"), append(container, 0)...) }},
		"our atomic list": {true, func(o map[string]any) { at(o, set("args", []any{"-v", "-x"}), append(container, 0)...) }},
		"our label":       {true, func(o map[string]any) { at(o, set("app", "other"), "metadata", "labels") }},
		"our label gone":  {true, func(o map[string]any) { at(o, func(m map[string]any) { delete(m, "app") }, "metadata", "labels") }},
		"our container gone": {true, func(o map[string]any) {
			at(o, func(m map[string]any) { m["containers"] = m["containers"].([]any)[1:] }, "spec", "template", "spec")
		}},
		"our port gone":          {true, func(o map[string]any) { at(o, set("ports", []any{}), append(container, 0)...) }},
		"our set item gone":      {true, set("finalizers", []any{"x/y"})},
		"our whole value":        {true, func(o map[string]any) { at(o, set("volumes", []any{}), "spec", "template", "spec") }},
		"another's set item":     {false, set("finalizers", []any{"a/b"})},
		"replicas of the scaler": {false, func(o map[string]any) { at(o, set("replicas", 9), "spec") }},
		"a default":              {false, func(o map[string]any) { at(o, set("imagePullPolicy", "Never"), append(container, 0)...) }},
		"another container":      {false, func(o map[string]any) { at(o, set("image", "side:2"), append(container, 1)...) }},
		"status":                 {false, func(o map[string]any) { at(o, set("replicas", 0), "status") }},
		"resource version":       {false, func(o map[string]any) { at(o, set("resourceVersion", "78"), "metadata") }},
	} {
		o := parse(t, live)
		c.edit(o)
		after, _ := d.OwnedDigest(o, v1alpha1.FieldManager)
		if (after != before) != c.ours {
			t.Errorf("%s: seen as ours: %v", name, after != before)
		}
	}
	o := parse(t, live)
	at(o, func(m map[string]any) { m["managedFields"] = m["managedFields"].([]any)[1:] }, "metadata")
	if _, ok := d.OwnedDigest(o, v1alpha1.FieldManager); ok {
		t.Error("we own nothing, and yet there is a digest")
	}
}

func TestSecretDigestsAreKeyed(t *testing.T) {
	secret := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"}, "data": map[string]any{"pin": "MTIzNA=="}}
	a := &deliver.Digester{Key: []byte("0123456789abcdef0123456789abcdef")}
	b := &deliver.Digester{Key: []byte("another-key-another-key-another-")}
	if a.Object(secret) == b.Object(secret) {
		t.Error("whoever guesses the value can prove it with the digest")
	}
	config := map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}
	if a.Object(config) != b.Object(config) {
		t.Error("digests of plain objects are the same everywhere")
	}
}

func TestDigestTellsValuesApart(t *testing.T) {
	d := &deliver.Digester{Key: make([]byte, 32)}
	values := []any{nil, true, false, "", "true", "1", int64(1), 1.5, int64(-1), []any{}, []any{nil}, []any{"a", "b"}, []any{"ab"}, []any{[]any{"a"}, "b"},
		map[string]any{}, map[string]any{"a": nil}, map[string]any{"a": "b"}, map[string]any{"ab": ""}, map[string]any{"a": map[string]any{"b": nil}}, struct{}{}}
	seen := map[string]any{}
	for _, v := range values {
		s := d.Value(v)
		if other, ok := seen[s]; ok {
			t.Errorf("%#v and %#v have one digest", v, other)
		}
		seen[s] = v
	}
	if d.Value(int64(3)) != d.Value(3.0) || d.Value(3) != d.Value(int64(3)) {
		t.Error("3 is not 3")
	}
}

func TestDistil(t *testing.T) {
	d := &deliver.Digester{Key: make([]byte, 32)}
	l, ok := d.Distil(parse(t, live), health.Health{Status: health.Healthy})
	want := deliver.Live{Key: deliver.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, Version: "v1", UID: "u1", ResourceVersion: "77", App: web, Owned: l.Owned, Scaled: true, Health: health.Health{Status: health.Healthy}}
	if !ok || !reflect.DeepEqual(l, want) {
		t.Errorf("%+v", l)
	}
	if _, ok := d.Distil(map[string]any{"kind": "X"}, health.Health{}); ok {
		t.Error("an object without a name")
	}
}

func TestForeignAndDisown(t *testing.T) {
	o := parse(t, live)
	if f := deliver.Foreign(o); len(f) != 0 {
		t.Errorf("controllers are foreign: %v", f)
	}
	at(o, func(m map[string]any) {
		m["managedFields"] = append(m["managedFields"].([]any),
			map[string]any{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": map[string]any{"f:spec": map[string]any{"f:paused": map[string]any{}}}},
			map[string]any{"manager": "kubectl-rollout", "operation": "Update", "fieldsV1": map[string]any{"f:spec": map[string]any{}}},
			map[string]any{"manager": "k9s", "operation": "Update", "subresource": "scale", "fieldsV1": map[string]any{"f:spec": map[string]any{}}})
	}, "metadata")
	if f := deliver.Foreign(o); !reflect.DeepEqual(f, []string{"kubectl-edit"}) {
		t.Errorf("%v", f)
	}
	after := deliver.Disown(o, v1alpha1.FieldManager, "apps/v1")
	if len(after) != 5 { // ours and theirs are one; the rest stays
		t.Errorf("%d entries", len(after))
	}
	ours := after[0].(map[string]any)
	spec := ours["fieldsV1"].(map[string]any)["f:spec"].(map[string]any)
	if ours["manager"] != "autoecoops" || spec["f:paused"] == nil || spec["f:template"] == nil {
		t.Errorf("%v", ours)
	}
}

func BenchmarkOwnedDigest(b *testing.B) {
	var o map[string]any
	if err := json.Unmarshal([]byte(live), &o); err != nil {
		b.Fatal(err)
	}
	d := &deliver.Digester{Key: make([]byte, 32)}
	b.ReportAllocs()
	for b.Loop() {
		d.OwnedDigest(o, v1alpha1.FieldManager)
	}
}

func FuzzOwnedDigest(f *testing.F) {
	f.Add([]byte(live))
	f.Add([]byte(`{"metadata":{"managedFields":[{"manager":"autoecoops","operation":"Apply","fieldsV1":{"i:9":{},"k:{":{},"v:[":{},"x":{},"f:a":7}}]},"a":[1]}`))
	d := &deliver.Digester{Key: make([]byte, 32)}
	f.Fuzz(func(t *testing.T, text []byte) {
		var o map[string]any
		if json.Unmarshal(text, &o) != nil {
			return
		}
		a, okA := d.OwnedDigest(o, v1alpha1.FieldManager)
		b, okB := d.OwnedDigest(o, v1alpha1.FieldManager)
		if a != b || okA != okB {
			t.Error("not the same twice")
		}
		d.Distil(o, health.Health{})
		deliver.Foreign(o)
		deliver.Disown(o, v1alpha1.FieldManager, "v1")
	})
}
