// Package score scores anomaly detectors by the rules of the Numenta Anomaly
// Benchmark, version 1.1.
//
// A detector gives each row of each series a score; a row at or above the
// threshold is detected. Within a labelled window the earliest detection earns
// most, and only the best one counts; a window without one costs. Every
// detected row outside the windows costs, the more the farther it is behind
// the window before it. Rows in the probation at the start count for nothing.
//
// The benchmark chooses the threshold that is best for the labels, so a score
// says little by itself. Evaluate therefore gives besides it what the detector
// scores when the threshold of each folder is chosen on the other folders, and
// Nested when its settings are, too.
package score

import "math"

// Profile says what hits, false alarms and misses are worth.
type Profile struct {
	// Name is the benchmark's.
	Name       string
	TP, FP, FN float64
}

// Count of profiles.
const profiles = 3

// Profiles are the benchmark's three.
func Profiles() [profiles]Profile {
	return [profiles]Profile{
		{"standard", 1, 0.11, 1},
		{"reward_low_FP_rate", 1, 0.22, 1},
		{"reward_low_FN_rate", 1, 0.11, 2},
	}
}

// sigmoid is the worth of a detection at y windows behind a window's end.
func sigmoid(y float64) float64 {
	if y > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*y)) - 1
}

// Worth is what a detection in each row is worth before weights: above 0
// inside a window, where 1 is its first row, below 0 outside; and which window
// a row is in, -1 for none.
func (s *Series) Worth() (worth []float64, window []int) {
	worth, window = make([]float64, len(s.Values)), make([]int, len(s.Values))
	next, last := 0, -1 // the window that is next or current; the one passed
	for i := range worth {
		for next < len(s.Windows) && s.Windows[next].Right < i {
			last = next
			next++
		}
		window[i] = -1
		switch {
		case next < len(s.Windows) && s.Windows[next].Left <= i:
			w := s.Windows[next]
			window[i] = next
			worth[i] = sigmoid(-float64(w.Right-i+1)/float64(w.width())) / sigmoid(-1)
		case last < 0:
			worth[i] = -1
		default:
			w := s.Windows[last]
			worth[i] = sigmoid(float64(i-w.Right) / float64(w.width()-1))
		}
	}
	return worth, window
}

// Weigh is what a detection adds under the profile.
func (p Profile) Weigh(worth float64) float64 {
	if worth > 0 {
		return worth * p.TP
	}
	return worth * p.FP
}

// Tally is the result of one series at one threshold. Its rows are those after
// the probation.
type Tally struct {
	Score          float64
	TP, TN, FP, FN int
}

// At scores one series whose rows have the given scores.
func (s *Series) At(p Profile, scores []float64, threshold float64) Tally {
	var t Tally
	worth, window := s.Worth()
	best := make([]float64, len(s.Windows))
	for i := range best {
		best[i] = -p.FN
	}
	for i := s.Probation(); i < len(scores); i++ {
		detected, inside := scores[i] >= threshold, window[i] >= 0
		switch {
		case detected && inside:
			t.TP++
			best[window[i]] = max(best[window[i]], p.Weigh(worth[i]))
		case detected:
			t.FP++
			t.Score += p.Weigh(worth[i])
		case inside:
			t.FN++
		default:
			t.TN++
		}
	}
	for _, b := range best {
		t.Score += b
	}
	return t
}

// Normalise puts a raw total on the benchmark's scale: 0 detects nothing, 100
// detects every window in its first row and nothing else.
func Normalise(p Profile, raw float64, windows int) float64 {
	n := float64(windows)
	return 100 * (raw + p.FN*n) / (p.TP*n + p.FN*n)
}
