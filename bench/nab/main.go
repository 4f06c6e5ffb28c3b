// Command nab scores the detector by the rules of the Numenta Anomaly
// Benchmark, version 1.1, and writes result files in its format.
//
// Three figures are printed together for each of the three profiles: the
// official one, with the threshold that is best for the labels; with each
// folder's threshold chosen on the other folders; and with settings and
// threshold chosen so, out of all settings in the record that were tried with
// the shipped detector. Every setting that is scored is added to the record.
//
// The benchmark's data are not part of this project.
//
// Usage: go run ./bench/nab -data DIR [-results DIR] [-record FILE] [-search N] [-seed N]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/autoecoops/autoecoops/bench/nab/score"
	"github.com/autoecoops/autoecoops/bench/nab/trial"
	figure "github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

func main() {
	data := flag.String("data", os.Getenv("AEO_NAB"), "NAB's folder, the one with data/ and labels/ (or AEO_NAB)")
	results := flag.String("results", "", "a folder for result files, \"\" for none")
	record := flag.String("record", "bench/nab/trials.csv", "the record of all settings ever scored")
	search := flag.Int("search", 0, "how many random settings to score, too")
	figures := flag.String("figures", "", "where to write the three figures of each profile, as the other benchmarks do")
	seed := flag.Uint64("seed", 1, "where the random settings start")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := run{data: *data, results: *results, record: *record, search: *search, seed: *seed, figures: *figures, out: os.Stdout}
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "nab:", err)
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" {
			fmt.Fprintln(os.Stderr, "fix:", f.Hint)
		}
		os.Exit(fault.KindOf(err).ExitCode())
	}
}

// run is one call of the command.
type run struct {
	data, results, record string
	figures               string
	search                int
	seed                  uint64
	out                   io.Writer
}

func (r run) run(ctx context.Context) error {
	if r.data == "" {
		return fault.New(fault.Invalid, "score", "", "no benchmark is named", "pass -data with NAB's folder")
	}
	c, err := score.Load(os.DirFS(r.data))
	if err != nil {
		return err
	}
	settings := append([]anomaly.Settings{anomaly.Default()}, trial.Settings(r.seed, r.search)...)
	var shipped *score.Evaluation
	for i, set := range settings {
		scores, err := trial.Run(ctx, c, set)
		if err != nil {
			return err
		}
		e := c.Evaluate(scores)
		if err := trial.Record(r.record, trial.Design, trial.Describe(set), e); err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintf(r.out, "%6.2f  %s\n", e.Official(), trial.Describe(set))
			continue
		}
		shipped = e
		if r.results != "" {
			if err := write(r.results, detector, c, scores, e); err != nil {
				return err
			}
		}
	}
	return r.report(shipped)
}

// report prints the three figures of each profile.
func (r run) report(e *score.Evaluation) error {
	trials, err := trial.Read(r.record)
	if err != nil {
		return err
	}
	var family []*score.Evaluation
	for _, t := range trials {
		if t.Design == trial.Design {
			family = append(family, t.Evaluation)
		}
	}
	nested, _ := score.Nested(family)
	fmt.Fprintf(r.out, "%-20s %10s %22s %34s %10s\n", "profile", "official", "threshold held out", "settings and threshold held out", "threshold")
	for i, p := range score.Profiles() {
		fmt.Fprintf(r.out, "%-20s %10.2f %22.2f %34.2f %10.5f\n", p.Name, e.Official()[i], e.HeldOut()[i], nested[i], e.Threshold[i])
	}
	if r.figures != "" {
		goals := [][2]float64{{78, 75}, {69, 66.5}, {82.5, 0}}
		f := figure.New()
		for i, p := range score.Profiles() {
			f.AtLeast("NAB, "+p.Name+", official", e.Official()[i], "", goals[i][0])
			f.Note("NAB, "+p.Name+", threshold held out", e.HeldOut()[i], "")
			if goal := goals[i][1]; goal > 0 {
				f.AtLeast("NAB, "+p.Name+", settings and threshold held out", nested[i], "", goal)
				continue
			}
			f.Note("NAB, "+p.Name+", settings and threshold held out", nested[i], "")
		}
		if err := f.Write(r.figures); err != nil {
			return err
		}
	}
	fmt.Fprintf(r.out, "settings ever scored: %d, of them %d with the shipped design\n", len(trials), len(family))
	return nil
}
