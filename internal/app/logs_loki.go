package app

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/adapter/loki"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// loki reads from a Loki.
func (r *logReading) loki(ctx context.Context) error {
	access, err := OpenAccess(r.Loki.Access, nil)
	if err != nil {
		return err
	}
	client, err := loki.New(loki.Options{URL: r.Loki.URL, Access: access, Timeout: r.Timeout, Page: 5000})
	if err != nil {
		return err
	}
	query := r.Loki.Query
	if query == "" {
		if query, err = loki.Selector([]loki.Match{{Name: "namespace", Op: "=", Value: r.Namespace}}); err != nil {
			return err
		}
	}
	r.out.Source = "Loki"
	if u, err := url.Parse(r.Loki.URL); err == nil && u.Host != "" {
		r.out.Source += " at " + u.Host
	}
	from, mid, to := r.out.From, r.out.Mid, r.out.To
	before, after := from, mid
	if r.Recall == nil || r.Recall.Begin(r.Loki.URL+" "+query, from.UnixMilli()) <= from.UnixMilli() {
		before, after = r.fitting(ctx, client, query, from, mid), r.fitting(ctx, client, query, mid, to)
	}
	if r.Recall != nil && (before.After(from) || after.After(mid)) {
		r.Recall.Forget() // there is a gap
		r.Recall = nil
	}
	if before.After(from) || after.After(mid) {
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("there are more lines than --max-lines: the last %s of the window were read, and the last %s before it",
			to.Sub(after).Round(time.Second), mid.Sub(before).Round(time.Second)))
	}
	r.out.From, r.out.Mid, r.gap = before, after, after.Sub(mid)
	if err := r.begin(true); err != nil {
		return err
	}
	streams := map[string]*stream{}
	ends, told := [2]int64{}, len(r.out.Notes)
	for i, s := range [2][2]time.Time{{before, mid}, {after, to}} {
		end, err := r.span(ctx, client, query, s[0], s[1], streams)
		if err != nil {
			if r.Recall != nil {
				r.Recall.Forget() // part of a stretch is none
			}
			return err
		}
		ends[i] = end.UnixMilli()
		if r.Progress != nil {
			r.Progress(i+1, 2)
		}
	}
	for _, s := range streams {
		s.end()
	}
	r.comparison.Narrow(ends[0], ends[1])
	if r.Recall != nil {
		r.Recall.Until(to.Add(-lateness).UnixMilli())
		// What Loki warns of may be that lines are missing, which the next look would not tell.
		if len(r.out.Failed) > 0 || len(r.out.Notes) > told {
			r.Recall.Forget() // it has not all lines; the next look makes the windows fit
		}
	}
	return nil
}

// fitting is the start of the last part of a window that has no more lines than are
// to be read, as far as their number tells. A server that does not tell it is no
// reason not to read.
func (r *logReading) fitting(ctx context.Context, client *loki.Client, query string, from, to time.Time) time.Time {
	for range 4 { // lines are not spread evenly: what is left may still be too much
		long := to.Sub(from)
		samples, err := client.Query(ctx, fmt.Sprintf("sum(count_over_time(%s [%dms]))", query, long.Milliseconds()), to)
		if err != nil || len(samples) != 1 || !(samples[0].Value > float64(r.Loki.MaxLines)) || math.IsInf(samples[0].Value, 0) {
			break
		}
		part := time.Duration(0.9 * float64(long) * float64(r.Loki.MaxLines) / samples[0].Value)
		from = to.Add(-max(part, time.Millisecond)).Truncate(time.Millisecond)
	}
	return from
}

// maxStreams bounds the streams whose lines are put together: those of more are
// taken one by one.
const maxStreams = 2000

// lateness is how late a line may come to a Loki: of what is younger more is asked for at the
// next look.
const lateness = time.Minute

// lokiBytes bounds what is read of a window.
const lokiBytes = 1 << 30

// span reads the lines of a window, and returns up to when.
func (r *logReading) span(ctx context.Context, client *loki.Client, query string, from, to time.Time, streams map[string]*stream) (end time.Time, err error) {
	left := r.Loki.MaxLines
	give := func(key string, l logs.Line) error {
		s := streams[key]
		if s == nil {
			s = r.stream()
			if len(streams) < maxStreams {
				streams[key] = s
			}
		}
		s.add(l, false)
		if streams[key] == nil {
			s.end()
		}
		left--
		return ctx.Err()
	}
	start, names := from, map[string]string{}
	if r.Recall != nil {
		if err := r.Recall.Each(from.UnixMilli(), to.UnixMilli(), give); err != nil {
			return to, err
		}
		if known := time.UnixMilli(r.Recall.Known()); known.After(from) {
			start = known
		}
		if !start.Before(to) {
			return to, nil
		}
	}
	read, err := client.Lines(ctx, loki.Span{Query: query, From: start, To: to, MaxLines: max(left, 1), MaxBytes: lokiBytes}, func(e loki.Entry) error {
		key := streamKey(e.Labels)
		source, known := names[key]
		if !known {
			if source = sourceOf(e.Labels); len(names) < maxStreams {
				names[key] = source
			}
		}
		l := logs.Line{At: e.At / int64(time.Millisecond), Text: []byte(e.Line), Source: source, Level: levelOf(e), Trace: e.TraceID()}
		if r.Recall != nil {
			r.Recall.Add(key, l)
		}
		return give(key, l)
	})
	for _, w := range read.Warnings {
		r.out.Notes = append(r.out.Notes, "Loki says: "+w)
	}
	end = to
	if read.Cut {
		end = read.Next
		r.failed(r.out.Source, fault.New(fault.Partial, "read", "all lines", "lines from "+read.Next.UTC().Format(time.RFC3339)+" to "+to.UTC().Format(time.RFC3339)+" were not read", "raise --max-lines, or narrow --query"))
	}
	return end, err
}

func streamKey(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%d:%s%d:%s", len(k), k, len(labels[k]), labels[k])
	}
	return b.String()
}

// sourceOf names whose lines those of a stream are.
func sourceOf(labels map[string]string) string {
	if k := identity.FromMap(labels).Key; k.Known() {
		return k.String()
	}
	for _, name := range [...]string{"container", "job", "filename", "pod"} {
		if v := identity.Clean(labels[name]); v != "" {
			return v
		}
	}
	return "(unnamed)"
}

// levelOf is the level that Loki or its sender told apart from the line.
func levelOf(e loki.Entry) logs.Level {
	for _, m := range [...]map[string]string{e.Metadata, e.Labels, e.Parsed} {
		for _, name := range [...]string{"detected_level", "level", "severity_text"} {
			if l := logs.ParseLevel(m[name]); l != logs.None {
				return l
			}
		}
	}
	return logs.None
}
