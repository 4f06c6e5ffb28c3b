// Command slo measures the SLO engine against its goal and writes
// bench/results/slo.json: how many objectives one core follows, with the samples
// that they need.
//
// Each objective has the four default tiers over 30 days and five series. The
// history is filled first, so that every window is in use. All runs on one core.
//
// Usage: go run ./bench/slo [-objectives 10000] [-rounds 20] [-out bench/results/slo.json]
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/slo"
)

func main() {
	objectives := flag.Int("objectives", 10_000, "how many objectives are followed")
	rounds := flag.Int("rounds", 20, "how often all of them are evaluated")
	out := flag.String("out", "bench/results/slo.json", "where to write the results")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := measure(*objectives, *rounds, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const interval = 30 * time.Second

func objective(i int) slo.Objective {
	p := slo.Period{Rolling: 30 * 24 * time.Hour}
	return slo.Objective{
		Name: fmt.Sprint("objective-", i), Service: "bench", Target: 0.999, Period: p, Alerting: slo.DefaultAlerting(p),
		Indicator: slo.Indicator{Total: slo.Query{Selector: "requests_total"}, Bad: slo.Query{Selector: "errors_total"}},
	}
}

// fleet is a number of monitors with the samples of their next batch.
type fleet struct {
	monitors []*slo.Monitor
	now      time.Time
	samples  []slo.Sample
}

func newFleet(n int, start time.Time) (*fleet, error) {
	f := &fleet{now: start}
	for i := range n {
		m, err := slo.New(objective(i), slo.Options{Interval: interval, Start: start})
		if err != nil {
			return nil, err
		}
		f.monitors = append(f.monitors, m)
	}
	for i := range 4 {
		f.samples = append(f.samples, slo.Sample{Series: fmt.Sprint("requests/pod-", i), Role: slo.Total})
	}
	f.samples = append(f.samples, slo.Sample{Series: "errors", Role: slo.Bad})
	return f, nil
}

// tick lets an interval pass. Three in two thousand requests fail: the
// slowest tier fires, and every condition is computed.
func (f *fleet) tick() slo.Batch {
	f.now = f.now.Add(interval)
	for i := range f.samples {
		step := 1000.0
		if f.samples[i].Role == slo.Bad {
			step = 6
		}
		f.samples[i].Value += step
		f.samples[i].At = f.now.UnixMilli()
	}
	return slo.Batch{At: f.now, Samples: f.samples}
}

func measure(n, rounds int, out string) error {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f, err := newFleet(n, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return err
	}
	// Fill four days of all windows, coarsely, and then the last hours finely.
	for i := range 4*24 + 240 {
		if i < 4*24 {
			f.now = f.now.Add(time.Hour - interval)
		}
		b := f.tick()
		for _, m := range f.monitors {
			m.Observe(b)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	var observed, evaluated time.Duration
	firing := 0
	for range rounds {
		b := f.tick()
		start := time.Now()
		for _, m := range f.monitors {
			m.Observe(b)
		}
		middle := time.Now()
		for _, m := range f.monitors {
			if m.Evaluate(f.now).Incident != nil {
				firing++
			}
		}
		observed += middle.Sub(start)
		evaluated += time.Since(middle)
	}
	if firing == 0 {
		return fmt.Errorf("no objective had an incident: the conditions were not all computed")
	}
	start := time.Now()
	size := 0
	for _, m := range f.monitors[:min(n, 1000)] {
		snapshot := m.Snapshot()
		size += len(snapshot)
		if _, err := slo.Restore(*m.Objective(), slo.Options{Interval: interval, Start: f.now}, snapshot); err != nil {
			return err
		}
	}
	restored := time.Since(start)
	total := float64(n * rounds)
	r := record.New()
	perSecond := total / (observed + evaluated).Seconds()
	kib := float64(after.HeapAlloc-before.HeapAlloc) / float64(n) / 1024
	r.AtLeast("objectives fed and evaluated, one core", perSecond, "1/s", 10_000)
	r.Note("evaluation alone, one core", total/evaluated.Seconds(), "1/s")
	r.Note("samples taken in, one core", total*float64(len(f.samples))/observed.Seconds(), "1/s")
	r.Note("memory of an objective", kib, "KiB")
	r.Note("snapshot and restore of an objective", restored.Seconds()*1e6/float64(min(n, 1000)), "µs")
	r.Note("size of a snapshot", float64(size)/float64(min(n, 1000))/1024, "KiB")
	if err := r.Write(out); err != nil {
		return err
	}
	return r.Chart(strings.TrimSuffix(out, ".json")+".svg", "SLO: shorter is better, the dashed line is the goal")
}
