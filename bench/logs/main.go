// Command logs measures the miner of log templates: how right it is on public
// corpora of logs with corrected labels, and how fast.
//
// A folder holds the corpora as the benchmark of log parsing publishes them,
// one NAME_2k.log_structured_corrected.csv each, with the columns Content and
// EventTemplate. They are not part of this repository; docs/logs.md says where
// they are. All are parsed with the same shipped settings: no patterns of a
// corpus, no thresholds of its own. record.md tells what was tried before.
//
// Speed is measured on one core, on lines of six kinds of services with values
// that are always new, and on the lines of the corpora.
//
// Usage: go run ./bench/logs -corpora FOLDER [-wrong NAME] [-lines 2000000] [-out bench/results/logs.json]
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/logs"
)

func main() {
	folder := flag.String("corpora", "", "the folder of the corpora")
	wrong := flag.String("wrong", "", "print what is wrong on this corpus, and write nothing")
	lines := flag.Int("lines", 2_000_000, "how many lines are parsed to measure the speed")
	out := flag.String("out", "bench/results/logs.json", "where to write the results")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := run(*folder, *wrong, *lines, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(folder, wrong string, lines int, out string) error {
	if folder == "" {
		return fmt.Errorf("no corpora are given: use -corpora FOLDER, see docs/logs.md")
	}
	all, err := load(folder)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no file that ends in %s", folder, suffix)
	}
	r := record.New()
	var sum scores
	n := float64(len(all))
	for _, c := range all {
		group, text, err := mine(c, logs.Default())
		if err != nil {
			return err
		}
		if c.name == wrong {
			explain(os.Stdout, group, text, c.truth)
			return nil
		}
		s := score(group, text, c.truth)
		r.Note(c.name+", grouping accuracy", s.GA, "")
		r.Note(c.name+", template F1", s.FTA, "")
		sum.GA, sum.FGA, sum.PA, sum.FTA = sum.GA+s.GA/n, sum.FGA+s.FGA/n, sum.PA+s.PA/n, sum.FTA+s.FTA/n
	}
	if wrong != "" {
		return fmt.Errorf("there is no corpus %s", wrong)
	}
	r.Note("corpora", n, "")
	r.AtLeast("mean grouping accuracy (GA)", sum.GA, "", 0.90)
	r.Note("mean F1 of groups (FGA)", sum.FGA, "")
	r.Note("mean parsing accuracy (PA)", sum.PA, "")
	r.AtLeast("mean F1 of templates (FTA)", sum.FTA, "", 0.45)
	if err := speed(r, all, lines); err != nil {
		return err
	}
	if err := r.Write(out); err != nil {
		return err
	}
	return r.Chart(strings.TrimSuffix(out, ".json")+".svg", "Log templates: the dashed line is the goal")
}
