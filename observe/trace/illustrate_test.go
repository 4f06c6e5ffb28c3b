package trace_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestTelling takes the exemplars that name traces, each trace once, the worst first.
func TestTelling(t *testing.T) {
	all := []trace.Exemplar{
		{Value: 9, At: after(9)},
		{Trace: trace.ID{1}, Value: 2, At: after(1)}, {Trace: trace.ID{2}, Value: 5, At: after(2)}, {Trace: trace.ID{3}, Value: math.NaN(), At: after(3)},
		{Trace: trace.ID{2}, Value: 1, At: after(8)},
	}
	for _, c := range []struct {
		large bool
		n     int
		want  string
	}{{true, 9, "2130"}, {false, 9, "2310"}, {true, 2, "21"}, {true, 0, ""}} {
		got := ""
		for _, e := range trace.Telling(all, c.large, c.n) {
			got += string(rune('0' + e.Trace[0]))
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if all[0].Value != 9 || all[4].Value != 1 {
		t.Error("what was given is in another order")
	}
}

// TestIllustrate has traces by exemplars first, the surest first, and the rest by who and
// when, each once.
func TestIllustrate(t *testing.T) {
	w := window(t, trace.Options{})
	w.Add(after(0), shop())
	w.Add(after(0), []trace.Span{at("cart", 1, 0, trace.Server, 60_000, 60_400, in(2), failed)})
	w.Add(after(0), []trace.Span{at("cart", 1, 0, trace.Server, 120_000, 120_900, in(3))})
	w.Add(after(0), []trace.Span{at("mail", 1, 0, trace.Server, 120_000, 120_900, in(4))})
	q := trace.Query{From: identity.Identity{Key: who("cart").Key}, Since: after(0), Until: after(10 * time.Minute), Limit: 3}
	for name, c := range map[string]struct {
		exemplars []trace.Exemplar
		limit     int
		want      string
		hows      []trace.How
	}{
		"no exemplars": {nil, 3, "231", []trace.How{trace.ByKey, trace.ByKey, trace.ByKey}},
		"one is kept":  {[]trace.Exemplar{{Trace: trace.ID{1}, At: after(0)}}, 3, "123", []trace.How{trace.ByTraceID, trace.ByKey, trace.ByKey}},
		"one is gone, its pod is known": {[]trace.Exemplar{
			{Trace: trace.ID{9}, At: after(2 * time.Minute), Of: identity.Identity{Pod: "cart-1", KubeNamespace: "shop"}}, {Trace: trace.ID{1}, At: after(0)},
		}, 2, "13", []trace.How{trace.ByTraceID, trace.ByPod}},
		"it says nothing": {[]trace.Exemplar{{At: after(2 * time.Minute)}}, 1, "3", []trace.How{trace.ByKey}},
	} {
		q.Limit = c.limit
		found, err := trace.Illustrate(t.Context(), w, c.exemplars, q, 30*time.Second)
		if err != nil || len(found) != len(c.hows) {
			t.Errorf("%s: %+v %v", name, found, err)
			continue
		}
		for i, f := range found {
			if f.ID[0] != c.want[i]-'0' || f.How != c.hows[i] || f.Why == "" {
				t.Errorf("%s: %d is %d %s: %s", name, i, f.ID[0], f.How, f.Why)
			}
		}
	}
}

// halving is a source that says that it has not told all.
type halving struct{ *trace.Window }

func (h halving) Search(_ context.Context, q trace.Query) ([]trace.Summary, error) {
	return h.Find(q), fault.New(fault.Partial, "search", "", "half of it is away", "")
}

func TestIllustrateOfWhatIsAway(t *testing.T) {
	w := window(t, trace.Options{})
	w.Add(after(0), shop())
	if found, err := trace.Illustrate(t.Context(), halving{w}, nil, trace.Query{From: *who("cart")}, time.Second); fault.KindOf(err) != fault.Partial || len(found) != 1 {
		t.Errorf("%+v %v", found, err)
	}
	if _, err := trace.Illustrate(t.Context(), blind{}, nil, trace.Query{From: *who("cart")}, time.Second); err == nil {
		t.Error("a source that is away is taken for one without traces")
	}
}

// TestIllustratePrefersWholeTraces: of those found alike, the ones whose root is there come
// first, whatever failed or took longer; a part is told as one.
func TestIllustratePrefersWholeTraces(t *testing.T) {
	w := window(t, trace.Options{})
	w.Add(after(0), []trace.Span{at("cart", 2, 1, trace.Server, 60_000, 69_000, in(1), failed)})
	w.Add(after(0), []trace.Span{at("cart", 1, 0, trace.Server, 60_000, 60_100, in(2))})
	w.Add(after(0), []trace.Span{at("cart", 2, 1, trace.Server, 60_000, 60_100, in(3)), at("web", 1, 0, trace.Client, 59_000, 60_200, in(3))})
	q := trace.Query{From: identity.Identity{Key: who("cart").Key}, Since: after(0), Until: after(10 * time.Minute), Limit: 3}
	for name, c := range map[string]struct {
		exemplars []trace.Exemplar
		want      string
	}{
		"by who and when":            {nil, "321"},
		"by exemplars":               {[]trace.Exemplar{{Trace: trace.ID{1}, At: after(0)}, {Trace: trace.ID{2}, At: after(0)}}, "213"},
		"a part is better than none": {[]trace.Exemplar{{Trace: trace.ID{1}, At: after(0)}}, "132"},
	} {
		found, err := trace.Illustrate(context.Background(), w, c.exemplars, q, time.Second)
		got := ""
		for _, f := range found {
			got += string(rune('0' + f.ID[0]))
			if f.Partial != (f.ID[0] == 1) {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
}
