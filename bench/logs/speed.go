package main

import (
	"runtime"
	"time"

	logcorpus "github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// speed measures lines a second, and what a line allocates.
func speed(r *record.Results, all []corpus, lines int) error {
	var public [][]byte
	for _, c := range all {
		for _, l := range c.content {
			public = append(public, []byte(l))
		}
	}
	for _, s := range []struct {
		name  string
		goal  float64
		lines [][]byte
	}{{"services", 1e6, logcorpus.LogLines(60_000)}, {"corpora", 0, public}} {
		m, err := logs.New(logs.Default())
		if err != nil {
			return err
		}
		var before, after runtime.MemStats
		bytes, at := 0, int64(0)
		for _, l := range s.lines { // all kinds of lines are known then
			m.Add(l, at)
			bytes += len(l)
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		for i := range lines {
			at++
			m.Add(s.lines[i%len(s.lines)], at)
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		name := "lines of the " + s.name + ", one core"
		if s.goal > 0 {
			r.AtLeast(name, float64(lines)/took.Seconds(), "1/s", s.goal)
		} else {
			r.Note(name, float64(lines)/took.Seconds(), "1/s")
		}
		r.Note("bytes of the "+s.name+", one core", float64(bytes)/float64(len(s.lines))*float64(lines)/took.Seconds()/1e6, "MB/s")
		r.Note("allocations a line of the "+s.name, float64(after.Mallocs-before.Mallocs)/float64(lines), "")
		r.Note("templates of the "+s.name, float64(len(m.Templates())), "")
	}
	return nil
}
