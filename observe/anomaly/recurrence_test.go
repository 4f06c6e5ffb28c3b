package anomaly_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// spell is for how long, from when on, a load is how many times the usual.
type spell struct {
	from, long time.Duration
	times      float64
}

// each is a spell at the same time of so many days, every so many days.
func each(days, every int, at time.Duration, times float64) (all []spell) {
	for day := 0; day < days; day += every {
		all = append(all, spell{time.Duration(day)*24*time.Hour + at, time.Hour, times})
	}
	return all
}

// TestRecurrence: what comes each night or each week is told the first two times, and
// again only when it goes farther, the other way or at another hour.
func TestRecurrence(t *testing.T) {
	const night, day = 80 * time.Minute, 24 * time.Hour
	for _, c := range []struct {
		name   string
		spells []spell
		days   int
		// quiet is from when on nothing is told but at told.
		quiet, told time.Duration
	}{
		{"each night", each(30, 1, night, 6), 30, 4 * day, 0},
		{"each week", each(56, 7, night, 6), 56, 15 * day, 0},
		{"each night, and once far higher", append(each(20, 1, night, 6), spell{20*day + night, time.Hour, 40}), 21, 4 * day, 20*day + night},
		{"each night, and once lower", append(each(20, 1, night, 1.5), spell{20*day + night, time.Hour, 0.1}), 21, 4 * day, 20*day + night},
		{"each night, and once by day", append(each(21, 1, night, 6), spell{19*day + 13*time.Hour, time.Hour, 9}), 21, 4 * day, 19*day + 13*time.Hour},
		{
			"what lasted long is expected at none of its hours", []spell{
				{8 * day, 23 * time.Hour, 3},
				{10*day + 2*time.Hour, 21 * time.Hour, 3},
				{12*day + 20*time.Hour, time.Hour, 12},
			}, 14, 11 * day, 12*day + 20*time.Hour,
		},
	} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(c.name, seed), func(t *testing.T) {
				var late []time.Duration
				for _, at := range told(t, c.spells, c.days, seed) {
					if at > c.quiet {
						late = append(late, at)
					}
				}
				if c.told == 0 && len(late) > 0 {
					t.Errorf("told again at %v", late)
				}
				near := func(at time.Duration) bool { return at >= c.told && at < c.told+time.Hour }
				if c.told > 0 && (!slices.ContainsFunc(late, near) || len(late) > 2) {
					t.Errorf("told at %v, not at %v", late, c.told)
				}
			})
		}
	}
}

// told is when incidents open in a load of a value a minute.
func told(t *testing.T, spells []spell, days int, seed uint64) (at []time.Duration) {
	r := rand.New(rand.NewPCG(seed, 21))
	d := detector(t, nil)
	var s anomaly.Series
	start := time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC)
	for i := range days * 24 * 60 {
		past := time.Duration(i) * time.Minute
		load := 50.0
		for _, one := range spells {
			if past >= one.from && past < one.from+one.long {
				load *= one.times
			}
		}
		load *= 1 + 0.05*r.NormFloat64()
		if d.Observe(&s, anomaly.Sample{At: start.Add(past).UnixMilli(), Value: load}).Onset {
			at = append(at, past)
		}
	}
	return at
}
