package cause

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/watch"
)

func made(n int, f func(i int) float64) *Series {
	s := &Series{}
	for i := range n {
		s.At, s.Values = append(s.At, at(i).UnixMilli()), append(s.Values, f(i))
	}
	return s
}

func noise(seed uint64) func() float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	return r.NormFloat64
}

func TestShift(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(noise float64, i int) float64
		// from and to bound the sample of the onset, least and most the deviation.
		from, to    int
		least, most float64
	}{
		{"noise", func(x float64, _ int) float64 { return 100 + x }, 0, 0, 0, 3},
		{"constant", func(float64, int) float64 { return 5 }, 0, 0, 0, 0},
		{"a step", func(x float64, i int) float64 { return 100 + x + step(i, 220, 60) }, 220, 220, 15, 70},
		{"a step down", func(x float64, i int) float64 { return 100 + x - step(i, 220, 60) }, 220, 220, -70, -15},
		{"two samples", func(x float64, i int) float64 { return 100 + x + step(i, 238, 60) }, 238, 238, 15, 70},
		{"one sample is none", func(x float64, i int) float64 { return 100 + x + step(i, 200, 60) - step(i, 201, 60) }, 0, 0, 0, 3},
		{"a ramp counts from where it leaves its past", func(x float64, i int) float64 { return 100 + x + max(0, float64(i-170)) }, 170, 185, 10, 90},
		{"a burst that is over", func(x float64, i int) float64 { return 100 + x + step(i, 200, 60) - step(i, 212, 60) }, 199, 201, 15, 70},
		{"what it did before is nothing new", func(x float64, i int) float64 { return 100 + 0.1*x + step(i%60, 48, 30) }, 0, 0, 0, 4},
		{"two fifths of the time", func(x float64, i int) float64 { return 100 + x + step(i, 144, 60) }, 144, 144, 15, 70},
		{"two thirds of the time", func(x float64, i int) float64 { return 100 + x + step(i, 80, 60) }, 80, 80, 15, 70},
		{"a trifle of a constant one", func(_ float64, i int) float64 { return step(i, 220, 1e-9) }, 220, 220, 5, 10},
		{"a tenth of a constant one", func(_ float64, i int) float64 { return 100 + step(i, 220, 10) }, 220, 220, 2.9, 3.1},
		{"a thousandfold of a constant one", func(_ float64, i int) float64 { return 1 + step(i, 220, 1000) }, 220, 220, 9.9, 10.1},
	} {
		x := noise(uint64(len(c.name)))
		s := made(240, func(i int) float64 { return c.f(x(), i) })
		var w scratch
		d, state := w.find(s, at(239).UnixMilli())
		if state != judged || d.deviation < c.least && c.least != 0 || d.deviation > c.most || c.least == 0 && math.Abs(d.deviation) > c.most {
			t.Errorf("%s: deviation %.2f, want %v to %v", c.name, d.deviation, c.least, c.most)
		}
		if c.to > 0 && (d.onset < at(c.from).UnixMilli() || d.onset > at(c.to).UnixMilli()) {
			t.Errorf("%s: began at sample %d, want %d to %d", c.name, (d.onset-zero.UnixMilli())/every.Milliseconds(), c.from, c.to)
		}
	}
}

func step(i, from int, by float64) float64 {
	if i >= from {
		return by
	}
	return 0
}

// TestNoiseIsCalm looks at how often noise that hangs together is taken for
// trouble.
func TestNoiseIsCalm(t *testing.T) {
	alarms := 0
	const all = 1000
	for seed := range uint64(all) {
		x, ar := noise(seed), 0.0
		s := made(240, func(int) float64 { ar = 0.8*ar + x(); return 100 + ar })
		var w scratch
		if d, _ := w.find(s, at(239).UnixMilli()); d.strength(s, thresholdOf(all)) > 0.3 {
			alarms++
		}
	}
	if alarms > all/50 {
		t.Errorf("%d of %d series of noise are trouble", alarms, all)
	}
}

func TestWeights(t *testing.T) {
	minute := time.Minute.Milliseconds()
	change := func(kind ChangeKind) *Change { return &Change{At: at(100), Kind: kind} }
	onset := at(100).UnixMilli()
	near := func(v, want float64) {
		t.Helper()
		if math.Abs(v-want) > 0.005 {
			t.Errorf("got %.3f, want %.3f", v, want)
		}
	}
	near(change(Release).near(onset), 1)
	near(change(Release).near(onset+10*minute), math.Exp(-1))
	near(change(Release).near(onset-10_000), 1)
	near(change(Release).near(onset-minute), 0)
	near(change(Release).near(never), 0)
	near(change(OtherChange).near(onset+10*minute), math.Exp(-2))
	near(change(Scaling).near(onset), 0.6)

	near(order(onset, onset), 1)
	near(order(onset-60*minute, onset), 1)
	near(order(onset+together, onset), 1)
	near(order(onset+together+minute, onset), math.Exp(-1))
	near(order(never, onset), 1)

	j := judgement{begin: onset}
	near(j.inTime(onset), 1)
	near(j.inTime(never), 1)
	near(j.inTime(onset+together+2*minute), math.Exp(-1))
	near(j.inTime(onset-2*minute), 1)
	near(j.inTime(onset-8*minute), math.Exp(-1))
	near(j.inTime(onset-120*minute), 0.15)

	cpu, rate := &Series{Golden: watch.Saturation, Unit: "cores"}, &Series{Golden: watch.Rate}
	for _, c := range []struct{ load, need, want float64 }{{300, 2.8, 0.25}, {300, 9, 1}, {100, 2.8, 1}, {40, 2.8, 1}, {300, 0.4, 1}} {
		g := signs{moved: []moved{
			{rate, shift{before: 100, after: c.load, deviation: c.load - 100}, 0.9},
			{cpu, shift{before: 1, after: c.need, deviation: c.need - 1}, 0.8},
		}}
		g.gather()
		near(g.internal, pool([]float64{0.8})*c.want)
	}

	near(pool(nil), 0)
	near(pool([]float64{1}), 0.8)
	weak := make([]float64, 500)
	for i := range weak {
		weak[i] = 0.2
	}
	if many := pool(weak); many > 0.2 {
		t.Errorf("500 weak ones are %v", many)
	}
}

// TestDatedShift goes by the detector's date of what it found, but for one that is not of what
// was measured, and dates nothing that did not move.
func TestDatedShift(t *testing.T) {
	x := noise(3)
	for name, c := range map[string]struct {
		height float64
		since  int64
		want   int // the sample of the onset, -1 for none
	}{
		"none":            {60, 0, 220},
		"earlier":         {60, at(205).UnixMilli(), 205},
		"later":           {60, at(223).UnixMilli(), 223},
		"before all":      {60, at(-1).UnixMilli(), 220},
		"after all":       {60, at(300).UnixMilli(), 220},
		"it did not move": {0, at(205).UnixMilli(), -1},
	} {
		s := made(240, func(i int) float64 { return 100 + x() + step(i, 220, c.height) })
		s.Since = c.since
		var w scratch
		d, state := w.find(s, at(239).UnixMilli())
		if c.want < 0 {
			if math.Abs(d.deviation) > 3 {
				t.Errorf("%s: %.1f", name, d.deviation)
			}
			continue
		}
		if state != judged || d.onset != at(c.want).UnixMilli() {
			t.Errorf("%s: began at sample %d, want %d", name, (d.onset-zero.UnixMilli())/every.Milliseconds(), c.want)
		}
	}
}
