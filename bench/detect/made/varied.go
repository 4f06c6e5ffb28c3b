package made

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A background is what a varied series does when nothing is wrong. Its maker
// draws the details once and returns the value of row i at a moment.
type background struct {
	name string
	make func(r *rand.Rand) func(at time.Time, i int) float64
	// rhythm is the length of what recurs, 0 where nothing does; rows is the
	// same where it follows no clock.
	rhythm time.Duration
	rows   int
}

// lag is the rhythm in rows, 0 for none.
func (b background) lag(step time.Duration) int { return b.rows + int(b.rhythm/step) }

func (b background) periodic() bool { return b.rows > 0 || b.rhythm > 0 }

const oneDay = 24 * time.Hour

// backgrounds are the kinds of varied series.
func backgrounds() []background {
	return []background{
		{"day", func(r *rand.Rand) func(time.Time, int) float64 {
			shape, noise := harmonics(r), 0.02+0.1*r.Float64()
			return func(at time.Time, _ int) float64 { return 3 + shape(ofDay(at)) + noise*r.NormFloat64() }
		}, oneDay, 0},
		{"week", func(r *rand.Rand) func(time.Time, int) float64 {
			shape, noise, rest := harmonics(r), 0.02+0.1*r.Float64(), 0.2+0.4*r.Float64()
			return func(at time.Time, _ int) float64 {
				size := 1.0
				if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
					size = rest
				}
				return 3 + size*(1+shape(ofDay(at))) + noise*r.NormFloat64()
			}
		}, oneDay, 0},
		{"heavy tails", func(r *rand.Rand) func(time.Time, int) float64 {
			return func(time.Time, int) float64 { return math.Exp(0.8 * r.NormFloat64()) }
		}, 0, 0},
		{"correlated", func(r *rand.Rand) func(time.Time, int) float64 {
			a, x := 0.9+0.09*r.Float64(), 0.0
			return func(time.Time, int) float64 {
				x = a*x + math.Sqrt(1-a*a)*r.NormFloat64()
				return 20 + x
			}
		}, 0, 0},
		{"walk", func(r *rand.Rand) func(time.Time, int) float64 {
			x := 0.0
			return func(time.Time, int) float64 { x += r.NormFloat64(); return 1000 + x }
		}, 0, 0},
		{"on and off", func(r *rand.Rand) func(time.Time, int) float64 {
			on, left, mean := false, 0, 10+r.IntN(60)
			return func(time.Time, int) float64 {
				if left--; left < 0 {
					on, left = !on, mean/2+r.IntN(mean)
				}
				if on {
					return 10 + 0.3*r.NormFloat64()
				}
				return 1 + 0.1*r.NormFloat64()
			}
		}, 0, 0},
		{"counts", func(r *rand.Rand) func(time.Time, int) float64 {
			rate, shape := 0.3+3*r.Float64(), harmonics(r)
			return func(at time.Time, _ int) float64 { return poisson(r, rate*math.Exp(0.5*shape(ofDay(at)))) }
		}, oneDay, 0},
		{"wave", func(r *rand.Rand) func(time.Time, int) float64 {
			shape, noise := harmonics(r), 0.02+0.1*r.Float64()
			return func(_ time.Time, i int) float64 { return 3 + shape(float64(i)/waveRows) + noise*r.NormFloat64() }
		}, 0, waveRows},
		{"saw", func(r *rand.Rand) func(time.Time, int) float64 {
			// Memory that is collected.
			x, top, rise := 0.0, 50+20*r.Float64(), 0.3+r.Float64()
			return func(time.Time, int) float64 {
				x += rise * (0.5 + r.Float64())
				if x > top+5*r.NormFloat64() {
					x = 2 * r.Float64()
				}
				return 100 + x
			}
		}, 0, 0},
		{"growing", func(r *rand.Rand) func(time.Time, int) float64 {
			shape, slope := harmonics(r), 0.0002+0.002*r.Float64()
			return func(at time.Time, i int) float64 {
				return 5 + slope*float64(i) + shape(ofDay(at)) + 0.05*r.NormFloat64()
			}
		}, oneDay, 0},
		{"bursts", func(r *rand.Rand) func(time.Time, int) float64 {
			// A job that runs now and then, at times of its own.
			every, busy := 40+r.IntN(100), 0
			return func(time.Time, int) float64 {
				if busy--; busy < 0 && r.IntN(every) == 0 {
					busy = 3 + r.IntN(4)
				}
				if busy > 0 {
					return 20 + 3*r.NormFloat64()
				}
				return 5 + 0.4*math.Abs(r.NormFloat64())
			}
		}, 0, 0},
	}
}

// waveRows is the length of a rhythm that follows no clock.
const waveRows = 100

// ofDay is which part of its day a moment is.
func ofDay(at time.Time) float64 {
	return float64(at.Hour()*3600+at.Minute()*60+at.Second()) / oneDay.Seconds()
}

// harmonics draws the shape of a period from four waves, between about -1 and
// 1. What it returns takes the time in periods.
func harmonics(r *rand.Rand) func(of float64) float64 {
	var size, phase [4]float64
	sum := 0.0
	for k := range size {
		size[k], phase[k] = r.Float64()/float64(k+1), 2*math.Pi*r.Float64()
		sum += size[k]
	}
	return func(of float64) float64 {
		x := 0.0
		for k := range size {
			x += size[k] * math.Sin(2*math.Pi*float64(k+1)*of+phase[k])
		}
		return 1.3 * x / sum
	}
}

func poisson(r *rand.Rand, mean float64) float64 {
	n, p, limit := 0, 1.0, math.Exp(-mean)
	for {
		if p *= r.Float64(); p <= limit {
			return float64(n)
		}
		n++
	}
}

// A disturbance changes x[from:to]. Scale is the usual range of the series, lag
// the rows of its rhythm, 0 where it has none.
type disturbance struct {
	name string
	// How many rows it takes; one that needs a rhythm takes its length.
	least, most int
	rhythm      bool
	do          func(r *rand.Rand, x []float64, from, to int, scale float64, lag int)
}

func disturbances() []disturbance {
	sign := func(r *rand.Rand) float64 { return float64(2*r.IntN(2) - 1) }
	return []disturbance{
		{"spike", 1, 4, false, func(r *rand.Rand, x []float64, from, to int, scale float64, _ int) {
			d := (0.8 + 2*r.Float64()) * scale
			for i := from; i < to; i++ {
				x[i] += d
			}
		}},
		{"dip", 1, 8, false, func(r *rand.Rand, x []float64, from, to int, scale float64, _ int) {
			d := (0.8 + r.Float64()) * scale
			for i := from; i < to; i++ {
				x[i] -= d
			}
		}},
		{"level shift", 40, 300, false, func(r *rand.Rand, x []float64, from, to int, scale float64, _ int) {
			d := sign(r) * (0.5 + r.Float64()) * scale
			for i := from; i < to; i++ {
				x[i] += d
			}
		}},
		{"ramp", 60, 400, false, func(r *rand.Rand, x []float64, from, to int, scale float64, _ int) {
			d := sign(r) * (1 + r.Float64()) * scale
			for i := from; i < to; i++ {
				x[i] += d * float64(i-from) / float64(to-from)
			}
		}},
		{"more variance", 40, 200, false, func(r *rand.Rand, x []float64, from, to int, scale float64, _ int) {
			d := (0.2 + 0.3*r.Float64()) * scale
			for i := from; i < to; i++ {
				x[i] += d * r.NormFloat64()
			}
		}},
		{"flat line", 40, 200, false, func(_ *rand.Rand, x []float64, from, to int, _ float64, _ int) {
			for i := from; i < to; i++ {
				x[i] = x[from]
			}
		}},
		{"missing peak", 0, 0, true, func(_ *rand.Rand, x []float64, from, to int, _ float64, _ int) {
			low := x[from]
			for _, v := range x[from:to] {
				low = min(low, v)
			}
			for i := from; i < to; i++ {
				x[i] = low + 0.15*(x[i]-low)
			}
		}},
		{"frequency", 0, 0, true, func(_ *rand.Rand, x []float64, from, to int, _ float64, lag int) {
			// Time runs at twice the speed, over the rhythm before.
			for i := from; i < to; i++ {
				x[i] = x[from-2*lag+(2*(i-from))%lag]
			}
		}},
		{"shape", 0, 0, true, func(_ *rand.Rand, x []float64, from, to int, _ float64, lag int) {
			// Backwards, and so within what is usual at any moment of a day.
			for i := from; i < to; i++ {
				x[i] = x[from-1-(i-from)%lag]
			}
		}},
	}
}

// Varied makes n labelled series of all backgrounds and disturbances, sampled
// every ten seconds to every day, of 1,200 to 17,280 rows, with one to three
// disturbances of one kind, none in the first third; where there is no room for
// them it makes another.
func Varied(seed uint64, n int) []*Series {
	bs, ds := backgrounds(), disturbances()
	var all []*Series
	for i := 0; len(all) < n; i++ {
		d := ds[i%len(ds)]
		b := bs[(i/len(ds))%len(bs)]
		if d.rhythm && !b.periodic() {
			continue
		}
		if s := varied(rand.New(rand.NewPCG(seed, uint64(i))), b, d); s != nil {
			all = append(all, s)
		}
	}
	return all
}

// steps are the times between samples that monitoring and business data have.
func steps() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
}

func varied(r *rand.Rand, b background, d disturbance) *Series {
	step := steps()[r.IntN(len(steps()))]
	if !b.periodic() && r.IntN(3) == 0 {
		step = []time.Duration{10 * time.Second, oneDay}[r.IntN(2)]
	}
	rows := int(1200 * math.Exp(2.5*r.Float64()))
	lag := b.lag(step)
	rows = max(rows, 12*lag)
	s := generate(r, b, step, rows)
	s.Name += "/" + d.name
	least, most := d.least, d.most
	if d.rhythm {
		least, most = lag/2, lag
		if d.name != "missing peak" {
			least, most = lag, 2*lag
		}
		least = max(least, 4)
	}
	most = max(least, min(most, rows/15))
	scale := usual(s.Values)
	events := 1 + r.IntN(3)
	third := rows / 3
	for e := range events {
		long := least + r.IntN(most-least+1)
		room := 2*third/events - long - 1
		if room < 1 {
			continue
		}
		from := third + e*2*third/events + r.IntN(room)
		if d.rhythm && from < 2*lag {
			continue
		}
		d.do(r, s.Values, from, from+long, scale, lag)
		s.Events = append(s.Events, [2]int{from, from + long - 1})
	}
	if len(s.Events) == 0 {
		return nil
	}
	s.unit(r)
	return s
}

// Calm makes n series of the backgrounds in which nothing is wrong.
func Calm(seed uint64, n, rows int) []*Series {
	bs := backgrounds()
	var all []*Series
	for i := range n {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		s := generate(r, bs[i%len(bs)], Step, rows)
		s.unit(r)
		all = append(all, s)
	}
	return all
}

func generate(r *rand.Rand, b background, step time.Duration, rows int) *Series {
	s := &Series{Name: b.name}
	next := b.make(r)
	at := time.Date(2026, 1, 5, r.IntN(24), 0, 0, 0, time.UTC)
	for i := range rows {
		s.Times = append(s.Times, at.UnixMilli())
		s.Values = append(s.Values, next(at, i))
		at = at.Add(step)
	}
	return s
}

// unit puts a series in an arbitrary unit.
func (s *Series) unit(r *rand.Rand) {
	f := math.Pow(10, float64(r.IntN(9)-4))
	for i := range s.Values {
		s.Values[i] *= f
	}
}

// usual is the range of nine tenths of the values.
func usual(x []float64) float64 {
	sorted := append([]float64(nil), x...)
	slices.Sort(sorted)
	n := len(sorted) - 1
	return max(sorted[n*95/100]-sorted[n*5/100], 1e-9)
}
