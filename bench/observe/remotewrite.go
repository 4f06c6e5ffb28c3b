package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// detecting hands samples to the detector, each to the state of its series. No program
// ships it: it shows what the detector leaves of a core where nothing is stored or asked.
// What ships is measured by asShipped.
type detecting struct {
	storage.Appender // nil: what is not written here is not called

	detector *anomaly.Detector
	series   map[uint64]*anomaly.Series
	// unused are series that lie close together: each by itself would be at the same
	// place of a page as every other, and they would push each other out of the caches.
	unused []anomaly.Series
	batch  []sampleOf
}

// sampleOf is a sample with the state of its series.
type sampleOf struct {
	series *anomaly.Series
	sample anomaly.Sample
}

// always hands out the same one.
type always struct{ to *detecting }

// Appender implements storage.Appendable.
func (a always) Appender(context.Context) storage.Appender { return a.to }

// Append implements storage.Appender. Labels are told apart by their hash alone, which
// for a benchmark is enough.
func (d *detecting) Append(ref storage.SeriesRef, l labels.Labels, at int64, v float64) (storage.SeriesRef, error) {
	h := l.Hash()
	s := d.series[h]
	if s == nil {
		if len(d.unused) == 0 {
			d.unused = make([]anomaly.Series, 512)
		}
		s, d.unused = &d.unused[0], d.unused[1:]
		d.series[h] = s
	}
	d.batch = append(d.batch, sampleOf{s, anomaly.Sample{At: at, Value: v}})
	return ref, nil
}

// Commit implements storage.Appender: it judges the samples of a message, the state of
// each next series on its way from memory meanwhile.
func (d *detecting) Commit() error {
	for i, x := range d.batch {
		if i+1 < len(d.batch) {
			d.batch[i+1].series.Prefetch()
		}
		d.detector.Observe(x.series, x.sample)
	}
	d.batch = d.batch[:0]
	return nil
}

// Rollback implements storage.Appender.
func (d *detecting) Rollback() error {
	d.batch = d.batch[:0]
	return nil
}

// remoteWrite measures samples that come in messages of so many series and go straight to
// the detector, once many messages came before. The goal is held against the mean of an
// hour; of single messages the slowest is told, too.
func remoteWrite(r *record.Results, series, before int) error {
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		return err
	}
	into := &detecting{detector: d, series: map[uint64]*anomaly.Series{}}
	receiver, err := metrics.Receive(always{into})
	if err != nil {
		return err
	}
	names := make([]labels.Labels, series)
	for i := range names {
		names[i] = labels.FromStrings("__name__", "http_server_request_duration_seconds_count", "namespace", "shop", "workload", fmt.Sprint("service-", i/20),
			"pod", fmt.Sprintf("service-%d-7d9c5b8f6d-x%dk2p", i/20, i), "http_route", "/orders/{id}", "http_request_method", "GET", "http_response_status_code", fmt.Sprint(200+i%5))
	}
	value := func(i, n int) float64 {
		return 100 + 30*math.Sin(float64(i*37+n)/50) + float64((i*7919+n*104729)%1000)/100
	}
	at := func(n int) int64 { return 1773000000000 + int64(n)*15_000 }
	n := 0
	values := make([]float64, series)
	decoded := func() time.Duration {
		for i := range values {
			values[i] = value(i, n)
		}
		start := processor()
		for i, l := range names {
			_, _ = into.Append(0, l, at(n), values[i]) // it has no errors, nor has the next
		}
		_ = into.Commit()
		n++
		return processor() - start
	}
	for range before {
		decoded()
	}
	// An hour: the series do alike what they do once in a while, all in one round.
	const hour = 240
	var spent, slowest time.Duration
	for range hour {
		took := decoded()
		spent, slowest = spent+took, max(slowest, took)
	}
	each := float64(spent) / float64(hour*series)
	of := fmt.Sprintf("straight into the detector, which no program does: samples a second on a core from a %%s message of remote write, %d series, %%s", series)
	r.AtLeast(fmt.Sprintf(of, "decoded", fmt.Sprintf("mean of %d", hour)), 1e9/each, "/s", 650_000)
	r.Note(fmt.Sprintf(of, "decoded", "slowest"), 1e9*float64(series)/float64(slowest), "/s")

	const rounds = 20
	var messages [][]byte
	for range rounds {
		m, err := message(names, at(n), func(i int) float64 { return value(i, n) })
		if err != nil {
			return err
		}
		messages = append(messages, m)
		n++
	}
	spent, slowest = 0, 0
	for _, m := range messages {
		start := processor()
		req := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(m))
		req.Header.Set("Content-Type", "application/x-protobuf")
		req.Header.Set("Content-Encoding", "snappy")
		w := httptest.NewRecorder()
		if receiver.ServeHTTP(w, req); w.Code != http.StatusNoContent {
			return fmt.Errorf("the receiver answers %d: %s", w.Code, w.Body)
		}
		took := processor() - start
		spent, slowest = spent+took, max(slowest, took)
	}
	each = float64(spent) / float64(rounds*series)
	r.Note(fmt.Sprintf(of, "packed", fmt.Sprintf("mean of %d", rounds)), 1e9/each, "/s")
	r.Note(fmt.Sprintf(of, "packed", "slowest"), 1e9*float64(series)/float64(slowest), "/s")
	return nil
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
