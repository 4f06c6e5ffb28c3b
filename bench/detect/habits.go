package main

import (
	"fmt"
	"io"
	"time"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/bench/record"
)

const (
	habitSeries = 20
	// habitDays is how long what was learned is kept, as aeod keeps it.
	habitDays = 42
	// known is after how many days a habit of the week has been seen twice.
	known = 14
)

// habits counts incidents where what happens by the clock is large and meant: a job each
// night, and an office's week. The state of a series is kept throughout; samples are 30
// seconds apart, as those of aeod, or farther.
func habits(w io.Writer, series, days int, run func(*made.Series) ([]float64, []int), r *record.Results) {
	for _, name := range made.Habits() {
		for _, step := range []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute} {
			first, later := 0, 0
			for _, s := range made.Habitual(name, habitSeed, series, days, step) {
				_, onsets := run(s)
				for _, at := range onsets {
					if time.Duration(s.Times[at]-s.Times[0])*time.Millisecond < known*24*time.Hour {
						first++
					} else {
						later++
					}
				}
			}
			fmt.Fprintf(w, "%s, each %s: %d incidents in the first %d of %d days of %d series, %d after\n", name, step, first, known, days, series, later)
			of := fmt.Sprintf("%s: incidents in 1,000 series-days, samples each %g s", name, step.Seconds())
			r.Note(of, 1000*float64(first+later)/float64(series*days), "")
			r.Note(of+fmt.Sprintf(", after the first %d days", known), 1000*float64(later)/float64(series*max(days-known, 1)), "")
		}
	}
}

// habitSeed makes them.
const habitSeed = 21
