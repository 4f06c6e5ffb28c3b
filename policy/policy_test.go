package policy_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/policy"
)

func certificate() map[string]any {
	return map[string]any{
		"metadata": map[string]any{"name": "web", "generation": int64(2)},
		"spec":     map[string]any{"replicas": int64(3), "ratio": 0.5, "memory": "512Mi", "paused": false, "nothing": nil},
		"status": map[string]any{
			"phase": "Ready", "note": "ünï", "ports": []any{int64(80), int64(443), 8.5},
			"conditions": []any{
				"junk", map[string]any{"status": "True"},
				map[string]any{"type": "Ready", "status": "True", "observedGeneration": int64(2)},
				map[string]any{"type": "Stalled", "status": "False"},
			},
		},
	}
}

func TestEval(t *testing.T) {
	env := policy.NewEnv(policy.Limits{})
	for expr, want := range map[string]string{
		`object.status.phase == 'Ready'`:                                                                  "true",
		`object.status.phase == 'Failed'`:                                                                 "false",
		`object.status.phase == 3`:                                                                        "false",
		`object.spec.replicas >= 3 && object.spec.replicas == 3.0`:                                        "true",
		`object.spec.nothing == null`:                                                                     "true",
		`has(object.status.absent)`:                                                                       "false",
		`has(object.status.absent) && object.status.absent.x == 1`:                                        "false",
		`object.status.absent == 'x'`:                                                                     "unknown: there is no field absent",
		`object.status.absent == 'x' || object.status.phase == 'Ready'`:                                   "true",
		`!(object.status.absent == 'x')`:                                                                  "unknown: there is no field absent",
		`object.status.absent.deeper == 'x'`:                                                              "unknown: there is no field absent",
		`object.status.phase > 3`:                                                                         "unknown: a value has another type than the expression expects",
		`object.status.phase.x == 3`:                                                                      "unknown: there is no field x",
		`object.spec.paused || object.status.phase`:                                                       "unknown: a value has another type than the expression expects",
		`object.status.ports[7] == 1`:                                                                     "unknown: a list has no such item",
		`object.status.ports['x'] == 1`:                                                                   "unknown: an operation of the expression failed on this input",
		`int(object.status.phase) == 1`:                                                                   "unknown: an operation of the expression failed on this input",
		`1 / (object.spec.replicas - 3) == 1`:                                                             "unknown: an operation of the expression failed on this input",
		`object.condition('Ready').status == 'True'`:                                                      "true",
		`object.condition('Synced').status == 'True'`:                                                     "unknown: there is no condition Synced",
		`object.spec.condition('Synced').status == 'True'`:                                                "unknown: there is no condition Synced",
		`object.status.phase.condition('Ready').status == 'True'`:                                         "unknown: a value has another type than the expression expects",
		`object.status.conditions.exists(c, c.type == 'Ready')`:                                           "true",
		`quantity(object.spec.memory).isLessThan(quantity('1Gi'))`:                                        "true",
		`quantity(object.spec.memory) == quantity('524288Ki')`:                                            "true",
		`quantity(object.spec.memory).isGreaterThan(quantity('1G'))`:                                      "false",
		`quantity('1').compareTo(quantity('1000m')) == 0`:                                                 "true",
		`quantity('-1').sign() == -1 && quantity('2k').asInteger() == 2000`:                               "true",
		`quantity('1500m').asApproximateFloat() == 1.5`:                                                   "true",
		`quantity('1500m').asInteger() == 1`:                                                              "unknown: an operation of the expression failed on this input",
		`type(quantity('1Gi')) == type(quantity('2')) && quantity('1') != quantity('2')`:                  "true",
		`isQuantity('1Gi') && !isQuantity('lots') && !isQuantity('` + strings.Repeat("1", 65) + `')`:      "true",
		`quantity(object.status.phase).sign() == 1`:                                                       "unknown: an operation of the expression failed on this input",
		`object.status.phase.lowerAscii() == 'ready' && 'aÜz'.upperAscii() == 'AÜZ'`:                      "true",
		`object.status.note.indexOf('ï') == 2 && 'abab'.lastIndexOf('b') == 3 && 'a'.indexOf('x') == -1`:  "true",
		`object.status.note.charAt(1) == 'n' && object.status.note.substring(1) == 'nï'`:                  "true",
		`'abc'.substring(1, 2) == 'b'`:                                                                    "true",
		`'abc'.substring(2, 1) == 'b'`:                                                                    "unknown: a list has no such item",
		`'abc'.substring(0, -1) == 'b'`:                                                                   "unknown: an operation of the expression failed on this input",
		`'abc'.charAt(9) == 'b'`:                                                                          "unknown: a list has no such item",
		`' a,b '.trim().split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && ['a'].join() == 'a'`: "true",
		`object.status.ports.join(',') == ''`:                                                             "unknown: a value has another type than the expression expects",
		`'aXa'.replace('X', '--') == 'a--a'`:                                                              "true",
		`'v1.2.3'.find('[0-9]+') == '1' && 'v1.2'.findAll('[0-9]+') == ['1', '2']`:                        "true",
		`'v1'.find('[') == '' `:                                                                           "unknown: an operation of the expression failed on this input",
		`'v1'.matches('^v[0-9]$')`:                                                                        "true",
		`[1, 2, 3].sum() == 6 && object.status.ports.max() == 443 && object.status.ports.min() == 8.5`:    "true",
		`object.status.ports.sum() == 531.5`:                                                              "true",
		`[].max() == 1`:                                                                                   "unknown: a list has no such item",
		`object.status.conditions.sum() == 1`:                                                             "unknown: a value has another type than the expression expects",
		`[9223372036854775807, 1].sum() > 0`:                                                              "unknown: a value has another type than the expression expects",
		`object.status.ports.indexOf(443) == 1 && object.status.ports.indexOf(1) == -1`:                   "true",
		`timestamp('2026-01-02T03:04:05Z').getHours() == 3`:                                               "true",
		`duration('90s') > duration('1m')`:                                                                "true",
	} {
		p, err := policy.Compile(expr, env)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		v := p.Eval(map[string]any{"object": certificate()})
		got := v.Answer.String()
		if v.Reason != "" {
			got += ": " + v.Reason
		}
		if got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
		if p.Text() != expr {
			t.Errorf("%s reads back as %s", expr, p.Text())
		}
	}
}

func TestCompileErrors(t *testing.T) {
	env := policy.NewEnv(policy.Limits{}, "object", "params")
	for expr, want := range map[string]struct{ public, hint string }{
		``:                            {"the expression is empty", "object.status.phase"},
		` `:                           {"the expression is empty", ""},
		"object.a == 1 &&\n  objct.b": {"line 2, column 3: undeclared reference to 'objct'", "the variables are object, params"},
		`object.spec.replicas`:        {"line 1, column 1: the expression gives a value of any type", "== true"},
		`size(object.spec)`:           {"line 1, column 1: the expression gives a value of type int", ""},
		`'a'`:                         {"line 1, column 1: the expression gives a value of type string", ""},
		`'a' == 1`:                    {"line 1, column 5: found no matching overload", "different types"},
		`object.a == `:                {"line 1, column 13: Syntax error", "brackets"},
		`object.a == 1 and object.b`:  {"line 1, column 15: Syntax error", "&&"},
		strings.Repeat("(", 100):      {"line 1", ""},
		strings.Repeat("!", 9<<10):    {"the expression has 9216 bytes, more than 8192", "split"},
		`'a'.matches('[')`:            {"line 1, column 13: invalid matches argument", ""},
		`now() > object.x`:            {"line 1, column 4: undeclared reference to 'now'", ""},
		`timestamp(object.t).getHours('Europe/Berlin') == 1`: {"line 1, column 29: found no matching overload for 'getHours'", ""},
		`timestamp(object.t).getMinutes('Local') == 1`:       {"line 1, column 31: found no matching overload for 'getMinutes'", ""},
		"\x00\xff": {"line 1", ""},
	} {
		_, err := policy.Compile(expr, env)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Invalid || !strings.HasPrefix(f.Public, want.public) || !strings.Contains(f.Hint, want.hint) {
			t.Errorf("%.40q: %v (%+v)", expr, err, f)
		}
	}
	_, err := policy.Compile("objct.x && objct.y", env)
	if p, ok := errors.AsType[policy.Problems](err); !ok || len(p) != 2 || p[1].Column != 12 || !strings.Contains(p.Error(), "; line 1, column 12") {
		t.Errorf("%v", err)
	}
}

// TestBounds holds evaluations to their limits.
func TestBounds(t *testing.T) {
	many := make([]any, 5000)
	for i := range many {
		many[i] = int64(i)
	}
	input := map[string]any{"object": map[string]any{"many": many, "text": strings.Repeat("a", 60<<10)}}
	env := policy.NewEnv(policy.Limits{})
	for expr, want := range map[string]string{
		`object.many.all(x, object.many.all(y, x + y > -1))`:        "the evaluation costs more than allowed",
		`object.text.replace('a', object.text) == ''`:               "an operation of the expression failed on this input",
		`[object.text, object.text].join(object.text) == ''`:        "an operation of the expression failed on this input",
		`[object.text, object.text].join() == ''`:                   "an operation of the expression failed on this input",
		`object.many.all(x, object.text.find('(a|b|c|d)*e') == '')`: "the evaluation costs more than allowed",
		`['a']` + strings.Repeat(`.map(x, x + x)`, 25) + ` == []`:   "the evaluation costs more than allowed",
		`(object.text + object.text).split('') == []`:               "an operation of the expression failed on this input",
		`(object.text + object.text).findAll('a') == []`:            "an operation of the expression failed on this input",
		`'a'.find(object.text) == ''`:                               "the evaluation costs more than allowed",
	} {
		p, err := policy.Compile(expr, env)
		if err != nil {
			t.Errorf("%.60s: %v", expr, err)
			continue
		}
		if v := p.Eval(input); v.Answer != policy.Unknown || v.Reason != want {
			t.Errorf("%.60s: %+v", expr, v)
		}
	}
}

func TestInputSize(t *testing.T) {
	p, err := policy.Compile("true", policy.NewEnv(policy.Limits{Input: 1000}))
	if err != nil {
		t.Fatal(err)
	}
	deep := map[string]any{}
	for range 300 {
		deep = map[string]any{"": deep}
	}
	for name, object := range map[string]any{
		"long text": strings.Repeat("x", 1001), "many items": make([]any, 200), "long key": map[string]any{strings.Repeat("x", 1001): true}, "deep": deep,
	} {
		if v := p.Eval(map[string]any{"object": object}); v.Answer != policy.Unknown || v.Reason != "the input is larger than 1000 bytes" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v := p.Eval(map[string]any{"object": "x"}); v.Answer != policy.True {
		t.Errorf("%+v", v)
	}
}

func TestDeadline(t *testing.T) {
	many := make([]any, 3000)
	p, err := policy.Compile(`object.all(x, object.all(y, x == y))`, policy.NewEnv(policy.Limits{Cost: 1 << 40}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	const over = "the time for the evaluation was over"
	if v := p.EvalContext(ctx, map[string]any{"object": many}); v.Answer != policy.Unknown || v.Reason != over {
		t.Errorf("%+v", v)
	}
	if v := p.EvalContext(ctx, map[string]any{"object": many[:0]}); v.Reason != over {
		t.Errorf("after the end: %+v", v)
	}
	if v := p.EvalContext(t.Context(), map[string]any{"object": many[:3]}); v.Answer != policy.True {
		t.Errorf("%+v", v)
	}
}

// TestNoValues holds reasons to telling no values.
func TestNoValues(t *testing.T) {
	env := policy.NewEnv(policy.Limits{})
	for _, expr := range []string{
		`int(object.secret) == 1`, `duration(object.secret) == duration('1s')`, `timestamp(object.secret) == timestamp(0)`, `bool(object.secret)`,
		`'a'.find(object.secret) == ''`, `quantity(object.secret).sign() == 1`, `double(object.secret) == 1.0`, `uint(object.secret) == 1u`, `object.secret > 1`,
	} {
		p, err := policy.Compile(expr, env)
		if err != nil {
			t.Fatal(err)
		}
		v := p.Eval(map[string]any{"object": map[string]any{"secret": "h4nter2["}})
		if v.Answer != policy.Unknown || strings.Contains(v.Reason, "h4nter") {
			t.Errorf("%s: %+v", expr, v)
		}
	}
}

func TestVariables(t *testing.T) {
	p, err := policy.Compile(`object.x == params.x && application.name == 'shop'`, policy.NewEnv(policy.Limits{}, "object", "application", "params"))
	if err != nil {
		t.Fatal(err)
	}
	input := map[string]any{"object": map[string]any{"x": "1"}, "params": map[string]any{"x": "1"}, "application": map[string]any{"name": "shop"}}
	if v := p.Eval(input); v.Answer != policy.True {
		t.Errorf("%+v", v)
	}
	delete(input, "params")
	if v := p.Eval(input); v.Answer != policy.Unknown || !strings.HasPrefix(v.Reason, "there is no field") {
		t.Errorf("%+v", v)
	}
}

func TestConcurrent(t *testing.T) {
	env := policy.NewEnv(policy.Limits{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			p, err := policy.Compile(`object.n < 4 && object.items.all(x, x >= 0)`, env)
			if err != nil {
				t.Error(err)
				return
			}
			want := policy.False
			if i < 4 {
				want = policy.True
			}
			for range 200 {
				if v := p.Eval(map[string]any{"object": map[string]any{"n": int64(i), "items": []any{int64(1)}}}); v.Answer != want {
					t.Errorf("%d: %+v", i, v)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzCompile: nothing that a person may write breaks the compiler or the
// evaluation, and a verdict is unknown exactly when it has a reason.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`object.a == 1`, `object.condition('x').status == 'True'`, `[1].map(x, x)`, `'a'.replace('', 'b') == ''`, `quantity('1').sign() == 1`, `((`, "'\\u12'"} {
		f.Add(s)
	}
	env := policy.NewEnv(policy.Limits{Cost: 10_000})
	f.Fuzz(func(t *testing.T, expr string) {
		p, err := policy.Compile(expr, env)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q: %v", expr, err)
			}
			return
		}
		if v := p.Eval(map[string]any{"object": certificate()}); (v.Answer == policy.Unknown) != (v.Reason != "") {
			t.Errorf("%q: %+v", expr, v)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	p, err := policy.Compile(`object.condition('Ready').status == 'True'`, policy.NewEnv(policy.Limits{}))
	if err != nil {
		b.Fatal(err)
	}
	input := map[string]any{"object": certificate()}
	b.ReportAllocs()
	for b.Loop() {
		if v := p.Eval(input); v.Answer != policy.True {
			b.Fatal(v)
		}
	}
}

func BenchmarkLimit(b *testing.B) {
	many := make([]any, 5000)
	for i := range many {
		many[i] = int64(i)
	}
	p, err := policy.Compile(`object.many.all(x, object.many.all(y, x + y > -1))`, policy.NewEnv(policy.Limits{}))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if v := p.Eval(map[string]any{"object": map[string]any{"many": many}}); v.Answer != policy.Unknown {
			b.Fatal(v)
		}
	}
}

func BenchmarkEnv(b *testing.B) {
	for b.Loop() {
		if _, err := policy.Compile(`object.x == 1`, policy.NewEnv(policy.Limits{})); err != nil {
			b.Fatal(err)
		}
	}
}
