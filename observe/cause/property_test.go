package cause

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// shuffled returns a case with its parts in another order.
func shuffled(c Case, r *rand.Rand) Case {
	mix := func(n int, swap func(i, j int)) { r.Shuffle(n, swap) }
	c.Series = append([]Series{}, c.Series...)
	c.Dependencies = append([]Dependency{}, c.Dependencies...)
	c.Changes = append([]Change{}, c.Changes...)
	c.Logs = append([]Log{}, c.Logs...)
	c.Edges = append([]trace.Change{}, c.Edges...)
	mix(len(c.Series), func(i, j int) { c.Series[i], c.Series[j] = c.Series[j], c.Series[i] })
	mix(len(c.Dependencies), func(i, j int) { c.Dependencies[i], c.Dependencies[j] = c.Dependencies[j], c.Dependencies[i] })
	mix(len(c.Changes), func(i, j int) { c.Changes[i], c.Changes[j] = c.Changes[j], c.Changes[i] })
	mix(len(c.Logs), func(i, j int) { c.Logs[i], c.Logs[j] = c.Logs[j], c.Logs[i] })
	mix(len(c.Edges), func(i, j int) { c.Edges[i], c.Edges[j] = c.Edges[j], c.Edges[i] })
	return c
}

func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range stories {
		c := s.build().made()
		want := Rank(c)
		for range 5 {
			got := Rank(shuffled(c, r))
			if a, b := flat(got), flat(want); a != b {
				t.Fatalf("%s: in another order\n%s\nwas\n%s", s.name, a, b)
			}
		}
	}
}

// flat writes a result with what a person could read of it.
func flat(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %.4f %v\n", r.Unknown, r.Rest, r.Begin)
	for _, c := range r.Causes {
		fmt.Fprintf(&b, "%s %.4f %v\n", c.Component, c.Score, c.Since)
		for _, e := range c.Evidence {
			fmt.Fprintf(&b, "  %s %.4f %s %v %s\n", e.Kind, e.Weight, e.Text, e.At, e.Reference)
		}
	}
	return b.String()
}

// TestUnitsDoNotMatter measures the same in other units: with the floors in the
// same ones, nothing may change but the text.
func TestUnitsDoNotMatter(t *testing.T) {
	for _, s := range stories {
		for _, by := range []float64{1e-3, 1000, 1 << 30} {
			c := s.build().made()
			before := Rank(c)
			for i := range c.Series {
				x := &c.Series[i]
				x.Floor = floorOf(x) * by
				for k := range x.Values {
					x.Values[k] *= by
				}
			}
			after := Rank(c)
			if len(before.Causes) != len(after.Causes) {
				t.Fatalf("%s, by %g: %d causes, %d before", s.name, by, len(after.Causes), len(before.Causes))
			}
			for i := range before.Causes {
				a, b := before.Causes[i], after.Causes[i]
				if a.Component != b.Component || math.Abs(a.Score-b.Score) > 1e-3 || !a.Since.Equal(b.Since) {
					t.Errorf("%s, by %g: %s %.4f, before %s %.4f", s.name, by, b.Component, b.Score, a.Component, a.Score)
				}
			}
		}
	}
}

// TestTimeDoesNotMatter moves cases to another time of history.
func TestTimeDoesNotMatter(t *testing.T) {
	const by = 123 * 24 * time.Hour
	for _, s := range stories {
		c := s.build().made()
		before := Rank(c)
		c.At = c.At.Add(by)
		for i := range c.Series {
			for k := range c.Series[i].At {
				c.Series[i].At[k] += by.Milliseconds()
			}
		}
		for i := range c.Changes {
			c.Changes[i].At = c.Changes[i].At.Add(by)
		}
		for i := range c.Logs {
			c.Logs[i].Signal.Since += by.Milliseconds()
		}
		after := Rank(c)
		for i := range before.Causes {
			if a, b := before.Causes[i], after.Causes[i]; a.Component != b.Component || a.Score != b.Score {
				t.Errorf("%s: %s %v, before %s %v", s.name, b.Component, b.Score, a.Component, a.Score)
			}
		}
	}
}

// TestNoiseLiftsNobody adds hundreds of series of noise to a component that has
// nothing to do with it, and to one of which nothing is known.
func TestNoiseLiftsNobody(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range stories {
		if s.want == "?" || s.want == "outside" {
			continue
		}
		b := s.build()
		for _, of := range []string{"mail", "bystander"} {
			for i := range 150 {
				x := Series{Of: svc(of), ID: fmt.Sprint(of, "/noise", i), What: "noise", Golden: []watch.Golden{watch.Saturation, watch.Duration, watch.Errors, watch.Monitor}[i%4]}
				ar, middle := 0.0, 100*r.Float64()
				for k := range samples {
					ar = 0.7*ar + r.NormFloat64()
					x.At, x.Values = append(x.At, at(k).UnixMilli()), append(x.Values, middle+ar)
				}
				b.Series = append(b.Series, x)
			}
		}
		got := Rank(b.made())
		check(t, got)
		if len(got.Causes) == 0 || got.Causes[0].Component.String() != s.want {
			t.Errorf("%s: noise made it %s", s.name, outline(got))
		}
	}
}

// TestLateNoticeIsStable notices the same trouble later and later: the past must
// not be spoiled.
func TestLateNoticeIsStable(t *testing.T) {
	build := func(from int) *builder {
		return chain().shift("stock", "cpu", 1, from).slow(from, "stock", "orders", "web").change(Release, "mail", "mail@2", -60)
	}
	for late := 2; late <= 80; late += 6 {
		r := Rank(build(noticed - late).made())
		if len(r.Causes) == 0 || r.Causes[0].Component != svc("stock") || r.Causes[0].Score < 0.6 || !r.Causes[0].Since.Equal(at(noticed-late)) {
			t.Errorf("noticed %d samples late: %s since %v", late, outline(r), r.Causes[0].Since)
		}
	}
}

// TestHostile gives what no source should send.
func TestHostile(t *testing.T) {
	bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 0, 5e-324, 1e150}
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		c := chain().slow(faultAt, "orders", "web").made()
		for range 40 {
			s := &c.Series[r.IntN(len(c.Series))]
			switch i := r.IntN(max(1, len(s.Values))); r.IntN(6) {
			case 0:
				s.Values[i] = bad[r.IntN(len(bad))]
			case 1:
				s.At[i] = int64(r.Uint64())
			case 2:
				s.Floor = bad[r.IntN(len(bad))]
			case 3:
				s.Of.Key.Service = []string{"", "\x00\xff", strings.Repeat("x", 5000), "web"}[r.IntN(4)]
			case 4:
				s.What = "\x1b[31m" + strings.Repeat("é", 500)
			case 5:
				s.Golden = watch.Golden(r.IntN(256))
			}
		}
		c.Logs = append(c.Logs, Log{svc("web"), logs.Signal{Lines: math.MaxUint64, Score: math.NaN(), Kind: logs.SurgingTemplate, Since: math.MinInt64, Template: logs.Template{Level: 200, Text: "\xff"}}})
		c.Changes = append(c.Changes, Change{Of: svc("web")}, Change{Of: Component{}})
		c.Edges = append(c.Edges, trace.Change{Edge: trace.Edge{Caller: svc("web"), Callee: svc("orders")}, Before: trace.Cost{Calls: 20}, After: trace.Cost{Calls: 20}, Self: math.MaxInt64, Faults: math.Inf(1), Weight: math.NaN()})
		got := Rank(c)
		found := false
		for _, x := range got.Causes {
			found = found || x.Component == svc("orders")
			if math.IsNaN(x.Score) || x.Score < 0 || x.Score > 1 {
				t.Fatalf("score %v of %q", x.Score, x.Component)
			}
			for _, e := range x.Evidence {
				if math.IsNaN(e.Weight) || strings.ContainsAny(e.Text, "\x1b\x00") {
					t.Fatalf("evidence %q of weight %v", e.Text, e.Weight)
				}
			}
		}
		if !found {
			t.Fatalf("what is no number hid a component: %s", outline(got))
		}
	}
}

func TestLimits(t *testing.T) {
	c := chain().slow(faultAt, "orders", "web").made()
	for range MaxChanges + 5 {
		c.Changes = append(c.Changes, Change{Of: svc("web"), At: c.At})
	}
	if r := Rank(c); r.Left != 5 {
		t.Errorf("%d left out, want 5", r.Left)
	}
	c.Series[0].Of = Component{Kind: trace.Unknown}
	if r := Rank(c); r.Left != 6 {
		t.Errorf("%d left out with a series of nobody, want 6", r.Left)
	}
}

// TestBounded gives the largest case there may be: much is ill, most is unknown,
// and all are tied to each other.
func TestBounded(t *testing.T) {
	var list []string
	for i := range 400 {
		list = append(list, fmt.Sprint("s", i))
	}
	b := newBuilder(list...).slow(faultAt, list...)
	r := rand.New(rand.NewPCG(10, 11))
	for len(b.Dependencies) < MaxDependencies {
		d := Dependency{Who: svc(fmt.Sprint("s", r.IntN(5000))), On: svc(fmt.Sprint("s", r.IntN(5000)))}
		if r.IntN(5) == 0 {
			d.Who, d.On, d.Kind = svc(fmt.Sprint("s", r.IntN(400))), node(fmt.Sprint("n", r.IntN(1000))), RunsOn
		}
		b.Dependencies = append(b.Dependencies, d)
	}
	for range MaxLogs {
		b.log(fmt.Sprint("s", r.IntN(5000)), logs.NewTemplate, logs.Error, strings.Repeat("s1 ", 300), 9)
	}
	start := time.Now()
	check(t, Rank(b.made()))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	} else {
		t.Log(took)
	}
}

func TestInputStays(t *testing.T) {
	a, b := stories[0].build().made(), stories[0].build().made()
	Rank(a)
	if !reflect.DeepEqual(a, b) {
		t.Error("Rank changed its case")
	}
}

func TestQuartiles(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for range 2000 {
		v := make([]float64, 1+r.IntN(60))
		for i := range v {
			v[i] = float64(r.IntN(20))
		}
		sorted := append([]float64{}, v...)
		for i := range sorted {
			for k := i; k > 0 && sorted[k] < sorted[k-1]; k-- {
				sorted[k], sorted[k-1] = sorted[k-1], sorted[k]
			}
		}
		n := len(v)
		middle := sorted[n/2]
		if n%2 == 0 {
			middle = (middle + sorted[n/2-1]) / 2
		}
		low, m, high := quartiles(v)
		if m != middle || low != sorted[n/4] || high != sorted[n*3/4] {
			t.Fatalf("quartiles %v %v %v of %v", low, m, high, sorted)
		}
	}
}

// FuzzShift feeds any numbers to the search for a shift.
func FuzzShift(f *testing.F) {
	f.Add([]byte("00000000001111"), 3.0, int64(20))
	f.Add([]byte("abcabcabcabczzzz"), 0.0, int64(5))
	f.Fuzz(func(t *testing.T, text []byte, floor float64, notice int64) {
		s := Series{Floor: floor}
		for i, b := range text {
			s.At = append(s.At, int64(i)*1000)
			s.Values = append(s.Values, float64(int8(b)))
		}
		var w scratch
		d, state := w.find(&s, notice)
		if state == judged && (math.IsNaN(d.deviation) || d.strength(&s, 3) < 0 || d.strength(&s, 3) > 1) {
			t.Fatalf("%+v", d)
		}
	})
}
