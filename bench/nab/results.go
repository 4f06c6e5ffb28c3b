package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"

	"github.com/autoecoops/autoecoops/bench/nab/score"
)

// detector is the name that result files carry.
const detector = "autoecoops"

// write writes a folder as NAB keeps one for each detector: a file for each
// series with the scores of its rows, a table for each profile, the totals
// and the thresholds.
func write(dir, name string, c *score.Corpus, scores [][]float64, e *score.Evaluation) error {
	for n, s := range c.Series {
		file := filepath.Join(dir, name, filepath.FromSlash(s.Folder()), name+"_"+path.Base(s.Name))
		if err := create(file, func(w *bufio.Writer) { rows(w, s, scores[n]) }); err != nil {
			return err
		}
	}
	final, thresholds := map[string]float64{}, map[string]map[string]float64{}
	for i, p := range score.Profiles() {
		file := filepath.Join(dir, name, name+"_"+p.Name+"_scores.csv")
		if err := create(file, func(w *bufio.Writer) { table(w, name, p, c, scores, e.Threshold[i]) }); err != nil {
			return err
		}
		final[p.Name] = e.Official()[i]
		thresholds[p.Name] = map[string]float64{"score": e.Raw[i], "threshold": e.Threshold[i]}
	}
	if err := object(filepath.Join(dir, "final_results.json"), map[string]any{name: final}); err != nil {
		return err
	}
	return object(filepath.Join(dir, "thresholds.json"), map[string]any{name: thresholds})
}

func create(file string, fill func(*bufio.Writer)) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fill(w)
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func object(file string, value any) error {
	text, err := json.MarshalIndent(value, "", "    ")
	if err != nil {
		return err
	}
	return create(file, func(w *bufio.Writer) { w.Write(append(text, '\n')) })
}

func rows(w *bufio.Writer, s *score.Series, scores []float64) {
	w.WriteString("timestamp,value,anomaly_score,label")
	for _, p := range score.Profiles() {
		w.WriteString(",S(t)_" + p.Name)
	}
	w.WriteByte('\n')
	worth, window := s.Worth()
	for i, v := range s.Values {
		label := 0
		if window[i] >= 0 {
			label = 1
		}
		fmt.Fprintf(w, "%s,%v,%v,%d", s.Stamps[i], v, scores[i], label)
		for _, p := range score.Profiles() {
			fmt.Fprintf(w, ",%v", p.Weigh(worth[i]))
		}
		w.WriteByte('\n')
	}
}

func table(w *bufio.Writer, name string, p score.Profile, c *score.Corpus, scores [][]float64, threshold float64) {
	w.WriteString("Detector,Profile,File,Threshold,Score,TP,TN,FP,FN,Total_Count\n")
	var sum score.Tally
	for n, s := range c.Series {
		t := s.At(p, scores[n], threshold)
		fmt.Fprintf(w, "%s,%s,%s,%v,%v,%d,%d,%d,%d,%d\n", name, p.Name, s.Name, threshold, t.Score, t.TP, t.TN, t.FP, t.FN, t.TP+t.TN+t.FP+t.FN)
		sum = score.Tally{Score: sum.Score + t.Score, TP: sum.TP + t.TP, TN: sum.TN + t.TN, FP: sum.FP + t.FP, FN: sum.FN + t.FN}
	}
	fmt.Fprintf(w, "Totals,,,,%v,%d,%d,%d,%d,%d\n", math.Round(sum.Score*1e12)/1e12, sum.TP, sum.TN, sum.FP, sum.FN, sum.TP+sum.TN+sum.FP+sum.FN)
}
