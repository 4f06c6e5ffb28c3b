package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// MaxExemplars is how many exemplars of an answer are kept, the newest.
const MaxExemplars = 1000

// traceLabels are what client libraries call the id of a trace, and spanLabels
// that of a span.
var (
	traceLabels = [...]string{"trace_id", "traceID", "traceId", "TraceID"}
	spanLabels  = [...]string{"span_id", "spanID", "spanId", "SpanID"}
)

// QueryExemplars returns the exemplars of the series in an expression between
// two moments, the newest first, and how many were dropped because there are
// more than MaxExemplars.
//
// That there are none is no evidence: Prometheus keeps exemplars only with
// --enable-feature=exemplar-storage, in a ring that all series share, and
// answers in the same way without it.
func (c *Client) QueryExemplars(ctx context.Context, expr string, from, to time.Time) (all []trace.Exemplar, dropped int, err error) {
	values := url.Values{"query": {expr}, "start": {moment(from)}, "end": {moment(to)}}
	err = c.whole(ctx, "query_exemplars", values, reach{from.UnixMilli(), to.UnixMilli()}, func(data json.RawMessage) error {
		all, dropped, err = c.exemplars(data)
		return err
	})
	return all, dropped, err
}

// exemplars reads one series after the other, so that many never stand in
// memory at a time.
func (c *Client) exemplars(data json.RawMessage) (all []trace.Exemplar, dropped int, err error) {
	if string(data) == "null" {
		return nil, 0, nil // none, as old versions write it
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return nil, 0, c.server.Wrong("its exemplars are none")
	}
	for dec.More() {
		var series struct {
			Labels    map[string]string `json:"seriesLabels"`
			Exemplars []struct {
				Labels map[string]string `json:"labels"`
				Value  string            `json:"value"`
				At     float64           `json:"timestamp"`
			} `json:"exemplars"`
		}
		if err := dec.Decode(&series); err != nil {
			return nil, 0, c.server.Wrong("its exemplars are none")
		}
		of := identity.FromMap(series.Labels)
		for _, e := range series.Exemplars {
			v, err := strconv.ParseFloat(e.Value, 64)
			if err != nil || !(math.Abs(e.At) < 1e10) {
				return nil, 0, c.server.Wrong("an exemplar has no value or no time")
			}
			x := trace.Exemplar{Value: v, At: time.UnixMilli(int64(e.At * 1000)).UTC(), Of: of}
			// A label that is no id names no trace; the fallback is left.
			x.Trace, _ = trace.ParseID(label(e.Labels, traceLabels[:]))
			x.Span, _ = trace.ParseSpanID(label(e.Labels, spanLabels[:]))
			all = append(all, x)
		}
		if len(all) >= 4*MaxExemplars {
			all, dropped = newest(all, dropped)
		}
	}
	all, dropped = newest(all, dropped)
	return all, dropped, nil
}

func newest(all []trace.Exemplar, dropped int) ([]trace.Exemplar, int) {
	slices.SortStableFunc(all, func(a, b trace.Exemplar) int { return b.At.Compare(a.At) })
	if n := len(all) - MaxExemplars; n > 0 {
		return all[:MaxExemplars], dropped + n
	}
	return all, dropped
}

func label(labels map[string]string, names []string) string {
	for _, n := range names {
		if v := labels[n]; v != "" {
			return v
		}
	}
	return ""
}
