package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// speed feeds many series in turn, as samples of scraped targets come in, so
// that no series is in a cache when its sample comes; the next one is fetched
// ahead. What is told is the
// processor time of one core, and of single samples the time by the clock.
func speed(w io.Writer, count int, r *record.Results) error {
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		return err
	}
	const teach, rounds = 1500, 40
	shape := shapeOf()
	all := make([]anomaly.Series, count)
	at := func(n int) int64 { return 1773000000000 + int64(n)*60_000 }
	for i := range all {
		for n := range teach {
			d.Observe(&all[i], anomaly.Sample{At: at(n), Value: shape[(i*37+n)%len(shape)]})
		}
	}
	before := cpu()
	for n := range rounds {
		for i := range all {
			all[(i+1)%len(all)].Prefetch()
			d.Observe(&all[i], anomaly.Sample{At: at(teach + n), Value: shape[(i*37+n+teach)%len(shape)]})
		}
	}
	each := float64(cpu()-before) / float64(rounds*count)
	var single []time.Duration
	for i := range all {
		start := time.Now()
		d.Observe(&all[i], anomaly.Sample{At: at(teach + rounds), Value: shape[(i*37+teach+rounds)%len(shape)]})
		single = append(single, time.Since(start))
	}
	slices.Sort(single)
	fmt.Fprintf(w, "%d series of %d bytes: %.0f ns of one core a sample, %.0f samples a second; by the clock p50 %v, p99 %v\n",
		count, unsafe.Sizeof(all[0]), each, 1e9/each, single[len(single)/2], single[len(single)*99/100])
	r.AtLeast(fmt.Sprintf("samples a second on a core, %d series in turn", count), 1e9/each, "/s", 650_000)
	r.AtMost(fmt.Sprintf("a sample, p99, %d series in turn", count), float64(single[len(single)*99/100].Nanoseconds())/1000, "µs", 20)
	r.AtMost("a series", float64(unsafe.Sizeof(all[0])), "B", 4096)
	return nil
}

// shapeOf is a course with a rhythm and noise.
func shapeOf() []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	shape := make([]float64, 4096)
	for i := range shape {
		shape[i] = 100 + 30*math.Sin(float64(i)/50) + 5*r.NormFloat64()
	}
	return shape
}

// many feeds as many series as it is told from their first sample on, one sample of each
// in a round, by two at once: a round must take a second at most to keep up with a sample
// a second. What is judged by the goal is the median of the last rounds, when as much is
// known as will be; the slowest of them, and of all, in which memory is made, are told, too.
func many(w io.Writer, count int, r *record.Results) error {
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		return err
	}
	const rounds, measured, hands = 150, 20, 2
	shape := shapeOf()
	all := make([]anomaly.Series, count)
	round := func(n int) time.Duration {
		start := time.Now()
		var group sync.WaitGroup
		for h := range hands {
			mine := all[h*count/hands : (h+1)*count/hands]
			group.Go(func() {
				for i := range mine {
					mine[(i+1)%len(mine)].Prefetch()
					d.Observe(&mine[i], anomaly.Sample{At: 1773000000000 + int64(n)*1000, Value: shape[(i*37+n)%len(shape)]})
				}
			})
		}
		group.Wait()
		return time.Since(start)
	}
	var last []time.Duration
	slowest := time.Duration(0)
	for n := range rounds {
		took := round(n)
		slowest = max(slowest, took)
		if n >= rounds-measured {
			last = append(last, took)
		}
	}
	slices.Sort(last)
	fmt.Fprintf(w, "%d series from their first sample on, two cores: a sample of each in %v (median of the last %d rounds), the slowest of these %v, of all %d rounds %v\n", count, last[len(last)/2], measured, last[len(last)-1], rounds, slowest)
	of := fmt.Sprintf("a sample of each of %d series, two cores, ", count)
	r.AtMost(fmt.Sprintf("%smedian of the last %d rounds", of, measured), last[len(last)/2].Seconds(), "s", float64(count)/1e6)
	r.Note(fmt.Sprintf("%sslowest of the last %d rounds", of, measured), last[len(last)-1].Seconds(), "s")
	r.Note(fmt.Sprintf("%sslowest of all %d rounds", of, rounds), slowest.Seconds(), "s")
	return nil
}

// cpu is the processor time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
