package score

import (
	"cmp"
	"math"
	"slices"
)

// nothing is a threshold that no score reaches.
const nothing = 1.1

// Held is one folder's result when it had no part in choosing.
type Held struct {
	// Train is the raw total of the other folders at their best threshold.
	Train [profiles]float64
	// Test is the raw total of this folder at that threshold.
	Test [profiles]float64
	// Threshold is that threshold.
	Threshold [profiles]float64
}

// Evaluation is what a detector scores, for the profiles in order.
type Evaluation struct {
	// Threshold is the best for all labels, as the benchmark chooses it.
	Threshold [profiles]float64
	// Raw is the raw total at that threshold.
	Raw [profiles]float64
	// Held are the folders in the corpus's order.
	Held []Held
	// Windows is the number of windows of the corpus.
	Windows int
}

// Official is the benchmark's own figure: threshold fitted on the labels that
// are scored.
func (e *Evaluation) Official() (all [profiles]float64) {
	for i, p := range Profiles() {
		all[i] = Normalise(p, e.Raw[i], e.Windows)
	}
	return all
}

// HeldOut is the score with each folder at the threshold of the others.
func (e *Evaluation) HeldOut() (all [profiles]float64) {
	for i, p := range Profiles() {
		raw := 0.0
		for _, h := range e.Held {
			raw += h.Test[i]
		}
		all[i] = Normalise(p, raw, e.Windows)
	}
	return all
}

// Nested is the score of a family of settings where, for each folder, setting
// and threshold are those that are best on the other folders. All must be of
// the same corpus. The second result names the settings chosen, by index, for
// the standard profile.
func Nested(family []*Evaluation) (all [profiles]float64, chosen []int) {
	if len(family) == 0 {
		return all, nil
	}
	for i, p := range Profiles() {
		raw := 0.0
		for f := range family[0].Held {
			best := 0
			for n, e := range family {
				if e.Held[f].Train[i] > family[best].Held[f].Train[i] {
					best = n
				}
			}
			raw += family[best].Held[f].Test[i]
			if i == 0 {
				chosen = append(chosen, best)
			}
		}
		all[i] = Normalise(p, raw, family[0].Windows)
	}
	return all, chosen
}

// row is one scored row on its way down from the highest score.
type row struct {
	score  float64
	worth  float64
	folder int32
	window int32 // of the corpus, -1 for none
}

// Evaluate finds the best thresholds, for the whole and without each folder.
// Scores are one a row, in the order of the corpus's series.
func (c *Corpus) Evaluate(scores [][]float64) *Evaluation {
	folders := c.Folders()
	var rows []row
	windows := 0
	s := &sweep{held: make([]Held, len(folders)), raw: make([][profiles]float64, len(folders))}
	for n, series := range c.Series {
		folder := slices.Index(folders, series.Folder())
		worth, window := series.Worth()
		for i := series.Probation(); i < len(worth); i++ {
			w := int32(-1)
			if window[i] >= 0 {
				w = int32(windows + window[i])
			}
			rows = append(rows, row{scores[n][i], worth[i], int32(folder), w})
		}
		windows += len(series.Windows)
		for i, p := range Profiles() {
			s.raw[folder][i] -= p.FN * float64(len(series.Windows))
		}
	}
	for i, p := range Profiles() {
		for range windows {
			s.best[i] = append(s.best[i], -p.FN)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.score, a.score) })
	s.start()
	for i, r := range rows {
		s.detect(r)
		if i+1 == len(rows) || rows[i+1].score != r.score {
			s.look(r.score)
		}
	}
	return &Evaluation{Threshold: s.threshold, Raw: s.top, Held: s.held, Windows: windows}
}

// sweep is the state while the threshold goes down.
type sweep struct {
	raw       [][profiles]float64 // of each folder
	best      [profiles][]float64 // of each window
	threshold [profiles]float64
	top       [profiles]float64
	held      []Held
}

// start takes what detecting nothing scores as the first best.
func (s *sweep) start() {
	for i := range s.top {
		s.top[i] = math.Inf(-1)
		for f := range s.held {
			s.held[f].Train[i] = math.Inf(-1)
		}
	}
	s.look(nothing)
}

func (s *sweep) detect(r row) {
	for i, p := range Profiles() {
		gain := p.Weigh(r.worth)
		if r.window >= 0 {
			gain, s.best[i][r.window] = max(0, gain-s.best[i][r.window]), max(gain, s.best[i][r.window])
		}
		s.raw[r.folder][i] += gain
	}
}

// look keeps the threshold where it is better than any higher one.
func (s *sweep) look(threshold float64) {
	for i := range s.top {
		total := 0.0
		for f := range s.raw {
			total += s.raw[f][i]
		}
		if total > s.top[i] {
			s.top[i], s.threshold[i] = total, threshold
		}
		for f := range s.held {
			h := &s.held[f]
			if train := total - s.raw[f][i]; train > h.Train[i] {
				h.Train[i], h.Test[i], h.Threshold[i] = train, s.raw[f][i], threshold
			}
		}
	}
}
