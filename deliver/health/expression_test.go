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

// TestExpressionTable is the whole decision table: for each expression, absent,
// yes, no and cannot tell.
func TestExpressionTable(t *testing.T) {
	answers := []string{"", "true", "false", "object.status.absent == 1"}
	object := map[string]any{"apiVersion": "v1", "kind": "ConfigMap"} // healthy by the usual rules
	for f, failed := range answers {
		for h, healthy := range answers {
			for p, progressing := range answers {
				want := health.Progressing
				switch {
				case f == 1:
					want = health.Failed
				case f == 3:
					want = health.Unknown
				case h == 1:
					want = health.Healthy
				case h == 3:
					want = health.Unknown
				case p == 1:
					want = health.Progressing
				case p == 3:
					want = health.Unknown
				case h == 0:
					want = health.Healthy
				}
				r, err := health.Compile(health.Expressions{Healthy: healthy, Failed: failed, Progressing: progressing})
				if err != nil {
					t.Fatal(err)
				}
				if got := r.Evaluate(object); got.Status != want {
					t.Errorf("failed %q, healthy %q, progressing %q: %+v, want %s", failed, healthy, progressing, got, want)
				}
			}
		}
	}
}
