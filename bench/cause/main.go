// Command cause measures how often observe/cause names the right component
// first, and how long it takes, and writes bench/results/cause.json.
//
// The cases are simulated: services, calls, noise, faults and what spreads from
// them are made up by the program. They are not recordings of a real cluster, and
// what is measured here says how the method copes with what the simulation does
// to it, no more: correlated noise, faults that spread to callers late and by
// part, missing series and calls, coincidental changes, neighbours that move by
// themselves. Where there are traces, in half of the cases, they tell whose time it
// was to a fifth; the figures for series and calls only are without them, without
// logs and without changes. Who notices late has seen more of the trouble: that
// figure says that the past is not spoiled, not that late is better. Constants were looked at with other seeds than those that are
// reported.
//
// Figures of recorded faults stand beside those of simulated ones, if -recorded names a
// file of them or the default is there.
//
// Usage: go run ./bench/cause [-cases 50] [-seed 1000] [-out bench/results/cause.json] [-show KIND] [-recorded FILE]
//
//	go run ./bench/cause -pack DIR [-to FILE]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/cause"
)

func main() {
	cases := flag.Int("cases", 50, "how many cases of each kind")
	seed := flag.Uint64("seed", 1000, "the first seed")
	out := flag.String("out", "bench/results/cause.json", "where to write the results; empty for nowhere")
	show := flag.String("show", "", "tell the wrong answers of this kind of fault")
	faults := flag.String("recorded", recordedFaults, "faults that were recorded and packed")
	from := flag.String("pack", "", "pack the faults that were recorded in this folder, and measure nothing")
	to := flag.String("to", recordedFaults, "where to pack them to")
	flag.Parse()
	err := error(nil)
	if *from != "" {
		err = pack(*from, *to)
	} else {
		err = run(*cases, *seed, *out, *show, *faults)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// late is how much later than usual the trouble is noticed, to see what that
// spoils.
const late = 60 * time.Second

// score counts answers.
type score struct{ first, third, all int }

func (s *score) add(place int) {
	s.all++
	switch {
	case place == 0:
		s.first++
		fallthrough
	case place > 0 && place < 3:
		s.third++
	}
}

func (s score) top1() float64 { return float64(s.first) / float64(s.all) }
func (s score) top3() float64 { return float64(s.third) / float64(s.all) }

func run(cases int, seed uint64, out, show, faultsFile string) error {
	var soon, afterwards, bare, plain, plainLate score
	of := map[string]*score{}
	for k, kind := range faults {
		of[kind] = &score{}
		for i := range cases {
			s := simulate(seed+uint64(i), k)
			r := cause.Rank(s.at(0))
			place := placeOf(r, s.truth)
			soon.add(place)
			of[kind].add(place)
			if kind == show && place != 0 {
				tell(s, r)
			}
			c := s.at(0)
			c.Changes, c.Logs, c.Edges = nil, nil, nil
			bare.add(placeOf(cause.Rank(c), s.truth))
			afterwards.add(placeOf(cause.Rank(s.at(late)), s.truth))
			plain.add(slices.Index(largest(s.at(0)), s.truth))
			plainLate.add(slices.Index(largest(s.at(late)), s.truth))
		}
	}
	took, alone, series := speed(seed)
	r := record.New()
	r.Note("simulated cases", float64(soon.all), "")
	r.AtLeast("simulated: right component first", soon.top1(), "", 0.70)
	r.AtLeast("simulated: right component among three", soon.top3(), "", 0.92)
	r.AtMost("simulated: points lost when noticed 60 s late", max(0, 100*(soon.top1()-afterwards.top1())), "", 3)
	r.Note("simulated: right component first when noticed 60 s late", afterwards.top1(), "")
	for _, kind := range faults {
		r.Note("simulated, "+kind+": first", of[kind].top1(), "")
		r.Note("simulated, "+kind+": among three", of[kind].top3(), "")
	}
	r.Note("simulated, series and calls only: first", bare.top1(), "")
	r.Note("simulated, series and calls only: among three", bare.top3(), "")
	r.Note("simulated, largest deviation alone: first", plain.top1(), "")
	r.Note("simulated, largest deviation alone: among three", plain.top3(), "")
	r.Note("simulated, largest deviation alone: points lost", 100*(plain.top1()-plainLate.top1()), "")
	r.Note("series of the timed case", float64(series), "")
	r.AtMost(fmt.Sprintf("a case of 1,000 series on %d cores, median", runtime.GOMAXPROCS(0)), took.Seconds()*1000, "ms", 10)
	r.Note("a case of 1,000 series on one core, median", alone.Seconds()*1000, "ms")
	unread := replay(r, faultsFile, show)
	if out == "" {
		return unread
	}
	if err := r.Write(out); err != nil {
		return err
	}
	return errors.Join(unread, r.Chart(strings.TrimSuffix(out, ".json")+".svg", "Causes: shorter is better, the dashed line is the goal"))
}

func placeOf(r cause.Result, truth cause.Component) int {
	return slices.IndexFunc(r.Causes, func(x cause.Ranked) bool { return x.Component == truth })
}

func tell(s *simulated, r cause.Result) {
	fmt.Printf("seed %d, %s: truth %s\n", s.seed, s.kind, s.truth)
	for i, x := range r.Causes[:min(4, len(r.Causes))] {
		fmt.Printf("  %d. %.2f %s: %s\n", i+1, x.Score, x.Component, x.Sentence())
		for _, e := range x.Evidence {
			if e.Weight < 0 {
				fmt.Printf("        but %s\n", e.Text)
			}
		}
	}
	if i := placeOf(r, s.truth); i >= 0 {
		x := r.Causes[i]
		fmt.Printf("  truth is %d. with %.2f: %s\n", i+1, x.Score, x.Sentence())
		for _, e := range x.Evidence {
			if e.Weight < 0 {
				fmt.Printf("        but %s\n", e.Text)
			}
		}
	} else {
		fmt.Println("  truth is not ranked; unknown:", r.Unknown)
	}
}

// speed is the median time of a case of a thousand series, with all cores and alone.
func speed(seed uint64) (all, alone time.Duration, series int) {
	all, series = timed(seed)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	alone, _ = timed(seed)
	return all, alone, series
}

func timed(seed uint64) (time.Duration, int) {
	s := simulateSized(seed, 0, 160)
	c := s.at(0)
	c.Series = c.Series[:min(1000, len(c.Series))]
	var all []time.Duration
	for range 61 {
		start := time.Now()
		cause.Rank(c)
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return all[len(all)/2], len(c.Series)
}
