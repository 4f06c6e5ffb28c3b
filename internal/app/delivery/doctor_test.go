package delivery

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// TestExpressions reads expressions that are none, and says where they stand.
func TestExpressions(t *testing.T) {
	d := NewDoctor()
	app := &v1alpha1.Application{}
	app.Spec.Health.Expressions = []v1alpha1.HealthExpression{
		{Kind: "Good", Healthy: "object.status.ok == true", Failed: "false", Progressing: "true"},
		{Kind: "Widget", Failed: "object.status.("},
	}
	app.Spec.DependsOn = []v1alpha1.Dependency{
		{ObjectReference: v1alpha1.ObjectReference{Kind: "ConfigMap", Name: "a"}},
		{ObjectReference: v1alpha1.ObjectReference{Kind: "ConfigMap", Name: "b"}, Ready: "object.data.count"},
	}
	for _, want := range []string{"spec.health.expressions[1].failed (Widget)", "spec.dependsOn[1].ready (ConfigMap b)", ""} {
		err := d.Check(app)
		switch {
		case want == "":
			if err != nil {
				t.Errorf("good ones: %v", err)
			}
		case fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want):
			t.Errorf("want %s, got %v", want, err)
		}
		if len(app.Spec.Health.Expressions) == 2 {
			app.Spec.Health.Expressions = app.Spec.Health.Expressions[:1]
		} else {
			app.Spec.DependsOn = app.Spec.DependsOn[:1]
		}
	}
}

// TestReady asks for what keeps an object from being ready.
func TestReady(t *testing.T) {
	d := NewDoctor()
	body := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"done": "yes", "many": many(400)}}
	for _, c := range []struct {
		expression, why string
		invalid         bool
	}{
		{expression: ""},
		{expression: "object.data.done == 'yes'"},
		{expression: "object.data.done == 'no'", why: "not yet: object.data.done"},
		{expression: "object.data.missing == 'no'", why: "cannot be told: there is no field missing"},
		{expression: "object.data.done", invalid: true},
		{expression: "object.data.(", invalid: true},
		{expression: "object.data.many.all(a, object.data.many.all(b, object.data.many.all(c, a + b + c >= 0)))", invalid: true},
	} {
		for range 2 { // compiled, and from memory
			why, err := d.Ready(body, c.expression)
			if c.invalid != (fault.KindOf(err) == fault.Invalid && err != nil) || c.why == "" && why != "" || !strings.HasPrefix(why, c.why) {
				t.Errorf("%s: %q, %v", c.expression, why, err)
			}
		}
	}
	deployment := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"generation": int64(2)}, "status": map[string]any{"observedGeneration": int64(1)}}
	if why, err := d.Ready(deployment, ""); why == "" || err != nil {
		t.Errorf("a Deployment in the middle of its rollout: %q, %v", why, err)
	}
}

func many(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

// TestRulesAreBounded compiles more expressions than are kept.
func TestRulesAreBounded(t *testing.T) {
	d := NewDoctor()
	for i := range maxRules {
		d.rules[strings.Repeat("x", i)] = compiled{}
	}
	if _, err := d.Ready(map[string]any{}, "true"); err != nil {
		t.Fatal(err)
	}
	if len(d.rules) != 1 {
		t.Errorf("%d are kept", len(d.rules))
	}
}
