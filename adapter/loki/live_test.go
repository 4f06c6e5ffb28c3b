package loki_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/loki"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/test/lokitest"
)

// TestARealLoki writes lines to a real Loki and reads them back: in both
// directions, with pages that end in the middle of a moment, with hostile values
// and with structured metadata.
func TestARealLoki(t *testing.T) {
	address, tenant := lokitest.Start(t)
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	hostile := "a\"} |= `b\\ é\n"
	streams := map[string][][]any{}
	var want []string
	for i := range 3000 {
		at := start.UnixNano() + int64(i/7)*1000 // seven lines have the same moment
		app := []string{"shop", "cart", hostile}[i%3]
		trace := fmt.Sprintf("%032x", i)
		streams[app] = append(streams[app], []any{strconv.FormatInt(at, 10), fmt.Sprint("line ", i, ` "quoted" `), map[string]string{"trace_id": trace, "span_id": "s" + strconv.Itoa(i)}})
		want = append(want, fmt.Sprint(at, " ", app, " line ", i, ` "quoted"  `, trace, " s", i))
	}
	var push struct {
		Streams []map[string]any `json:"streams"`
	}
	for app, values := range streams {
		push.Streams = append(push.Streams, map[string]any{"stream": map[string]string{"app": app, "job": "test"}, "values": values})
	}
	text, err := json.Marshal(push)
	if err != nil {
		t.Fatal(err)
	}
	if err := lokitest.Write(t.Context(), address, tenant, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	query, err := loki.Selector([]loki.Match{{Name: "job", Op: "=", Value: "test"}}, "line")
	if err != nil {
		t.Fatal(err)
	}
	for _, backward := range []bool{false, true} {
		c := client(t, address, func(o *loki.Options) { o.Tenant, o.Page, o.Pause = tenant, 100, nil })
		var got []string
		last := int64(0)
		read, err := c.Lines(t.Context(), loki.Span{Query: query, From: start, To: start.Add(time.Minute), Backward: backward}, func(e loki.Entry) error {
			if last != 0 && (e.At < last) != backward && e.At != last {
				t.Errorf("%d comes after %d", e.At, last)
			}
			last = e.At
			got = append(got, fmt.Sprint(e.At, " ", e.Labels["app"], " ", e.Line, " ", e.TraceID(), " ", e.SpanID()))
			if len(e.Labels) != 2 || len(e.Metadata) != 2 {
				t.Errorf("%+v", e)
			}
			return nil
		})
		slices.Sort(got)
		if err != nil || read.Cut || !slices.Equal(got, want) {
			t.Fatalf("backward %v: %d lines, not %d: %+v %v\n%.300q\n%.300q", backward, len(got), len(want), read, err, got, want)
		}
	}
	c := client(t, address, func(o *loki.Options) { o.Tenant = tenant })
	// A hostile value selects its stream only, a filter its lines only.
	query, err = loki.Selector([]loki.Match{{Name: "app", Op: "=", Value: hostile}}, `"quoted"`, "line 29")
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.Lines(t.Context(), loki.Span{Query: query, From: start, To: start.Add(time.Minute)}, func(e loki.Entry) error {
		if e.Labels["app"] != hostile || !strings.Contains(e.Line, "line 29") {
			t.Errorf("%+v", e)
		}
		return nil
	})
	if err != nil || read.Lines != 39 {
		t.Errorf("%+v %v", read, err)
	}
	samples, err := c.Query(t.Context(), `sum by (app) (count_over_time({job="test"}[15m]))`, time.Now())
	if err != nil || len(samples) != 3 || samples[0].Value != 1000 {
		t.Errorf("%+v %v", samples, err)
	}
	// What it refuses, in its own words.
	none := func(loki.Entry) error { return nil }
	span := loki.Span{Query: `{job="test"`, From: start, To: start.Add(time.Minute)}
	if _, err := c.Lines(t.Context(), span, none); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "parse error") {
		t.Error(err)
	}
	span.Query = `sum(count_over_time({job="test"}[5m]))`
	if _, err := c.Lines(t.Context(), span, none); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "matrix") {
		t.Error(err)
	}
	span.Query = `{job="test"}`
	if _, err := client(t, address, nil).Lines(t.Context(), span, none); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "no org id") {
		t.Error(err)
	}
	if read, err := client(t, address, func(o *loki.Options) { o.Tenant = tenant + "-other" }).Lines(t.Context(), span, none); err != nil || read.Lines != 0 {
		t.Errorf("another tenant sees %+v %v", read, err)
	}
	if _, err := c.Query(t.Context(), `{job="test"}`, time.Now()); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}
