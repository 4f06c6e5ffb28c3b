package health_test

import (
	"testing"

	"github.com/autoecoops/autoecoops/deliver/health"
)

func TestExpressions(t *testing.T) {
	r, err := health.Compile(health.Expressions{Healthy: `object.status.ready == object.spec.size`, Failed: `object.status.phase == "Broken"`, Progressing: `object.status.ready > 0`})
	if err != nil {
		t.Fatal(err)
	}
	status := func(kv ...any) map[string]any {
		s := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			s[kv[i].(string)] = kv[i+1]
		}
		return map[string]any{"metadata": map[string]any{"generation": int64(2)}, "spec": map[string]any{"size": int64(3)}, "status": s}
	}
	for name, c := range map[string]struct {
		object map[string]any
		want   health.Status
	}{
		"healthy":     {status("phase", "Up", "ready", int64(3)), health.Healthy},
		"failed":      {status("phase", "Broken", "ready", int64(3)), health.Failed},
		"progressing": {status("phase", "Up", "ready", int64(1)), health.Progressing},
		"none":        {status("phase", "Up", "ready", int64(0)), health.Progressing},
		"unknown":     {status("phase", "Up"), health.Unknown},
		"stale":       {status("observedGeneration", int64(1), "phase", "Broken", "ready", int64(3)), health.Progressing},
		"going":       {map[string]any{"metadata": map[string]any{"deletionTimestamp": "x"}}, health.Terminating},
	} {
		if got := r.Evaluate(c.object); got.Status != c.want || c.want != health.Healthy && got.Message == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := health.Compile(health.Expressions{Failed: "1"}); err == nil {
		t.Error("1 is an answer")
	}
}
