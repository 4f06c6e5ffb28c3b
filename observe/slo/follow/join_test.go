package follow_test

import (
	"fmt"
	"testing"

	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

func pair(total, bad string) []follow.Selector {
	return []follow.Selector{{Text: total, Role: slo.Total}, {Text: bad, Role: slo.Bad}}
}

// TestForms finds the labels in which the selectors of objectives may differ.
func TestForms(t *testing.T) {
	for want, all := range map[string][]follow.Selector{
		`[]`:                           nil,
		`[] `:                          pair(`n`, `n{code="500"}`),
		`[service a]`:                  pair(`n{service="a"}`, `n{service="a",code=~"5.."}`),
		`[namespace x] [service a]`:    pair(`n{namespace="x",service="a"}`, `m{service='a',code="500",namespace="x"}`),
		`[]  `:                         pair(`n{service="a"}`, `n{service="b"}`),
		`[]   `:                        pair(`n{service=""}`, `n{service=""}`),
		`[]    `:                       pair(`{__name__="n"}`, `{__name__="n"}`),
		`[]     `:                      pair(`n{service=~"a"}`, `n{service="a"}`),
		`[service a] `:                 pair(`n{service="a",service="a"}`, `n{service="a"}`),
		`[]      `:                     {{Text: "sum(n)", Role: slo.Total}},
		`[quantile 0.5] [service a.b]`: {{Text: `q{quantile="0.5",service="a.b"}`, Role: slo.Gauge}},
	} {
		got := ""
		for _, f := range follow.Forms(all) {
			got += fmt.Sprintf("[%s %s] ", f.Label, f.Value)
		}
		if got = trimmed(got); got != trimmed(want) && !(got == "" && trimmed(want) == "[]") {
			t.Errorf("%v: %s, want %s", all, got, want)
		}
	}
	key := func(all []follow.Selector) string { return follow.Forms(all)[0].Key }
	a, b := pair(`n{service="a"}`, `n{service="a",code="500"}`), pair("n{ service = `b` }", `n{service='b',code="500"}`)
	if key(a) != key(b) {
		t.Error("the same form is another")
	}
	for _, other := range [][]follow.Selector{
		pair(`m{service="a"}`, `n{service="a",code="500"}`), pair(`n{service="a"}`, `n{service="a",code="501"}`), pair(`n{service="a"}`, `n{service="a",code=~"500"}`),
		{{Text: a[0].Text, Role: slo.Total}, {Text: a[1].Text, Role: slo.Good}}, pair(`n{job="a"}`, `n{job="a",code="500"}`),
	} {
		if key(a) == key(other) {
			t.Errorf("%v passes for %v", other, a)
		}
	}
}

func trimmed(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// TestJoin asks for some values at once, each taken as it is written.
func TestJoin(t *testing.T) {
	all := pair(`n{service="a.b"}`, `n{service="a.b",code="500"}`)
	f := follow.Forms(all)[0]
	if got := follow.Join(all, f, []string{"a.b"}); got[0] != all[0] || got[1] != all[1] {
		t.Errorf("one alone is asked for as it is written: %v", got)
	}
	got := follow.Join(all, f, []string{"a.b", `c|"`})
	if got[0] != (follow.Selector{Text: `n{service=~"a\\.b|c\\|\""}`, Role: slo.Total}) || got[1] != (follow.Selector{Text: `n{service=~"a\\.b|c\\|\"",code="500"}`, Role: slo.Bad}) {
		t.Errorf("%v", got)
	}
	for _, s := range got {
		if err := slo.CheckSelector(s.Text); err != nil {
			t.Error(err)
		}
	}
}
