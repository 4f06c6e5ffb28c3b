package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

func TestUnusable(t *testing.T) {
	d := detector(t, nil)
	var s anomaly.Series
	feed(d, &s, daily(500, 1), 0)
	before := s
	for _, c := range []struct {
		sample anomaly.Sample
		want   anomaly.State
	}{
		{anomaly.Sample{At: 500 * 5 * minute, Value: math.NaN()}, anomaly.Absent},
		{anomaly.Sample{At: 500 * 5 * minute, Value: math.Inf(1)}, anomaly.Absent},
		{anomaly.Sample{At: 499 * 5 * minute, Value: 1e9}, anomaly.Late},
	} {
		got := d.Observe(&s, c.sample)
		if got.State != c.want || got.Onset || got.Probability != 0 || !math.IsNaN(got.Low) {
			t.Errorf("%+v: %+v", c.sample, got)
		}
	}
	if got := s.Lost(); got != (anomaly.Lost{Absent: 2, Late: 1}) {
		t.Errorf("%+v", got)
	}
	for i := range 50 {
		at := int64(500+i) * 5 * minute
		if a, b := d.Observe(&s, anomaly.Sample{At: at, Value: 100}), d.Observe(&before, anomaly.Sample{At: at, Value: 100}); !same(a, b) {
			t.Fatalf("what cannot be used was learned: %+v, %+v", a, b)
		}
	}
}

func TestLateAndClock(t *testing.T) {
	d := detector(t, nil)
	var s anomaly.Series
	values := daily(3000, 2)
	feed(d, &s, values[:2000], 0)
	// Late ones, out of order among themselves, are never believed.
	for i := range 50 {
		if got := d.Observe(&s, anomaly.Sample{At: int64(1000-i) * 5 * minute, Value: 5}); got.State != anomaly.Late {
			t.Fatalf("late %d: %s", i, got.State)
		}
	}
	// A clock put back by a day is, after a few samples in order.
	used := 0
	for i := range 20 {
		if got := d.Observe(&s, anomaly.Sample{At: int64(1700+i) * 5 * minute, Value: values[1700+i]}); got.State != anomaly.Late {
			used++
		}
	}
	if used < 14 || used > 17 {
		t.Errorf("%d of 20 samples were used after the clock was put back", used)
	}
	// A gap of a week opens nothing by itself.
	day := int64(2016 + 1720)
	for i := range 288 {
		got := d.Observe(&s, anomaly.Sample{At: (day + int64(i)) * 5 * minute, Value: values[1720+i]})
		if got.State == anomaly.Late || got.Onset {
			t.Fatalf("after a gap: sample %d is %+v", i, got)
		}
	}
}

func TestCounter(t *testing.T) {
	d := detector(t, func(set *anomaly.Settings) { set.Counter = true })
	var s anomaly.Series
	total, restarts := 0.0, 0
	for i, v := range daily(288*20, 4) {
		total += v * 300
		if i%700 == 699 {
			total = 0
		}
		got := d.Observe(&s, anomaly.Sample{At: int64(i) * 5 * minute, Value: total})
		if got.State == anomaly.Restarted {
			restarts++
		}
		if got.Onset {
			t.Errorf("sample %d opened an incident", i)
		}
		if i > 2000 && got.State == anomaly.Normal && (got.Low < -50 || got.High > 250) {
			t.Fatalf("sample %d: the rate is expected between %v and %v", i, got.Low, got.High)
		}
	}
	if want := 1 + 288*20/700; restarts != want {
		t.Errorf("%d restarts, want %d", restarts, want)
	}
	// Put back in time, a counter's rate is unknown once.
	at := int64(10) * 5 * minute
	states := map[anomaly.State]int{}
	for i := range 8 {
		states[d.Observe(&s, anomaly.Sample{At: at + int64(i)*5*minute, Value: total + float64(i)}).State]++
	}
	if states[anomaly.Late] != 4 || states[anomaly.Restarted] != 1 {
		t.Errorf("%v", states)
	}
}

// TestConstant: nothing happens on a line; leaving it is an event; and it
// takes no day to be at ease again.
func TestConstant(t *testing.T) {
	d := detector(t, nil)
	var s anomaly.Series
	line := make([]float64, 4000)
	for i := range line {
		line[i] = 7
	}
	for i := 2000; i < 2003; i++ {
		line[i] = 9
	}
	told := onsets(feed(d, &s, line, 0))
	if len(told) != 1 || told[0] < 2000 || told[0] > 2012 {
		t.Errorf("incidents at %v", told)
	}
}

// TestDaylightSaving: habits follow the clock of the users. When it is put
// forward, the working day begins an hour earlier for the machine.
func TestDaylightSaving(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	run := func(zone *time.Location) (worst float32, told bool) {
		d := detector(t, func(set *anomaly.Settings) { set.Location = zone })
		var s anomaly.Series
		at := time.Date(2026, 2, 23, 0, 0, 0, 0, berlin)
		change := time.Date(2026, 3, 29, 3, 0, 0, 0, berlin)
		for at.Before(change.AddDate(0, 0, 3)) {
			h := at.In(berlin).Hour()
			v := 10.0
			if h >= 8 && h < 18 {
				v = 100
			}
			got := d.Observe(&s, anomaly.Sample{At: at.UnixMilli(), Value: v + float64(at.Minute()%7)/10})
			told = told || got.Onset && at.After(change)
			if at.After(change.Add(2 * time.Hour)) {
				worst = max(worst, got.Probability)
			}
			at = at.Add(10 * time.Minute)
		}
		return worst, told
	}
	aware, told := run(berlin)
	unaware, _ := run(time.UTC)
	if aware >= unaware {
		t.Errorf("on the users' clock %v, on the machine's %v", aware, unaware)
	}
	if told {
		t.Errorf("the change itself is an incident: %v", aware)
	}
}

func TestHoliday(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday
	free := time.Date(2026, 4, 14, 0, 0, 0, 0, time.UTC) // a Tuesday
	run := func(holiday func(time.Time) bool) (sum float32) {
		d := detector(t, func(set *anomaly.Settings) { set.Holiday = holiday })
		var s anomaly.Series
		for at := start; at.Before(free.AddDate(0, 0, 1)); at = at.Add(10 * time.Minute) {
			off := at.Weekday() == time.Sunday || at.Weekday() == time.Saturday || !at.Before(free)
			v := 10 + float64(at.Minute()%7)
			if h := at.Hour(); h >= 8 && h < 18 && !off {
				v += 100
			}
			got := d.Observe(&s, anomaly.Sample{At: at.UnixMilli(), Value: v})
			if !at.Before(free) {
				sum += got.Probability
			}
		}
		return sum
	}
	known := run(func(day time.Time) bool { return day.Equal(free) })
	if surprised := run(nil); known >= surprised {
		t.Errorf("a holiday that is known sums up to %v, one that is not to %v", known, surprised)
	}
}

func TestValidate(t *testing.T) {
	bad := anomaly.Default()
	bad.Threshold, bad.Direction, bad.MinEffect, bad.Warmup, bad.Quiet = 1, 3, -1, 5, 0
	bad.Evidence, bad.Tuning.Hold = -1, 0
	if problems := bad.Validate(); len(problems) != 7 {
		t.Errorf("%d problems: %v", len(problems), problems)
	}
	if _, err := anomaly.New(bad); err == nil {
		t.Error("a detector was made of them")
	}
	if problems := anomaly.Default().Validate(); problems != nil {
		t.Error(problems)
	}
}

// TestRounding sees a jump of a series whose last digits are noise, and one that
// creeps by less than that noise at a time.
func TestRounding(t *testing.T) {
	d := detector(t, nil)
	random := rand.New(rand.NewPCG(3, 4))
	var s anomaly.Series
	for i := range 2010 {
		v := 0.095 * (1 + 1e-12*random.Float64())
		if i >= 2000 {
			v = 0.46
		}
		got := d.Observe(&s, anomaly.Sample{At: 1_700_000_000_000 + int64(i)*30_000, Value: v})
		if got.Onset != (i == 2000) {
			t.Errorf("sample %d: onset %v", i, got.Onset)
		}
	}
	var slow anomaly.Series
	v, last := 1.0, anomaly.Verdict{}
	for i := range 20_000 {
		v *= 1 + 5e-10
		last = d.Observe(&slow, anomaly.Sample{At: 1_700_000_000_000 + int64(i)*30_000, Value: v})
	}
	if !(last.Low <= v && v <= last.High) || last.Low < 1.000001 {
		t.Errorf("of what creeps %v to %v was expected, not %v", last.Low, last.High, v)
	}
}
