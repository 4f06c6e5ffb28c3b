package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// speed feeds many series in turn, as samples of scraped targets come in, so
// that no series is in a cache when its sample comes; the next one is fetched
// ahead. What is told is the
// processor time of one core, and of single samples the time by the clock.
func speed(w io.Writer, count int) error {
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		return err
	}
	const teach, rounds = 1500, 40
	r := rand.New(rand.NewPCG(1, 2))
	shape := make([]float64, 4096)
	for i := range shape {
		shape[i] = 100 + 30*math.Sin(float64(i)/50) + 5*r.NormFloat64()
	}
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
