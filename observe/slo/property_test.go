package slo

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestWindowsAreWhatTheSamplesSay compares windows with a sum over all samples.
func TestWindowsAreWhatTheSamplesSay(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := newHistory(0, reach{3_600_000, 10_000}, reach{86_400_000, 60_000}, reach{30 * 86_400_000, 3_600_000})
		type event struct {
			from, to int64
			c        counts
		}
		var all []event
		// Some begin long after they were made: nothing is held of the time before.
		now := int64(seed%4) * 11 * 86_400_000
		for range 3000 {
			from := now
			now += 1000 + r.Int64N(60_000)
			if r.IntN(50) == 0 {
				now += r.Int64N(10_000_000)
			}
			if r.IntN(10) == 0 { // late: it reaches behind the head
				from = max(0, from-r.Int64N(300_000))
			}
			e := event{from, now, counts{float64(r.IntN(10)), float64(r.IntN(1000))}}
			h.add(e.from, e.to, e.c)
			all = append(all, e)
		}
		for _, w := range []int64{60_000, 300_000, 3_600_000, 20_000_000, 86_400_000, 7 * 86_400_000} {
			var want counts
			for _, e := range all {
				if inside := float64(e.to-max(e.from, now-w)) / float64(e.to-e.from); inside > 0 {
					want.add(e.c, inside)
				}
			}
			got := h.since(now - w)
			// The old edge is known to a step: what lies within one may differ.
			if tolerance := 0.02*want.total + 2000; math.Abs(got.total-want.total) > tolerance || math.Abs(got.bad-want.bad) > 0.02*want.bad+20 {
				t.Errorf("seed %d, window %d: %+v, want %+v", seed, w, got, want)
			}
		}
		if all := h.since(0); all.total != h.now.total {
			t.Errorf("seed %d: the whole is %v, not %v", seed, all, h.now)
		}
	}
}

// TestMemoryOfHistory takes memory for what happened, not for what may.
func TestMemoryOfHistory(t *testing.T) {
	whole := []reach{{3_600_000, 10_000}, {86_400_000, 60_000}, {30 * 86_400_000, 3_600_000}}
	h := newHistory(0, whole...)
	h.advance(40 * 86_400_000)
	if n := h.bytes(); n != 0 {
		t.Errorf("%d bytes for nothing", n)
	}
	from := h.head
	for now := from; now < from+600_000; now += 10_000 {
		h.add(now, now+10_000, counts{0, 100})
	}
	if n := h.bytes(); n == 0 || n > 3000 {
		t.Errorf("%d bytes for ten minutes", n)
	}
	if got := h.since(h.head - 300_000); got.total != 3000 {
		t.Errorf("%v in five minutes", got)
	}
	if got := h.since(0); got.total != 6000 {
		t.Errorf("%v in all", got)
	}
	for now := h.head; now < from+60*86_400_000; now += 60_000 {
		h.add(now, now+60_000, counts{0, 600})
	}
	if got := h.since(h.head - 30*86_400_000); got.total != 30*86_400_000/100 {
		t.Errorf("%v in thirty days", got)
	}
}

func TestEvenTrafficIsExactAtEveryWindow(t *testing.T) {
	h := newHistory(0, reach{3_600_000, 10_000}, reach{86_400_000, 60_000})
	for now := int64(15_000); now <= 2*86_400_000; now += 15_000 {
		h.add(now-15_000, now, counts{1, 150})
	}
	for w := int64(1000); w <= 86_400_000; w = w*3/2 + 7 {
		if got := h.since(h.head - w); math.Abs(got.total-float64(w)/100) > 1e-6*float64(w)+1e-6 {
			t.Errorf("%d ms: %v", w, got.total)
		}
	}
}

// exactLower is the exact one-sided bound of a binomial share, by bisection.
func exactLower(bad, total int, alpha float64) float64 {
	low, high := 0.0, float64(bad)/float64(total)
	for range 60 {
		p := (low + high) / 2
		tail := 0.0
		for k := bad; k <= total; k++ {
			c, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(total), int64(k))).Float64()
			tail += c * math.Pow(p, float64(k)) * math.Pow(1-p, float64(total-k))
		}
		if tail < alpha {
			low = p
		} else {
			high = p
		}
	}
	return low
}

// TestLowerBoundIsThatOfTheBinomial holds the formula to the exact bound.
func TestLowerBoundIsThatOfTheBinomial(t *testing.T) {
	z := Quantile(0.95)
	if math.Abs(z-1.6448536) > 1e-6 {
		t.Fatal(z)
	}
	for total := 1; total <= 120; total += 1 + total/10 {
		for bad := 1; bad <= total; bad += 1 + bad/4 {
			got, want := LowerBound(float64(bad), float64(total), z), exactLower(bad, total, 0.05)
			if math.Abs(got-want) > 0.03 || got > float64(bad)/float64(total) {
				t.Errorf("%d of %d: %.4f, exactly %.4f", bad, total, got, want)
			}
			if bad >= 2 && float64(bad)/float64(total) < 0.2 && got > want*1.6+1e-3 {
				t.Errorf("%d of %d: %.4f is far above %.4f", bad, total, got, want)
			}
		}
	}
	for _, x := range [][3]float64{{0, 100, z}, {1, 0, z}, {-1, 10, z}, {math.NaN(), 10, z}, {1, math.NaN(), z}} {
		if b := LowerBound(x[0], x[1], x[2]); b != 0 {
			t.Errorf("%v: %v", x, b)
		}
	}
	if more, less := LowerBound(20, 1000, z), LowerBound(2, 100, z); more <= less {
		t.Errorf("more evidence proves less: %v, %v", more, less)
	}
	if Quantile(0.5) != 0 || Quantile(0) != 0 {
		t.Error("no confidence asks for something")
	}
}

// randomStory is a story of all kinds of trouble.
func randomStory(r *rand.Rand) (text string) {
	trouble := []string{"", "lost", "silent", "absent", "nan", "negative", "restart", "noerrors", "nototal", "late", "created", "inf"}
	for range 3 + r.IntN(12) {
		text += fmt.Sprintf("%dm %d/s bad %d%% %s pods %d\n", 1+r.IntN(90), r.IntN(200), []int{0, 0, 0, 1, 5, 100}[r.IntN(6)], trouble[max(0, r.IntN(24)-12)], 1+r.IntN(3))
	}
	return text
}

// TestNothingBreaksTheInvariants plays random stories.
func TestNothingBreaksTheInvariants(t *testing.T) {
	objectives := []Objective{ofErrors(), ofTarget(0.9), ofGood(), ofSlices()}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		o := objectives[seed%4]
		text := randomStory(r)
		s := newStory(t, o, time.Minute)
		open := false
		var before Status
		s.onStatus = func(st Status) {
			for _, b := range st.Burns {
				if b.Known != (b.Total > 0) || math.IsNaN(b.Rate) || math.IsInf(b.Rate, 0) || b.Rate < 0 {
					t.Fatalf("seed %d: a burn that cannot be: %+v", seed, b)
				}
			}
			b := st.Budget
			if math.IsNaN(b.Spent) || b.Bad < 0 || b.Bad > b.Total || b.Coverage < 0 || b.Coverage > 1 || b.Known && (b.Achieved < 0 || b.Achieved > 1) {
				t.Fatalf("seed %d: a budget that cannot be: %+v", seed, b)
			}
			if st.State.Frozen() && len(before.Tiers) > 0 {
				for i := range st.Tiers {
					if st.Tiers[i].Phase != before.Tiers[i].Phase {
						t.Fatalf("seed %d: a frozen alert moved", seed)
					}
				}
			}
			for _, e := range st.Events {
				switch e.Kind {
				case Opened:
					if open {
						t.Fatalf("seed %d: two incidents at once", seed)
					}
					open = true
				case Resolved:
					open = false
				}
			}
			if open != (st.Incident != nil) {
				t.Fatalf("seed %d: the events and the incident differ", seed)
			}
			before = st
		}
		s.tell(text)

		again := newStory(t, o, time.Minute)
		again.tell(text)
		if !reflect.DeepEqual(s.statuses, again.statuses) {
			t.Errorf("seed %d: the same story ended differently", seed)
		}
	}
}

// TestASnapshotChangesNothing ends and restores the Monitor at a random moment.
func TestASnapshotChangesNothing(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		o := []Objective{ofErrors(), ofGood(), ofSlices(), ofGauge()}[seed%4]
		first, second := randomStory(r), randomStory(r)
		a, b := newStory(t, o, time.Minute), newStory(t, o, time.Minute)
		a.tell(first)
		a.tell(second)
		b.tell(first)
		snapshot := b.m.Snapshot()
		m, err := Restore(o, Options{Interval: time.Minute, Start: epoch}, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.Snapshot(), snapshot) {
			t.Errorf("seed %d: the snapshot of what was restored differs", seed)
		}
		b.m = m
		b.tell(second)
		if !reflect.DeepEqual(a.statuses, b.statuses) {
			t.Errorf("seed %d: a restart changed the story", seed)
		}
	}
}

// TestTheOrderOfSamplesDoesNotMatter shuffles each batch.
func TestTheOrderOfSamplesDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	o := ofErrors()
	shuffled, err := New(o, Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	s := newStory(t, o, time.Minute)
	s.onBatch = func(b Batch) {
		c := Batch{At: b.At, Lost: b.Lost, Samples: slices.Clone(b.Samples)}
		r.Shuffle(len(c.Samples), func(i, j int) { c.Samples[i], c.Samples[j] = c.Samples[j], c.Samples[i] })
		shuffled.Observe(c)
	}
	s.onStatus = func(st Status) {
		if other := shuffled.Evaluate(st.At); !reflect.DeepEqual(st, other) {
			t.Fatalf("%+v\n%+v", st, other)
		}
	}
	s.tell("6h 96/s pods 3\n30m 96/s bad 50% pods 3\n1h 96/s pods 3 restart")
}
