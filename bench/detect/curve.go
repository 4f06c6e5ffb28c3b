package main

import (
	"fmt"
	"io"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// curveSeed makes the series of the curve: others than those that are reported.
const curveSeed = 5

// curve prints what more or less evidence buys: false alarms on undisturbed
// series against events found. What it is compared with opens an incident at
// an alarm of 0.6 and asks for nothing else.
func curve(w io.Writer, series, days int) error {
	undisturbed, calm := made.Undisturbed(curveSeed, series, days), made.Calm(curveSeed, series/2, days*24*12)
	varied, disturbed := made.Varied(curveSeed, 3*series), made.Disturbed(curveSeed, max(1, series/50), 28)
	fmt.Fprintf(w, "%-22s %22s %22s %28s\n", "evidence", "false in 1,000 days", "found (false), varied", "found (false), disturbed")
	for _, evidence := range []float32{0, 30, 40, 50, 60, 70, 75, 80, 90, 100, 120} {
		set := anomaly.Default()
		set.Evidence = evidence
		name := fmt.Sprint(evidence)
		if evidence == 0 {
			set.Threshold, name = 0.6, "none, alarms from 0.6"
		}
		run, err := with(set)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-22s %10.2f, %10.2f", name, rate(run, undisturbed), rate(run, calm))
		for _, all := range [][]*made.Series{varied, disturbed} {
			found, events, wrong := 0, 0, 0
			for _, s := range all {
				_, onsets := run(s)
				f, n := hits(s, onsets)
				found, events, wrong = found+f, events+len(s.Events), wrong+n
			}
			fmt.Fprintf(w, "   %5d of %5d (%d)", found, events, wrong)
		}
		fmt.Fprintln(w)
	}
	return nil
}

// rate is the incidents in 1,000 series-days.
func rate(run func(*made.Series) ([]float64, []int), all []*made.Series) float64 {
	incidents, days := 0, 0.0
	for _, s := range all {
		_, onsets := run(s)
		incidents += len(onsets)
		days += s.Days()
	}
	return float64(incidents) / days * 1000
}
