package main

import (
	"fmt"
	"io"
	"math"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// claim is a probability that was stated, and whether what it was stated of fell into a
// labelled event.
type claim struct {
	stated float64
	right  bool
}

// bin is the claims of a range of probabilities.
type bin struct {
	claims, right int
	stated        float64 // their sum
}

// bins are how many ranges there are from 0 to 1.
const bins = 10

// reliability sorts claims into bins. Its error is by how much what is stated and what is
// right differ, on average over claims: the expected calibration error.
func reliability(claims []claim) (table [bins]bin, wrong float64) {
	for _, c := range claims {
		b := &table[min(int(c.stated*bins), bins-1)]
		b.claims++
		b.stated += c.stated
		if c.right {
			b.right++
		}
	}
	for _, b := range table {
		wrong += math.Abs(b.stated-float64(b.right)) / float64(max(len(claims), 1))
	}
	return table, wrong
}

// claimsOf runs the shipped detector over series and returns what it states of alarms, and
// what of the incidents that it opens. An alarm is right within an event or so long after
// it as an incident may be; so is an incident.
func claimsOf(all []*made.Series) (alarms, incidents []claim, err error) {
	set := anomaly.Default()
	set.Location = made.Zone()
	d, err := anomaly.New(set)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range all {
		var state anomaly.Series
		for i, v := range s.Values {
			x := d.Observe(&state, anomaly.Sample{At: s.Times[i], Value: v})
			_, wrong := hits(s, []int{i})
			if x.Score >= set.Threshold {
				alarms = append(alarms, claim{float64(x.Score), wrong == 0})
			}
			if x.Onset {
				incidents = append(incidents, claim{float64(x.Probability), wrong == 0})
			}
		}
	}
	return alarms, incidents, nil
}

// calibration prints how many of the alarms and incidents of a stated probability were
// right on labelled series that were kept apart, and notes by how much that differs.
func calibration(w io.Writer, all []*made.Series, r *record.Results) error {
	alarms, incidents, err := claimsOf(all)
	if err != nil {
		return err
	}
	for _, of := range []struct {
		name   string
		claims []claim
	}{{"alarms", alarms}, {"incidents", incidents}} {
		table, wrong := reliability(of.claims)
		fmt.Fprintf(w, "%-12s %7s %8s %7s\n", of.name, "number", "stated", "right")
		var all bin
		for i, b := range table {
			if b.claims == 0 {
				continue
			}
			all = bin{all.claims + b.claims, all.right + b.right, all.stated + b.stated}
			fmt.Fprintf(w, "  %-10s %7d %8.2f %7.2f\n", rangeOf(i), b.claims, b.mean(), b.share())
		}
		fmt.Fprintf(w, "  %-10s %7d %8.2f %7.2f   expected calibration error %.3f\n", "all", all.claims, all.mean(), all.share(), wrong)
		r.Note("made series: "+of.name, float64(all.claims), "")
		for i, b := range table {
			if b.claims > 0 {
				r.Note(fmt.Sprintf("made series: share right of %s stated with %s", of.name, rangeOf(i)), b.share(), "")
			}
		}
		r.Note("made series: expected calibration error of "+of.name, wrong, "")
	}
	return nil
}

// rangeOf names a bin.
func rangeOf(i int) string { return fmt.Sprintf("%.1f to %.1f", float64(i)/bins, float64(i+1)/bins) }

// mean is what was stated on average.
func (b bin) mean() float64 { return b.stated / float64(max(b.claims, 1)) }

// share is which part was right.
func (b bin) share() float64 { return float64(b.right) / float64(max(b.claims, 1)) }
