// Command observe measures the way of samples from a message of remote write to the
// verdicts, as aeod ships it: of what --metrics-watch picks, and by its store and PromQL. It
// puts the figures of the other benchmarks of OBSERVE beside that, and writes
// bench/results/observe.json. Run make bench-observe, which runs the others first.
//
// What was not measured is written as that: benchmarks of which there are no results, and
// those that -skipped names, as nab=why, of which there may be results of another day.
//
// Usage: go run ./bench/observe [-results bench/results] [-skipped nab=why,logs=why]
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/autoecoops/autoecoops/bench/record"
)

// others are the results that belong to OBSERVE, by their files' names.
var others = []string{"nab", "detect", "logs", "trace", "slo", "cause", "servers"}

func main() {
	results := flag.String("results", "bench/results", "the folder with the results")
	left := flag.String("skipped", "", "benchmarks that were left out this time, each with why: `name=why,...`")
	flag.Parse()
	if err := run(*results, skipped(*left)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// skipped are the benchmarks that were left out, with why.
func skipped(list string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(list, ",") {
		if name, why, ok := strings.Cut(part, "="); ok {
			out[name] = why
		}
	}
	return out
}

func run(dir string, left map[string]string) error {
	runtime.GOMAXPROCS(1)
	r := record.New()
	if err := remoteWrite(r, 10_000, 1000); err != nil {
		return err
	}
	if err := asShipped(r, 500); err != nil {
		return err
	}
	for _, name := range others {
		if err := add(r, name, filepath.Join(dir, name+".json"), left[name]); err != nil {
			return err
		}
	}
	fmt.Println(r.Summary())
	if err := r.Write(filepath.Join(dir, "observe.json")); err != nil {
		return err
	}
	return r.Chart(filepath.Join(dir, "observe.svg"), "OBSERVE: shorter is better, the dashed line is the goal")
}

// add adds the figures of a benchmark, each with the machine and commit it was measured on.
// Of one that was left out, they are not those of this time: each is not measured, nor is
// one of which there is nothing.
func add(r *record.Results, name, file, why string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		r.Skip(name, cmp.Or(why, "there are no results of it"))
		return nil
	}
	if err != nil {
		return err
	}
	var figures []record.Figure
	if err := json.Unmarshal(text, &figures); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, f := range figures {
		if why != "" {
			f.Value, f.Holds, f.NotMeasured = 0, false, why
		}
		r.Add(f)
	}
	return nil
}
