// Command trace measures the receiver of spans and the window against their
// goals and writes bench/results/trace.json: how many spans one core takes in,
// from the bytes of OTLP to the costs of every edge, and whether memory stays
// within its bound while more comes than it holds.
//
// The load are traces of eight spans through five services and a database, each
// span with eight attributes, in messages of 512 spans of one service, as an
// exporter sends them. All runs on one core.
//
// Usage: go run ./bench/trace [-messages 2000] [-window 64] [-out bench/results/trace.json]
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/internal/app/traces"
	"github.com/autoecoops/autoecoops/observe/trace"
)

func main() {
	messages := flag.Int("messages", 2000, "how many messages are sent")
	mebibytes := flag.Int("window", 64, "the window's bound, in MiB")
	out := flag.String("out", "bench/results/trace.json", "where to write the results")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := measure(*messages, int64(*mebibytes)<<20, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// start is when the first trace begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func measure(messages int, bound int64, out string) error {
	results := record.New()
	load, err := corpus.NewSpans(start)
	if err != nil {
		return err
	}
	began, spans := time.Now(), 0
	for i := range messages {
		batch, _, err := traces.Decode(load.Next(i), false)
		if err != nil {
			return err
		}
		spans += len(batch)
	}
	results.Note("decoding alone", float64(spans)/time.Since(began).Seconds()/1000, "k spans/s/core")

	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	now := start
	r, err := traces.New(traces.Settings{Window: trace.Options{MaxBytes: bound}}, func() time.Time { return now })
	if err != nil {
		return err
	}
	handler := r.Handler()
	began, spans = time.Now(), 0
	for i := range messages {
		now = start.Add(time.Duration(i) * 50 * time.Millisecond)
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(load.Next(i)))
		req.Header.Set("Content-Type", "application/x-protobuf")
		if handler.ServeHTTP(w, req); w.Code != http.StatusOK || w.Body.Len() != 0 {
			return fmt.Errorf("message %d: %d %s", i, w.Code, w.Body)
		}
		spans += corpus.SpansPerMessage
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	results.AtLeast("from the message to the costs of its edges", float64(spans)/took.Seconds()/1000, "k spans/s/core", 150)
	results.Note("memory allocated for a span", float64(after.TotalAlloc-before.TotalAlloc)/float64(spans), "B")
	runtime.GC()
	runtime.ReadMemStats(&after)
	largest := after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
	u := r.Window.Usage()
	if u.Bytes > bound || u.Loss.Evicted == 0 {
		return fmt.Errorf("the window holds %d of %d bytes and evicted %d spans: send more", u.Bytes, bound, u.Loss.Evicted)
	}
	results.Note("spans kept in the window", float64(u.Spans)/1000, "k")
	results.Note("kept for a span, by the window's own account", float64(u.Bytes)/float64(u.Spans), "B")
	results.AtMost("heap of a full window, of its bound", float64(largest)/float64(bound), "", 1.25)
	if u.Loss.Any() {
		return fmt.Errorf("spans were lost: %+v", u.Loss)
	}
	// Every trace has begun from outside, and is whole.
	view := r.Window.Between(start, now)
	for _, t := range view.Totals {
		if t.Edge.Caller.Kind == trace.Unknown || t.Edge.Operation == "POST /cart" && t.Edge.Caller.Key.Service != "web" {
			return fmt.Errorf("%s calls %s", t.Edge.Caller, t.Edge.Callee)
		}
	}
	results.Note("edges with costs", float64(len(view.Totals)), "")
	flood(r, &now, bound, results)
	if err := results.Write(out); err != nil {
		return err
	}
	return results.Chart(strings.TrimSuffix(out, ".json")+".svg", "Traces: figures against their goals (shorter is better)")
}

// flood sends what is most expensive to keep: a trace, a service and an
// operation of its own for each span.
func flood(r *traces.Receiver, now *time.Time, bound int64, results *record.Results) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	const n = 200_000
	for i := range n {
		*now = start.Add(time.Hour + time.Duration(i)*time.Millisecond)
		r.Window.Add(*now, []trace.Span{hostile(i, *now)})
	}
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := float64(after.HeapAlloc) - float64(before.HeapAlloc)
	results.Note("a flood of spans without anything in common", n/took.Seconds()/1000, "k spans/s/core")
	results.AtMost("heap that such a flood adds, of the bound", max(0, grown)/float64(bound), "", 1)
	runtime.KeepAlive(r)
}

// hostile is a span that shares nothing with any other.
func hostile(i int, now time.Time) trace.Span {
	s := trace.Span{Kind: trace.Client, Failed: true, Start: now.UnixNano(), End: now.UnixNano() + 1, Name: fmt.Sprint("operation ", i), Message: strings.Repeat("x", 400)}
	binary.BigEndian.PutUint64(s.Trace[:], uint64(i)+1<<40)
	binary.BigEndian.PutUint64(s.ID[:], uint64(i)+1)
	s.From = corpus.Service(fmt.Sprint("service-", i))
	s.Remote = trace.Remote{Kind: trace.External, Name: fmt.Sprint("peer-", i)}
	return s
}
