package deliver_test

import (
	"context"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func TestSent(t *testing.T) {
	web := func(replicas any) map[string]any {
		spec := map[string]any{"paused": true}
		if replicas != nil {
			spec["replicas"] = replicas
		}
		return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"}, "spec": spec}
	}
	tool := web(int64(4))
	tool["metadata"].(map[string]any)["managedFields"] = []any{map[string]any{
		"manager": "tool", "operation": "Update", "fieldsV1": map[string]any{"f:spec": map[string]any{"f:paused": map[string]any{}}},
	}}
	left := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Ignore: []v1alpha1.IgnoreRule{{Managers: []string{"tool"}}}}}
	for name, c := range map[string]struct {
		app      *v1alpha1.Application
		git      any
		live     deliver.Live
		replicas any
		paused   any
	}{
		"as in Git":             {&v1alpha1.Application{}, int64(2), deliver.Live{}, int64(2), true},
		"scaled by an HPA":      {&v1alpha1.Application{}, int64(2), deliver.Live{Scaled: true}, nil, true},
		"no longer in Git":      {&v1alpha1.Application{}, nil, deliver.Live{Replicas: true}, int64(4), true},
		"never was":             {&v1alpha1.Application{}, nil, deliver.Live{}, nil, true},
		"a manager's field":     {left, int64(2), deliver.Live{}, int64(2), nil},
		"scaled, ours til then": {&v1alpha1.Application{}, int64(2), deliver.Live{Scaled: true, Replicas: true}, int64(4), true},
	} {
		o := &deliver.Object{Key: deliver.Key{Group: "apps", Kind: "Deployment", Name: "web"}, Version: "v1", Body: web(c.git)}
		spec := deliver.Sent(c.app, o, tool, c.live).Body["spec"].(map[string]any)
		if spec["replicas"] != c.replicas || spec["paused"] != c.paused {
			t.Errorf("%s: %v", name, spec)
		}
		if got := o.Body["spec"].(map[string]any)["replicas"]; got != c.git {
			t.Errorf("%s: the object in Git became %v", name, got)
		}
	}
}

func TestMadeAnew(t *testing.T) {
	object := func(kind, value string) *deliver.Object {
		body := map[string]any{"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationRecreate: value}}}
		return &deliver.Object{Key: deliver.Key{Kind: kind, Name: "x"}, Version: "v1", Body: body}
	}
	if !deliver.MadeAnew(object("Service", "allowed")) || deliver.MadeAnew(object("Service", "")) || deliver.MadeAnew(object("Namespace", "allowed")) {
		t.Error("the waiver counts for the wrong objects")
	}
}

func TestDisowned(t *testing.T) {
	k := deliver.Key{Kind: "Service", Name: "x"}
	ignored := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Ignore: []v1alpha1.IgnoreRule{{Kind: "Service"}}}}
	if !deliver.Disowned(&v1alpha1.Application{}, deliver.Live{Key: k, Foreign: true}) || deliver.Disowned(ignored, deliver.Live{Key: k, Foreign: true}) || deliver.Disowned(&v1alpha1.Application{}, deliver.Live{Key: k}) {
		t.Error("what is taken back is not what people set")
	}
}

func TestDesired(t *testing.T) {
	app := &v1alpha1.Application{}
	app.Name, app.Namespace = "shop", "apps"
	app.Spec.Namespace = "prod"
	bodies := []map[string]any{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}}}
	yes := func(context.Context, deliver.GVK) (bool, error) { return true, nil }
	all, err := deliver.Desired(t.Context(), app, &deliver.Digester{}, yes, "", bodies)
	if err != nil || len(all) != 1 || all[0].Namespace != "prod" || deliver.OwnerOf(all[0].Body) != (deliver.AppKey{Namespace: "apps", Name: "shop"}) {
		t.Errorf("%+v, %v", all, err)
	}
}
