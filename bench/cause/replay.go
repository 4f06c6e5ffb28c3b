package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/bench/cause/recorded"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/cause"
)

// recordedFaults are there if somebody recorded them.
const recordedFaults = "bench/cause/recorded/faults.gz"

// pack puts the faults that were recorded in dir into one file.
func pack(dir, to string) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	n, err := recorded.Pack(dir, f)
	fmt.Printf("%d faults are packed\n", n)
	return errors.Join(err, f.Close())
}

// replay adds figures of recorded faults, if there are any. Faults that cannot be read
// are an error once the others are counted.
func replay(r *record.Results, file, show string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) && file == recordedFaults {
		fmt.Println("there are no recorded faults")
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	var soon, afterwards, bare, plain score
	var took []time.Duration
	var broken []error
	of := map[string]*score{}
	abnormal := 0
	var noticed noticing
	for x, err := range recorded.Open(f) {
		if err != nil {
			broken = append(broken, err)
			continue
		}
		kind, truth := x.Label.Kind, x.Label.Truth
		if of[kind] == nil {
			of[kind] = &score{}
		}
		start := time.Now()
		answer := cause.Rank(x.Soon)
		took = append(took, time.Since(start))
		place := placeOf(answer, truth)
		soon.add(place)
		of[kind].add(place)
		if kind == show && place != 0 {
			tell(&simulated{kind: kind + " (recorded) " + x.Label.Note, truth: truth}, answer)
		}
		if x.Label.Abnormal > 0 {
			abnormal++
		}
		if err := noticed.add(x, place); err != nil {
			return err
		}
		afterwards.add(placeOf(cause.Rank(x.Late), truth))
		plain.add(slices.Index(largest(x.Soon), truth))
		c := x.Soon
		c.Changes, c.Logs, c.Edges = nil, nil, nil
		bare.add(placeOf(cause.Rank(c), truth))
	}
	r.Note("recorded cases that cannot be read", float64(len(broken)), "")
	if soon.all == 0 {
		return errors.Join(append(broken, errors.New(file+" has no fault"))...)
	}
	r.AtLeast("recorded cases", float64(soon.all), "", 200)
	r.AtLeast("recorded kinds", float64(len(of)), "", 6)
	r.AtLeast("recorded: right component first", soon.top1(), "", 0.70)
	r.AtLeast("recorded: right component among three", soon.top3(), "", 0.92)
	r.AtMost("recorded: points lost when noticed 60 s late", max(0, 100*(soon.top1()-afterwards.top1())), "", 3)
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		r.Note("recorded, "+kind+": first", of[kind].top1(), "")
		r.Note("recorded, "+kind+": among three", of[kind].top3(), "")
	}
	r.Note("recorded, series and calls only: first", bare.top1(), "")
	r.Note("recorded, series and calls only: among three", bare.top3(), "")
	r.Note("recorded, largest deviation alone: first", plain.top1(), "")
	r.Note("recorded, largest deviation alone: among three", plain.top3(), "")
	r.Note("recorded: share in which anything was abnormal", float64(abnormal)/float64(soon.all), "")
	noticed.note(r)
	slices.Sort(took)
	r.Note("a recorded case, median", took[len(took)/2].Seconds()*1000, "ms")
	return errors.Join(broken...)
}
