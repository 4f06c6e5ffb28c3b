package loki

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// Span says which lines to read.
type Span struct {
	// Query is a log query, as in {namespace="shop"} |= "error".
	Query string
	// From is the first moment and To the one after the last.
	From, To time.Time
	// Backward reads the newest lines first.
	Backward bool
	// MaxLines and MaxBytes bound what is read, bytes of lines; 0 means 100,000
	// lines and 64 MiB.
	MaxLines, MaxBytes int
}

// Read says what was read.
type Read struct {
	Lines, Bytes int
	// Cut is set if there was more: MaxLines or MaxBytes was reached. The lines
	// from Next on, or up to it when reading backward, were not all read.
	Cut  bool
	Next time.Time
	// Warnings are what the server had to say about its answers, at most 10.
	Warnings []string
}

const (
	maxLines = 100_000
	maxBytes = 64 << 20
)

// Lines reads the lines of a span in the order of time and hands each to use,
// once. An error of use ends it and is returned. What was read before an error
// is told as well.
//
// A page starts at the moment of the last line of the one before, since there
// may be more lines of that moment, and leaves those out that it had.
func (c *Client) Lines(ctx context.Context, s Span, use func(Entry) error) (Read, error) {
	p := pages{client: c, span: s, from: s.From.UnixNano(), to: s.To.UnixNano(), size: c.page, had: map[string]int{}}
	if p.span.MaxLines <= 0 {
		p.span.MaxLines = maxLines
	}
	if p.span.MaxBytes <= 0 {
		p.span.MaxBytes = maxBytes
	}
	if p.from >= p.to {
		return p.read, c.server.Fault(fault.Invalid, "the span ends before it starts", "give a start that is before the end")
	}
	for p.from < p.to {
		entries, err := p.next(ctx)
		if err != nil {
			return p.read, err
		}
		if done, err := p.hand(entries, use); done || err != nil {
			return p.read, err
		}
	}
	return p.read, nil
}

// pages is the state of reading.
type pages struct {
	client   *Client
	span     Span
	from, to int64 // what is left
	size     int   // lines a page
	// edge is the moment of the last line, and had are the lines of it that
	// were handed out, by what they are, with how many there were alike.
	edge int64
	had  map[string]int
	read Read
}

// next asks for a page.
func (p *pages) next(ctx context.Context) ([]Entry, error) {
	direction := "forward"
	if p.span.Backward {
		direction = "backward"
	}
	a, err := p.client.ask(ctx, "loki/api/v1/query_range", url.Values{
		"query": {p.span.Query}, "direction": {direction}, "limit": {strconv.Itoa(p.size)},
		"start": {strconv.FormatInt(p.from, 10)}, "end": {strconv.FormatInt(p.to, 10)},
	})
	if err != nil {
		return nil, err
	}
	for _, w := range a.Warnings {
		if len(p.read.Warnings) < maxWarning && !slices.Contains(p.read.Warnings, rest.Short(w)) {
			p.read.Warnings = append(p.read.Warnings, rest.Short(w))
		}
	}
	entries, err := p.client.streams(a)
	if err != nil {
		return nil, err
	}
	if len(entries) > p.size {
		return nil, p.client.server.Wrong(fmt.Sprintf("it has %d lines where at most %d were asked for", len(entries), p.size))
	}
	for _, e := range entries {
		if e.At < p.from || e.At >= p.to {
			return nil, p.client.server.Wrong("it has lines of another time than was asked for")
		}
	}
	// Streams come one after the other: time parts them again. Lines of one
	// moment stay in the order of the answer.
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if p.span.Backward {
			a, b = b, a
		}
		return cmp.Compare(a.At, b.At)
	})
	return entries, nil
}

// hand gives the lines of a page to use, without those of the edge that were
// given before, and moves on. done tells that there is nothing more to ask for.
func (p *pages) hand(entries []Entry, use func(Entry) error) (done bool, err error) {
	again := map[string]int{}
	given := 0
	for _, e := range entries {
		key := identity(e)
		if e.At == p.edge && p.read.Lines > 0 {
			if again[key]++; again[key] <= p.had[key] {
				continue
			}
		} else {
			p.edge = e.At
			clear(p.had)
			clear(again)
			again[key] = 1
		}
		if p.read.Lines >= p.span.MaxLines || p.read.Bytes+len(e.Line) > p.span.MaxBytes {
			p.read.Cut, p.read.Next = true, time.Unix(0, e.At)
			return true, nil
		}
		if err := use(e); err != nil {
			return true, err
		}
		p.had[key] = max(p.had[key], again[key])
		p.read.Lines++
		p.read.Bytes += len(e.Line)
		given++
	}
	if len(entries) < p.size {
		return true, nil
	}
	if given == 0 {
		// A whole page of lines of one moment that were had: only a larger one
		// shows what follows.
		if p.size >= maxPage {
			return true, p.client.server.Fault(fault.Partial, fmt.Sprintf("more than %d lines have the same moment", maxPage), "select fewer streams")
		}
		p.size = min(2*p.size, maxPage)
	}
	if p.span.Backward {
		p.to = p.edge + 1
	} else {
		p.from = p.edge
	}
	return false, nil
}

// identity is what a line is told from others of its moment by.
func identity(e Entry) string {
	var b strings.Builder
	for _, m := range []map[string]string{e.Labels, e.Metadata} {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			b.WriteString(k)
			b.WriteByte(0)
			b.WriteString(m[k])
			b.WriteByte(0)
		}
		b.WriteByte(1)
	}
	b.WriteString(e.Line)
	return b.String()
}
