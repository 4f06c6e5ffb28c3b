package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// watched is an aeod that judges the series of a benchmark as they come, and what is sent
// to it.
type watched struct {
	keeper *metrics.Keeper
	names  []labels.Labels
	sent   *prompb.WriteRequest // decoded, one sample of each series
	round  int
}

// newWatched makes one that watches so many series, and keeps them, too, unless alone.
func newWatched(dir string, series int, alone bool) (*watched, error) {
	set := metrics.Settings{Watch: &metrics.WatchOptions{Selectors: []string{`{__name__=~"http_server_.*_count",namespace="shop"}`}, MaxSeries: series, Alone: alone}}
	set.Store.Dir = dir
	k, err := metrics.New(set)
	if err != nil {
		return nil, err
	}
	w := &watched{keeper: k, sent: &prompb.WriteRequest{Timeseries: make([]prompb.TimeSeries, series)}, names: make([]labels.Labels, series)}
	for i := range w.names {
		l := labels.FromStrings("__name__", "http_server_request_duration_seconds_count", "namespace", "shop", "workload", fmt.Sprint("service-", i/20),
			"pod", fmt.Sprintf("service-%d-7d9c5b8f6d-x%dk2p", i/20, i), "http_route", "/orders/{id}", "http_request_method", "GET", "http_response_status_code", fmt.Sprint(200+i%5))
		w.names[i] = l
		w.sent.Timeseries[i] = prompb.TimeSeries{Labels: prompb.FromLabels(l, nil), Samples: make([]prompb.Sample, 1)}
	}
	return w, nil
}

// next sets the samples of the next round: counters that grow as the hours have it.
func (w *watched) next() {
	at := time.Now().Add(-6*time.Hour).Truncate(time.Hour).UnixMilli() + int64(w.round)*15_000
	if w.round > 0 {
		at = w.sent.Timeseries[0].Samples[0].Timestamp + 15_000
	}
	for i := range w.sent.Timeseries {
		x := &w.sent.Timeseries[i].Samples[0]
		x.Timestamp = at
		x.Value += 1500 + 450*math.Sin(float64(i*37+w.round)/50) + float64((i*7919+w.round*104729)%1000)/7
	}
	w.round++
}

// take has the receiver take a decoded message, and tells for how long the processor
// worked on it.
func (w *watched) take(m *prompb.WriteRequest) (time.Duration, error) {
	start := processor()
	refused, err := w.keeper.Receiver().Take(context.Background(), m)
	took := processor() - start
	if err == nil && refused > 0 {
		err = fmt.Errorf("%d samples are refused", refused)
	}
	return took, err
}

// ship sends the message packed over HTTP.
func (w *watched) ship() (time.Duration, error) {
	text, err := w.sent.Marshal()
	if err != nil {
		return 0, err
	}
	body, err := compression.Encode(compression.Snappy, text, nil)
	if err != nil {
		return 0, err
	}
	req := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	answer, start := httptest.NewRecorder(), processor()
	if w.keeper.Handler().ServeHTTP(answer, req); answer.Code != http.StatusNoContent {
		return 0, fmt.Errorf("aeod answers %d: %s", answer.Code, answer.Body)
	}
	return processor() - start, nil
}

// rounds has so many messages taken, and tells the mean and the slowest.
func (w *watched) rounds(n int, take func() (time.Duration, error)) (mean, slowest time.Duration, err error) {
	var spent time.Duration
	for range n {
		w.next()
		took, err := take()
		if err != nil {
			return 0, 0, err
		}
		spent, slowest = spent+took, max(slowest, took)
	}
	return spent / time.Duration(n), slowest, nil
}

// remoteWrite measures the way of samples from a message of remote write to the verdicts,
// as aeod ships it with --metrics-watch, once many messages came before: with
// --metrics-watch-only, which the goals are of, and with the store.
func remoteWrite(r *record.Results, series, before int) error {
	for _, alone := range []bool{true, false} {
		if err := watch(r, series, before, alone); err != nil {
			return err
		}
	}
	return nil
}

// An hour: the series do alike what they do once in a while, all in one round.
const hour = 240

func watch(r *record.Results, series, before int, alone bool) error {
	dir, err := os.MkdirTemp("", "bench-observe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w, err := newWatched(dir, series, alone)
	if err != nil {
		return err
	}
	defer w.keeper.Close()
	all := func() (time.Duration, error) { return w.take(w.sent) }
	heap := heapInUse()
	if _, _, err := w.rounds(1, all); err != nil {
		return err
	}
	grown := float64(heapInUse()-heap) / float64(series)
	if _, _, err := w.rounds(before, all); err != nil {
		return err
	}
	mean, slowest, err := w.rounds(hour, all)
	if err != nil {
		return err
	}
	if n := w.keeper.Watcher().Followed(); n != series {
		return fmt.Errorf("of %d series %d are watched", series, n)
	}
	rate := func(took time.Duration) float64 { return float64(series) / took.Seconds() }
	packed, slowestPacked, err := w.rounds(20, w.ship)
	if err != nil {
		return err
	}
	if !alone {
		of := fmt.Sprintf("samples watched and stored: samples a second on a core from a %%s message of remote write to the verdicts, %d series, %%s", series)
		r.Note(fmt.Sprintf(of, "decoded", fmt.Sprintf("mean of %d", hour)), rate(mean), "/s")
		r.Note(fmt.Sprintf(of, "packed", "mean of 20"), rate(packed), "/s")
		return nil
	}
	of := fmt.Sprintf("samples watched: samples a second on a core from a %%s message of remote write to the verdicts, %d series, %%s", series)
	r.AtLeast(fmt.Sprintf(of, "decoded", fmt.Sprintf("mean of %d", hour)), rate(mean), "/s", 650_000)
	r.Note(fmt.Sprintf(of, "decoded", "slowest"), rate(slowest), "/s")
	r.Note(fmt.Sprintf(of, "packed", "mean of 20"), rate(packed), "/s")
	r.Note(fmt.Sprintf(of, "packed", "slowest"), rate(slowestPacked), "/s")
	p99, err := w.single()
	if err != nil {
		return err
	}
	r.AtMost(fmt.Sprintf("samples watched: time of a decoded message of one sample, p99, %d series", series), p99.Seconds()*1e6, "µs", 20)
	text := 0
	for _, l := range w.names {
		text += int(l.ByteSize())
	}
	text /= series
	r.AtMost(fmt.Sprintf("samples watched: memory a series, but for its labels, %d series", series), grown-float64(text), "B", 4096)
	r.Note(fmt.Sprintf("samples watched: memory a series, with labels that nobody else keeps, of %d bytes, %d series", text, series), grown, "B")
	w.next()
	r.AtMost(fmt.Sprintf("samples watched: allocations a sample, messages of %d", series), w.allocations()/float64(series), "", 0.01)
	return nil
}

// single sends each series alone, and tells within how much of the clock's time 99 of 100
// messages were judged.
func (w *watched) single() (time.Duration, error) {
	var took []time.Duration
	for range max(1, 20_000/len(w.names)) {
		w.next()
		for i := range w.sent.Timeseries {
			m := &prompb.WriteRequest{Timeseries: w.sent.Timeseries[i : i+1]}
			start := time.Now()
			refused, err := w.keeper.Receiver().Take(context.Background(), m)
			took = append(took, time.Since(start))
			if err != nil || refused > 0 {
				return 0, fmt.Errorf("%d samples are refused, error %w", refused, err)
			}
		}
	}
	slices.Sort(took)
	return took[len(took)*99/100], nil
}

// allocations is how many a message takes.
func (w *watched) allocations() float64 {
	const times = 5
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		_, _ = w.keeper.Receiver().Take(context.Background(), w.sent) // late samples take the same way
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / times
}

// heapInUse is the memory of what is reachable, with what the sizes of its objects waste.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// message packs one sample of each series.
func message(names []labels.Labels, at int64, value func(int) float64) ([]byte, error) {
	w := &prompb.WriteRequest{Timeseries: make([]prompb.TimeSeries, len(names))}
	for i, l := range names {
		w.Timeseries[i] = prompb.TimeSeries{Labels: prompb.FromLabels(l, nil), Samples: []prompb.Sample{{Timestamp: at, Value: value(i)}}}
	}
	text, err := w.Marshal()
	if err != nil {
		return nil, err
	}
	return compression.Encode(compression.Snappy, text, nil)
}

// processor is the processor time of this process so far.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
