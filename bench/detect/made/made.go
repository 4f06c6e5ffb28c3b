// Package made makes labelled series of the kinds that operators watch, to see
// what the detector finds, how it orders samples, and how often it alarms for
// nothing. Nothing of it is measured; the same seed makes the same series.
package made

import (
	"math"
	"math/rand/v2"
	"time"
)

// Series is one made series.
type Series struct {
	// Name is the base and what disturbs it: "daily/level shift".
	Name string
	// Times are in milliseconds since 1970.
	Times  []int64
	Values []float64
	// Events are the disturbances, first and last row.
	Events [][2]int
	// Counter is set where values are of a counter.
	Counter bool
}

// Days is how long the series is.
func (s *Series) Days() float64 {
	if len(s.Times) < 2 {
		return 0
	}
	return float64(s.Times[len(s.Times)-1]-s.Times[0]) / (24 * 3600 * 1000)
}

// Step is the time between samples.
const Step = 5 * time.Minute

const day = int(24 * time.Hour / Step)

// base is what a series does when nothing is wrong.
type base struct {
	name string
	make func(r *rand.Rand, at time.Time, i int) float64
	// size is the size of its usual movement.
	size float64
}

// bases are the kinds of undisturbed series.
func bases() []base {
	hour := func(at time.Time) float64 { return float64(at.Hour()) + float64(at.Minute())/60 }
	wave := func(at time.Time) float64 { return math.Sin(2 * math.Pi * (hour(at) - 8) / 24) }
	walk := 0.0
	return []base{
		{"noise", func(r *rand.Rand, _ time.Time, _ int) float64 { return 50 + 2*r.NormFloat64() }, 2},
		{"daily", func(r *rand.Rand, at time.Time, _ int) float64 { return 100 + 40*wave(at) + 4*r.NormFloat64() }, 40},
		{"weekly", func(r *rand.Rand, at time.Time, _ int) float64 {
			high := 60.0
			if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
				high = 20
			}
			return 100 + high*wave(at) + 5*r.NormFloat64()
		}, 50},
		{"latency", func(r *rand.Rand, at time.Time, _ int) float64 {
			return (0.2 + 0.05*wave(at)) * math.Exp(0.25*r.NormFloat64())
		}, 0.06},
		{"saturation", func(r *rand.Rand, _ time.Time, i int) float64 {
			if i == 0 {
				walk = 0
			}
			walk = 0.98*walk + r.NormFloat64()
			return 60 + 1.5*walk
		}, 8},
		{"sparse", func(r *rand.Rand, _ time.Time, _ int) float64 {
			if r.IntN(12) == 0 {
				return float64(1 + r.IntN(4))
			}
			return 0
		}, 3},
		{"steps", func(r *rand.Rand, at time.Time, _ int) float64 {
			return 3 + 2*math.Floor(2+1.9*wave(at)) + 0.2*r.NormFloat64()
		}, 3},
	}
}

// fault disturbs values[from:to] by a size.
type fault struct {
	name string
	rows int
	do   func(r *rand.Rand, x []float64, size float64)
}

func faults() []fault {
	return []fault{
		{"level shift", 72, func(_ *rand.Rand, x []float64, size float64) {
			for i := range x {
				x[i] += 2 * size
			}
		}},
		{"spike", 2, func(_ *rand.Rand, x []float64, size float64) {
			for i := range x {
				x[i] += 4 * size
			}
		}},
		{"missing peak", day / 2, func(_ *rand.Rand, x []float64, _ float64) {
			low := x[0]
			for i := range x {
				low = min(low, x[i])
			}
			for i := range x {
				x[i] = low + (x[i]-low)*0.15
			}
		}},
		{"slow drift", day, func(_ *rand.Rand, x []float64, size float64) {
			for i := range x {
				x[i] += 3 * size * float64(i) / float64(len(x))
			}
		}},
		{"variance", 144, func(r *rand.Rand, x []float64, size float64) {
			for i := range x {
				x[i] += size * r.NormFloat64()
			}
		}},
		{"flat line", 96, func(_ *rand.Rand, x []float64, _ float64) {
			for i := range x {
				x[i] = x[0]
			}
		}},
		{"drop", 36, func(_ *rand.Rand, x []float64, _ float64) {
			for i := range x {
				x[i] = 0
			}
		}},
	}
}

// zone is where the made users live: its clock is put forward in the series.
func zone() *time.Location {
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.UTC
	}
	return z
}

// Zone is the zone that the rhythms of all series follow.
func Zone() *time.Location { return zone() }

// Undisturbed makes n series of the given days, in which nothing is wrong,
// over a change to daylight saving. Every seventh is a counter that restarts.
func Undisturbed(seed uint64, n, days int) []*Series {
	kinds := bases()
	var all []*Series
	for i := range n {
		b := kinds[i%len(kinds)]
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		s := undisturbed(r, b, days)
		if i%7 == 6 && i%2 == 0 {
			s.count(r)
		}
		all = append(all, s)
	}
	return all
}

func undisturbed(r *rand.Rand, b base, days int) *Series {
	z := zone()
	at := time.Date(2026, 3, 9, 0, 0, 0, 0, z)
	s := &Series{Name: b.name}
	for i := range days * day {
		s.Times = append(s.Times, at.UnixMilli())
		s.Values = append(s.Values, b.make(r, at.In(z), i))
		at = at.Add(Step)
	}
	return s
}

// count makes a counter of a rate, with a few restarts.
func (s *Series) count(r *rand.Rand) {
	s.Name, s.Counter = s.Name+"/counter", true
	total := 0.0
	for i, v := range s.Values {
		if r.IntN(1000) == 0 {
			total = 0
		}
		total += max(0, v) * Step.Seconds()
		s.Values[i] = total
	}
}

// Disturbed makes, for every kind of series and every fault, n series of the
// given days with one or two of the fault, none in the first third.
func Disturbed(seed uint64, n, days int) []*Series {
	var all []*Series
	for bi, b := range bases() {
		for fi, f := range faults() {
			for k := range n {
				r := rand.New(rand.NewPCG(seed, uint64(bi*10000+fi*100+k)))
				s := undisturbed(r, b, days)
				s.Name += "/" + f.name
				rows := len(s.Values)
				for e := range 1 + k%2 {
					from := rows/3 + e*rows/3 + r.IntN(rows/3-f.rows-day)
					if f.name == "missing peak" {
						from -= (from + 2*day/3) % day // the waking hours
					}
					f.do(r, s.Values[from:from+f.rows], b.size)
					s.Events = append(s.Events, [2]int{from, from + f.rows - 1})
				}
				all = append(all, s)
			}
		}
	}
	return all
}
