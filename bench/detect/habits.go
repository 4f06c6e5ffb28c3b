package main

import (
	"fmt"
	"io"
	"time"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/bench/record"
)

const (
	habitSeries = 60
	// habitDays is for how long a habit is followed after it is known.
	habitDays = 28
	// known is after how many days a habit has been seen often enough: one of the
	// week after knownWeekly.
	known, knownWeekly = 14, 28
)

// habits counts incidents where what happens by the clock is large and meant: a job each
// night or week, and an office's week. The state of a series is kept throughout; samples are 30
// seconds apart, as those of aeod, or farther. A habit is followed for so many days after
// it is known.
func habits(w io.Writer, series, further int, run func(*made.Series) ([]float64, []int), r *record.Results) {
	for _, name := range made.Habits() {
		known := known
		if name == "weekly job" {
			known = knownWeekly
		}
		days := known + further
		for _, step := range []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute} {
			first, later := 0, 0
			for _, s := range made.Habitual(name, habitSeed, series, days, step) {
				_, onsets := run(s)
				for _, at := range onsets {
					if time.Duration(s.Times[at]-s.Times[0])*time.Millisecond < time.Duration(known)*24*time.Hour {
						first++
					} else {
						later++
					}
				}
			}
			fmt.Fprintf(w, "%s, each %s: %d incidents in the first %d of %d days of %d series, %d after\n", name, step, first, known, days, series, later)
			of := fmt.Sprintf("%s: incidents in 1,000 series-days, samples each %g s", name, step.Seconds())
			r.Note(of, 1000*float64(first+later)/float64(series*days), "")
			r.AtMost(of+fmt.Sprintf(", after the first %d days", known), 1000*float64(later)/float64(series*further), "", 1)
		}
	}
}

// habitSeed makes them.
const habitSeed = 21
