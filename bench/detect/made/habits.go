package made

import (
	"math/rand/v2"
	"time"
)

// A habit is something large that is meant to happen and does so by the clock.
type habit struct {
	name string
	// make draws when it is; what it returns tells whether it is at a moment.
	make func(r *rand.Rand) func(at time.Time) bool
}

func habits() []habit {
	return []habit{
		{"nightly job", func(r *rand.Rand) func(time.Time) bool {
			begins := time.Duration(r.IntN(5*60)) * time.Minute // after midnight
			return func(at time.Time) bool {
				in := sinceMidnight(at) - begins
				return in >= 0 && in < time.Hour
			}
		}},
		{"nightly job at no fixed minute", func(r *rand.Rand) func(time.Time) bool {
			begins := time.Duration(30+r.IntN(4*60)) * time.Minute
			day, from, to := -1, time.Duration(0), time.Duration(0)
			return func(at time.Time) bool {
				if at.YearDay() != day {
					// It waits for up to 40 minutes and takes 40 to 80.
					day, from = at.YearDay(), begins+time.Duration(r.IntN(40))*time.Minute
					to = from + time.Duration(40+r.IntN(40))*time.Minute
				}
				in := sinceMidnight(at)
				return in >= from && in < to
			}
		}},
		{"weekly job", func(r *rand.Rand) func(time.Time) bool {
			day, begins := time.Weekday(r.IntN(7)), time.Duration(r.IntN(23*60))*time.Minute
			return func(at time.Time) bool {
				in := sinceMidnight(at) - begins
				return at.Weekday() == day && in >= 0 && in < time.Hour
			}
		}},
		{"office week", func(r *rand.Rand) func(time.Time) bool {
			begins, ends := 7+r.IntN(3), 16+r.IntN(4)
			return func(at time.Time) bool {
				free := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
				return !free && at.Hour() >= begins && at.Hour() < ends
			}
		}},
	}
}

// sinceMidnight is what the clock of a moment shows.
func sinceMidnight(at time.Time) time.Duration {
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
}

// habitual is how many times the usual the load is while a habit is.
const habitual = 6

// Habits are the names of what Habitual makes.
func Habits() []string {
	var names []string
	for _, h := range habits() {
		names = append(names, h.name)
	}
	return names
}

// Habitual makes n series of a habit in which nothing is wrong, sampled as often as it is
// said: a load with noise that is six times as high for an hour of each night, at a minute
// that is always the same or is not, for an hour of each week, or in the office hours of
// Monday to Friday.
func Habitual(name string, seed uint64, n, days int, step time.Duration) []*Series {
	var all []*Series
	for _, h := range habits() {
		for i := 0; h.name == name && i < n; i++ {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			is, usual, noise := h.make(r), 10+90*r.Float64(), 0.03+0.07*r.Float64()
			s := &Series{Name: name}
			at, z := time.Date(2026, 1, 12, 0, 0, 0, 0, zone()), zone()
			for range days * int(oneDay/step) {
				load := usual
				if is(at.In(z)) {
					load *= habitual
				}
				s.Times = append(s.Times, at.UnixMilli())
				s.Values = append(s.Values, load*(1+noise*r.NormFloat64()))
				at = at.Add(step)
			}
			all = append(all, s)
		}
	}
	return all
}
