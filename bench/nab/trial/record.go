package trial

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"

	"github.com/autoecoops/autoecoops/bench/nab/score"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// Design names the method that is shipped, in the record. It changes when the
// method changes, so that settings of another are never chosen for it.
const Design = "agreement-2"

// Past is one setting that was scored.
type Past struct {
	Design, Settings string
	Evaluation       *score.Evaluation
}

// Record adds one scored setting to the record, unless the very same line is
// there already: a change of the code counts as another setting.
func Record(file, design, settings string, e *score.Evaluation) error {
	line := append([]string{design, settings}, numbers(e)...)
	past, err := Read(file)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	for _, p := range past {
		if slices.Equal(line, append([]string{p.Design, p.Settings}, numbers(p.Evaluation)...)) {
			return nil
		}
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fault.Wrap(fault.Invalid, "keep the record", file, err, "pass -record with a file that can be written")
	}
	w := csv.NewWriter(f)
	err = w.Write(line)
	w.Flush()
	return errors.Join(err, w.Error(), f.Close())
}

// numbers are the raw totals and thresholds, and each folder's when held out.
func numbers(e *score.Evaluation) []string {
	var all []string
	add := func(xs [3]float64) {
		for _, x := range xs {
			all = append(all, strconv.FormatFloat(x, 'f', 4, 64))
		}
	}
	add(e.Raw)
	add(e.Threshold)
	for _, h := range e.Held {
		add(h.Train)
		add(h.Test)
	}
	return all
}

// Read reads the record.
func Read(file string) ([]Past, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "read the record", file, err, "pass -record with the record of settings")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	var all []Past
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		p, ok := past(line)
		if err != nil || !ok {
			n, _ := r.FieldPos(0)
			return nil, fault.New(fault.Invalid, "read the record", fmt.Sprintf("%s:%d", file, n), "the line is none of the record", "restore the file from Git")
		}
		all = append(all, p)
	}
}

func past(line []string) (Past, bool) {
	const fixed = 2 + 3 + 3
	if len(line) < fixed || (len(line)-fixed)%6 != 0 {
		return Past{}, false
	}
	xs := make([]float64, 0, len(line)-2)
	for _, cell := range line[2:] {
		x, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return Past{}, false
		}
		xs = append(xs, x)
	}
	take := func() (out [3]float64) {
		copy(out[:], xs)
		xs = xs[3:]
		return out
	}
	e := &score.Evaluation{Raw: take(), Threshold: take()}
	for len(xs) > 0 {
		e.Held = append(e.Held, score.Held{Train: take(), Test: take()})
	}
	e.Windows = score.AllWindows
	return Past{line[0], line[1], e}, true
}

// Describe writes a detector's constants on one line.
func Describe(set anomaly.Settings) string {
	return fmt.Sprintf("%+v", set.Tuning)
}

// Settings draws n settings around the shipped ones, the same for the same
// seed.
func Settings(seed uint64, n int) []anomaly.Settings {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(xs ...float32) float32 { return xs[r.IntN(len(xs))] }
	var all []anomaly.Settings
	for range n {
		set := anomaly.Default()
		set.Tuning = anomaly.Tuning{
			Shape: pick(1, 1.5, 2), Flat: pick(0.03, 0.1, 0.2), Radius: pick(0.05, 0.08, 0.12), Spike: pick(0.1, 0.2, 0.4),
			Day: pick(0.5, 0.75, 1), Week: pick(0.5, 1, 1.5), Variation: pick(0.5, 0.75, 1), Material: pick(1, 1.5, 2.2),
			Hold: pick(100, 150, 220), Factor: pick(1.3, 1.4, 1.5), Tire: pick(0.05, 0.08, 0.12), Rest: pick(5000, 8000, 12000),
		}
		all = append(all, set)
	}
	return all
}
