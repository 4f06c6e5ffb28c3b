package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

const minute = 60_000

// detector has the shipped settings, changed by change.
func detector(t testing.TB, change func(*anomaly.Settings)) *anomaly.Detector {
	t.Helper()
	set := anomaly.Default()
	if change != nil {
		change(&set)
	}
	d, err := anomaly.New(set)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// daily is a day's rhythm with noise, a value every five minutes.
func daily(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + 40*math.Sin(2*math.Pi*float64(i)/288) + 3*r.NormFloat64()
	}
	return out
}

// feed observes values five minutes apart, from the given index on.
func feed(d *anomaly.Detector, s *anomaly.Series, values []float64, from int) []anomaly.Verdict {
	out := make([]anomaly.Verdict, len(values))
	for i, v := range values {
		out[i] = d.Observe(s, anomaly.Sample{At: int64(from+i) * 5 * minute, Value: v})
	}
	return out
}

func onsets(all []anomaly.Verdict) (at []int) {
	for i, v := range all {
		if v.Onset {
			at = append(at, i)
		}
	}
	return at
}

func TestASpikeIsOneEvent(t *testing.T) {
	d := detector(t, nil)
	values := daily(6000, 1)
	for i := 5000; i < 5003; i++ {
		values[i] *= 10
	}
	var s anomaly.Series
	at := onsets(feed(d, &s, values, 0))
	near := 0
	for _, i := range at {
		if i >= 5000 && i < 5012 {
			near++
		}
	}
	if near != 1 {
		t.Errorf("events begin at %v; one is to begin at the spike, 5000", at)
	}
	if len(at) > 2 {
		t.Errorf("%d events in a series with one spike: %v", len(at), at)
	}
}

func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(anomaly.Series{}); n > 4096 {
		t.Errorf("a series takes %d bytes, more than 4096", n)
	} else {
		t.Logf("%d bytes", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	d := detector(b, nil)
	values := daily(10000, 1)
	var s anomaly.Series
	feed(d, &s, values, 0)
	at := int64(len(values)) * 5 * minute
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		at += 5 * minute
		d.Observe(&s, anomaly.Sample{At: at, Value: values[i%len(values)]})
	}
}

func TestVerdictsAreSane(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	d := detector(t, nil)
	var s anomaly.Series
	at := int64(0)
	for i := range 20000 {
		at += int64(r.IntN(3)) * minute
		if r.IntN(500) == 0 {
			at += int64(r.IntN(100)) * 60 * minute
		}
		if r.IntN(700) == 0 {
			at -= int64(r.IntN(100)) * 60 * minute
		}
		v := r.NormFloat64() * math.Exp(20*r.NormFloat64())
		switch r.IntN(40) {
		case 0:
			v = math.NaN()
		case 1:
			v = math.Inf(1 - 2*r.IntN(2))
		case 2:
			v = math.MaxFloat64
		case 3:
			v = math.SmallestNonzeroFloat64
		case 4:
			v = 0
		}
		got := d.Observe(&s, anomaly.Sample{At: at, Value: v, Muted: r.IntN(10) == 0})
		if !(got.Probability >= 0 && got.Probability < 1) {
			t.Fatalf("sample %d, %v: probability %v", i, v, got.Probability)
		}
		if got.Low > got.High {
			t.Fatalf("sample %d: expected between %v and %v", i, got.Low, got.High)
		}
		if got.Onset && (got.State != anomaly.Abnormal || got.Since != at) {
			t.Fatalf("sample %d: onset, %s since %d", i, got.State, got.Since)
		}
	}
}

func TestDeterministic(t *testing.T) {
	values := daily(4000, 3)
	d := detector(t, nil)
	var a, b anomaly.Series
	first := feed(d, &a, values, 0)
	for i, v := range feed(detector(t, nil), &b, values, 0) {
		if !same(v, first[i]) {
			t.Fatalf("sample %d: %+v and %+v", i, v, first[i])
		}
	}
	if a != b {
		t.Error("the series differ")
	}
}

func same(a, b anomaly.Verdict) bool {
	eq := func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }
	if !eq(a.Low, b.Low) || !eq(a.High, b.High) {
		return false
	}
	a.Low, a.High, b.Low, b.High = 0, 0, 0, 0
	return a == b
}

// TestScaleAndOffset: the unit of a series and where its zero is change
// nothing but the rounding. Powers of two and whole offsets do not even that.
func TestScaleAndOffset(t *testing.T) {
	values := daily(3000, 5)
	for i := range values {
		values[i] = math.Round(values[i]*1024) / 1024
	}
	for i := 2000; i < 2040; i++ {
		values[i] += 128
	}
	d := detector(t, nil)
	var s anomaly.Series
	want := feed(d, &s, values, 0)
	for _, c := range []struct{ factor, offset float64 }{{1, 0}, {1024, 0}, {1.0 / 4096, 0}, {1, 1 << 20}, {256, -(1 << 24)}} {
		moved := make([]float64, len(values))
		for i, v := range values {
			moved[i] = v*c.factor + c.offset
		}
		var m anomaly.Series
		differ := 0
		for i, v := range feed(d, &m, moved, 0) {
			if math.Abs(float64(v.Probability-want[i].Probability)) > 0.02 {
				differ++
			}
		}
		if differ > len(values)/100 {
			t.Errorf("times %v plus %v: %d of %d probabilities differ", c.factor, c.offset, differ, len(values))
		}
	}
}

func TestLevelShiftIsToldOnceAndLearned(t *testing.T) {
	values := daily(288*20, 6)
	from := 288 * 12
	for i := from; i < len(values); i++ {
		values[i] += 200
	}
	d := detector(t, nil)
	var s anomaly.Series
	all := feed(d, &s, values, 0)
	told := onsets(all)
	near := 0
	for _, i := range told {
		if i >= from && i < from+12 {
			near++
		}
		if i > from+288 {
			t.Errorf("told again %d samples after the shift", i-from)
		}
	}
	if near != 1 {
		t.Errorf("the shift opened %d incidents: %v", near, told)
	}
	for i := from + 288; i < len(all); i++ {
		if all[i].Probability >= anomaly.Default().Threshold {
			t.Errorf("%d samples after the shift: %+v", i-from, all[i])
		}
	}
	if last := all[from+288+anomaly.Default().Quiet]; last.State != anomaly.Normal {
		t.Errorf("a day and the quiet time later it is %s", last.State)
	}
	x := d.Explain(&s)
	if x.Since != int64(told[len(told)-1])*5*minute || x.Direction != anomaly.Above {
		t.Errorf("%+v", x)
	}
}

func TestExplanation(t *testing.T) {
	values := daily(288*12, 7)
	at := 288 * 11
	for i := at; i < at+6; i++ {
		values[i] = 500
	}
	d := detector(t, nil)
	var s anomaly.Series
	for i, v := range feed(d, &s, values[:at+3], 0) {
		if i < at || !v.Onset {
			continue
		}
		if !(v.Low < v.High && v.High < 400) || v.Direction != anomaly.Above {
			t.Errorf("%+v", v)
		}
	}
	x := d.Explain(&s)
	if x.Since < int64(at)*5*minute || !x.Open || x.Direction != anomaly.Above {
		t.Fatalf("no incident of it: %+v", x)
	}
	var shares float32
	for i, ev := range x.Evidence {
		shares += ev.Share
		if i > 0 && ev.Share > x.Evidence[i-1].Share {
			t.Error("the evidence is not in order")
		}
	}
	if math.Abs(float64(shares)-1) > 1e-3 {
		t.Errorf("shares add up to %v", shares)
	}
	if x.Seen == 0 || x.Nearest[0] < 30 || x.Nearest[0] > 500 {
		t.Errorf("nearest pattern %v, seen %d", x.Nearest, x.Seen)
	}
	if text := x.String(); len(text) < 30 {
		t.Error(text)
	}
}

func TestSettingsMatter(t *testing.T) {
	values := daily(288*12, 8)
	at := 288 * 11
	for i := at; i < at+12; i++ {
		values[i] = 300
	}
	told := func(change func(*anomaly.Settings), muted bool) int {
		d := detector(t, change)
		var s anomaly.Series
		feed(d, &s, values[:at], 0)
		n := 0
		for i := at; i < len(values); i++ {
			v := d.Observe(&s, anomaly.Sample{At: int64(i) * 5 * minute, Value: values[i], Muted: muted})
			if v.Onset && i < at+12 {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		name   string
		change func(*anomaly.Settings)
		muted  bool
		want   int
	}{
		{"shipped", nil, false, 1},
		{"above", func(s *anomaly.Settings) { s.Direction = anomaly.Above }, false, 1},
		{"below", func(s *anomaly.Settings) { s.Direction = anomaly.Below }, false, 0},
		{"effect", func(s *anomaly.Settings) { s.MinEffect = 50 }, false, 1},
		{"larger effect", func(s *anomaly.Settings) { s.MinEffect = 400 }, false, 0},
		{"threshold", func(s *anomaly.Settings) { s.Threshold = 0.99995 }, false, 0},
		{"muted", nil, true, 0},
	} {
		if got := told(c.change, c.muted); got != c.want {
			t.Errorf("%s: %d incidents, want %d", c.name, got, c.want)
		}
	}
}

// TestMutedIsLearned: what a maintenance window showed is known after it.
func TestMutedIsLearned(t *testing.T) {
	values := daily(288*14, 9)
	d := detector(t, nil)
	shifted := func(muted bool) float32 {
		var s anomaly.Series
		feed(d, &s, values[:288*10], 0)
		for i := 288 * 10; i < 288*12; i++ {
			v := values[i]
			if muted {
				v += 150
			}
			if got := d.Observe(&s, anomaly.Sample{At: int64(i) * 5 * minute, Value: v, Muted: true}); got.Onset {
				t.Error("an incident while muted")
			}
		}
		var top float32
		for i := 288 * 12; i < 288*13; i++ {
			top = max(top, d.Observe(&s, anomaly.Sample{At: int64(i) * 5 * minute, Value: values[i] + 150}).Probability)
		}
		return top
	}
	if known, news := shifted(true), shifted(false); known >= news {
		t.Errorf("after it was seen muted %v, without %v", known, news)
	}
}
