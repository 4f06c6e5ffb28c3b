package policy_test

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/policy"
)

var widget = map[string]any{
	"spec":   map[string]any{"size": int64(3), "names": []any{"a", "b"}},
	"status": map[string]any{"phase": "Ready", "ready": int64(3)},
}

func TestEvaluate(t *testing.T) {
	for expression, want := range map[string]policy.Verdict{
		`object.status.phase == "Ready"`:                      policy.Yes,
		`object.status.ready < object.spec.size`:              policy.No,
		`object.spec.names.all(n, n.size() == 1)`:             policy.Yes,
		`object.status.?x.orValue("none") == "none"`:          policy.Yes,
		`has(object.status.conditions)`:                       policy.No,
		`object.status.conditions.exists(c, c.type=="Ready")`: policy.Unknown,
		`object.nothing.at.all == 1`:                          policy.Unknown,
		`object.status.phase > 3`:                             policy.Unknown,
		`object.status.phase`:                                 policy.Unknown,
		`object.spec.names[7] == "x"`:                         policy.Unknown,
		`object.spec.names.join("-") == "a-b"`:                policy.Yes,
	} {
		r, err := policy.Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, reason := r.Evaluate(t.Context(), widget)
		if got != want || (got == policy.Unknown) != (reason != "") {
			t.Errorf("%s: %s (%s), want %s", expression, got, reason, want)
		}
	}
}

func TestCompileSaysWhatIsWrong(t *testing.T) {
	for expression, want := range map[string]string{
		``:                                  "Syntax error",
		`object.status ==`:                  "Syntax error",
		`nobody.knows`:                      "undeclared reference",
		`1 + 1`:                             "answers a int",
		`"a"`:                               "answers a string",
		`object.x.matches("(")`:             "invalid matches argument",
		strings.Repeat("object.a && ", 999): "longer than",
	} {
		_, err := policy.Compile(expression)
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.30s: %v, want %q", expression, err, want)
		}
	}
}

func TestCostIsBounded(t *testing.T) {
	list := make([]any, 1000)
	for i := range list {
		list[i] = int64(i)
	}
	r, err := policy.Compile(`object.l.all(a, object.l.all(b, object.l.all(c, a + b + c >= 0)))`)
	if err != nil {
		t.Fatal(err)
	}
	if v, reason := r.Evaluate(t.Context(), map[string]any{"l": list}); v != policy.Unknown || !strings.Contains(reason, "cost limit") {
		t.Errorf("%s %s", v, reason)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`object.status.phase == "Ready"`)
	f.Add(`object.l.map(x, x.y).exists(z, z > 3)`)
	f.Fuzz(func(t *testing.T, expression string) {
		if r, err := policy.Compile(expression); err == nil {
			r.Evaluate(t.Context(), widget)
		}
	})
}
