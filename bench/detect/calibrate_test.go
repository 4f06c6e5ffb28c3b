package main

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/bench/record"
)

// TestReliability counts claims by hand: six in ten right at 0.6 is no error, all wrong at
// 0.95 is one of 0.95.
func TestReliability(t *testing.T) {
	var claims []claim
	for i := range 10 {
		claims = append(claims, claim{0.6, i < 6})
	}
	table, wrong := reliability(claims)
	if wrong > 1e-9 || table[6].claims != 10 || table[6].right != 6 || math.Abs(table[6].stated-6) > 1e-9 {
		t.Errorf("%+v, error %v", table, wrong)
	}
	for range 10 {
		claims = append(claims, claim{0.95, false})
	}
	if table, wrong = reliability(append(claims, claim{1, true})); math.Abs(wrong-9.5/21) > 1e-9 || table[9].claims != 11 {
		t.Errorf("%+v, error %v", table, wrong)
	}
	if _, wrong := reliability(nil); wrong != 0 {
		t.Errorf("nothing was claimed, and %v of it is wrong", wrong)
	}
}

// TestClaims: an alarm in an event is right, one where there is none is not.
func TestClaims(t *testing.T) {
	all := made.Varied(5, 27)
	alarms, incidents, err := claimsOf(all)
	if err != nil {
		t.Fatal(err)
	}
	right := func(claims []claim) (n int) {
		for _, c := range claims {
			if c.right {
				n++
			}
		}
		return n
	}
	if right(alarms) == 0 || right(alarms) == len(alarms) || right(incidents) == 0 || len(incidents) >= len(alarms) {
		t.Errorf("%d of %d alarms, %d of %d incidents are right", right(alarms), len(alarms), right(incidents), len(incidents))
	}
	for _, s := range all {
		s.Events = nil
	}
	if alarms, incidents, _ = claimsOf(all); right(alarms) != 0 || right(incidents) != 0 {
		t.Errorf("without events %d alarms and %d incidents are right", right(alarms), right(incidents))
	}
	var b bytes.Buffer
	if err := calibration(&b, all, record.New()); err != nil || strings.Count(b.String(), "expected calibration error") != 2 {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestHabits prints each habit at each distance of samples.
func TestHabits(t *testing.T) {
	run, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	habits(&b, 1, 1, run, record.New())
	if strings.Count(b.String(), "\n") != 12 || !strings.Contains(b.String(), "nightly job, each 30s: ") {
		t.Error(b.String())
	}
}
