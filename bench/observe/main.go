// Command observe measures the way of samples from a message of remote write to the
// detector, as aeod has it and straight, puts the figures of the other benchmarks of OBSERVE beside it, and writes
// bench/results/observe.json. Run make bench-observe, which runs the others first.
//
// Usage: go run ./bench/observe [-results bench/results]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/autoecoops/autoecoops/bench/record"
)

// others are the results that belong to OBSERVE, by their files' names.
var others = []string{"nab", "detect", "logs", "trace", "slo", "cause", "servers"}

func main() {
	results := flag.String("results", "bench/results", "the folder with the results")
	flag.Parse()
	if err := run(*results); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	runtime.GOMAXPROCS(1)
	r := record.New()
	if err := remoteWrite(r, 10_000, 1000); err != nil {
		return err
	}
	if err := asShipped(r, 500); err != nil {
		return err
	}
	for _, name := range others {
		if err := add(r, filepath.Join(dir, name+".json")); err != nil {
			return err
		}
	}
	if err := r.Write(filepath.Join(dir, "observe.json")); err != nil {
		return err
	}
	return r.Chart(filepath.Join(dir, "observe.svg"), "OBSERVE: shorter is better, the dashed line is the goal")
}

// add adds the figures of a file, each with the machine and commit it was measured on. A
// benchmark that was not run is told.
func add(r *record.Results, file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Printf("%s is not there: that was not measured\n", file)
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
		r.Add(f)
	}
	return nil
}
