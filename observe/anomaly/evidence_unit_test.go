package anomaly

import "testing"

// TestEvidenceCounts: what goes on where the series never is counts fully, where it
// usually is less; and nothing does right after the range shrank, by which all
// distances grew.
func TestEvidenceCounts(t *testing.T) {
	fed := func(usual bool, width float32) (sums [3]float32) {
		var e evidence
		e.measured(10)
		for range evidenceRows {
			e.see(0.3, 75, true)
		}
		e.measured(9)
		e.measured(width)
		for i := range settle + 10 {
			e.see(1, 75, usual)
			switch i {
			case 1:
				sums[0] = e.sum
			case settle - 1:
				sums[1] = e.sum
			}
		}
		sums[2] = e.sum
		return sums
	}
	plain, usual, shrunk, wider := fed(false, 9), fed(true, 9), fed(false, 4), fed(false, 30)
	if plain[0] <= 0 || usual[0] != plain[0]*ofUsual {
		t.Errorf("two samples count %v, where the series usually is %v", plain[0], usual[0])
	}
	if shrunk[0] != 0 || shrunk[1] != 0 || shrunk[2] >= plain[2] {
		t.Errorf("with another range evidence is %v, without %v", shrunk, plain)
	}
	if wider != plain {
		t.Errorf("with a wider range evidence is %v, without %v", wider, plain)
	}
	// It shrinks from step to step, too.
	var e evidence
	for _, width := range []float32{10, 8, 6, 4} {
		e.measured(width)
	}
	if e.pause != settle {
		t.Errorf("from 10 to 4 in steps leaves a pause of %d samples", e.pause)
	}
}

// TestRecall: evidence is remembered at the hour it comes, not at all hours of what
// lasts, and not where an hour is hardly more than a sample.
func TestRecall(t *testing.T) {
	hours := func(interval float32, lasting, again int) (n int) {
		var s Series
		s.in.interval, s.scale.width = interval, 1
		last := uint8(0)
		for hour := uint8(1); hour < 100; hour++ {
			s.year.recurrence.open(last, 1)
			s.year.hour, last = hour, hour
			s.evidence.sum = 0
			if int(hour) <= lasting || int(hour) == again {
				s.evidence.sum = 75 * together
			}
			s.recall(75)
		}
		for hour := range uint8(hoursOfWeek) {
			n += int(s.year.recurrence.times(hour) & 1)
		}
		return n
	}
	for _, c := range []struct {
		interval       float32
		lasting, again int
		want           int
	}{
		{30_000, 3, 0, 3},
		{30_000, 3, 50, 4},
		{30_000, 40, 0, longestSpell},
		{30_000, 40, 60, longestSpell + 1},
		{hourMs / leastAnHour, 3, 0, 3},
		{hourMs, 3, 50, 0},
	} {
		if got := hours(c.interval, c.lasting, c.again); got != c.want {
			t.Errorf("%+v: remembered at %d hours", c, got)
		}
	}
}
