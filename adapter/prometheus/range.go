package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// Point is the value of a series at a moment, in milliseconds since 1970. It may
// be NaN or infinite.
type Point struct {
	At    int64
	Value float64
}

// maxSteps is how many steps one question asks for; servers refuse 11,000.
const maxSteps = 10_000

// Range evaluates an expression at each step between two moments, both included,
// and hands over what comes: for each series its points in the order of time, in
// several parts if there are many. What is handed over is not kept; an error of
// each ends it. An answer that is too large is asked for again in smaller parts.
func (c *Client) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration, each func(labels map[string]string, points []Point) error) error {
	if step < time.Second || to.Before(from) {
		return c.server.Fault(fault.Invalid, fmt.Sprintf("from %s to %s in steps of %s is no range", from, to, step), "write a step of a second or more")
	}
	steps := int64(maxSteps)
	for at := from; !at.After(to); {
		end := at.Add(time.Duration(steps-1) * step)
		if end.After(to) {
			end = to
		}
		values := url.Values{"query": {expr}, "start": {moment(at)}, "end": {moment(end)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', 3, 64)}, "timeout": {c.limit()}}
		// The frontends of Thanos and Mimir may begin at a multiple of the step.
		of := reach{at.Add(-step).UnixMilli(), end.UnixMilli()}
		err := c.whole(ctx, "query_range", values, until(end), func(data json.RawMessage) error { return c.matrix(data, of, each) })
		if errors.Is(err, rest.ErrTooLarge) && steps > 100 && end.After(at) {
			steps /= 4
			continue
		}
		if err != nil {
			return err
		}
		at = end.Add(step)
	}
	return nil
}

// matrix reads the series of a range, none of which may reach beyond the time that was
// asked for.
func (c *Client) matrix(data json.RawMessage, of reach, each func(map[string]string, []Point) error) error {
	var r result
	if err := json.Unmarshal(data, &r); err != nil {
		return c.server.Wrong("it has no result")
	}
	if r.Type != "matrix" {
		return c.server.Wrong(fmt.Sprintf("it is a %q, not a matrix", rest.Short(r.Type)))
	}
	type row struct {
		Metric map[string]string `json:"metric"`
		Values json.RawMessage   `json:"values"`
	}
	all, err := rows[row](r.Result)
	if err != nil {
		return c.server.Wrong("its matrix is none")
	}
	if len(all) > MaxSeries {
		return c.server.Fault(fault.Invalid, fmt.Sprintf("the answer has more than %d series", MaxSeries), "select fewer series")
	}
	parsed := make([][]Point, len(all))
	for i, s := range all {
		if s.Values == nil {
			return c.server.Wrong("a series has no values; histograms cannot be read")
		}
		var ok bool
		if parsed[i], ok = points(s.Values); !ok {
			return c.server.Wrong("the values of a series are none")
		}
		if p := parsed[i]; len(p) > 0 && (p[0].At < of.from-rounding || p[len(p)-1].At > of.to+rounding) {
			return c.otherTime()
		}
	}
	// Nothing is handed over before all of the answer is known to be right.
	for i, s := range all {
		if err := each(s.Metric, parsed[i]); err != nil {
			return err
		}
	}
	return nil
}

// rows reads the series of an answer, no more than show that there are too many. Each has
// a brace, so that the quicker way is taken where there are few of these.
func rows[T any](text []byte) (all []T, err error) {
	if bytes.Count(text, []byte("{")) > 2*MaxSeries {
		return rest.List[T](text, MaxSeries+1)
	}
	err = json.Unmarshal(text, &all)
	return all, err
}

// points reads [[1700000000.1,"1.5"],…], in which the decoder of JSON would spend
// ten times as long. ok tells whether it is that, in the order of time.
func points(text []byte) (out []Point, ok bool) {
	text = bytes.TrimSpace(text)
	if bytes.Equal(text, []byte("[]")) {
		return nil, true
	}
	if len(text) < 4 || text[0] != '[' || text[len(text)-1] != ']' {
		return nil, false
	}
	out = make([]Point, 0, bytes.Count(text, []byte(`["`))+bytes.Count(text, []byte(`,"`)))
	rest := text[1 : len(text)-1]
	for {
		rest = bytes.TrimLeft(rest, " \n\t\r")
		end := bytes.IndexByte(rest, ']')
		if end < 0 || rest[0] != '[' {
			return nil, false
		}
		comma := bytes.IndexByte(rest[:end], ',')
		if comma < 0 {
			return nil, false
		}
		value := bytes.TrimSpace(rest[comma+1 : end])
		if len(value) < 3 || value[0] != '"' || value[len(value)-1] != '"' {
			return nil, false
		}
		at, err := strconv.ParseFloat(string(bytes.TrimSpace(rest[1:comma])), 64)
		if err != nil {
			return nil, false
		}
		v, err := strconv.ParseFloat(string(value[1:len(value)-1]), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, false
		}
		p := Point{At: int64(at*1000 + 0.5), Value: v}
		if len(out) > 0 && p.At <= out[len(out)-1].At {
			return nil, false
		}
		out = append(out, p)
		rest = bytes.TrimLeft(rest[end+1:], " \n\t\r")
		if len(rest) == 0 {
			return out, true
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = rest[1:]
	}
}

// Names tells which of some metrics there were between two moments. Matchers
// select them: `{__name__=~"http_.*"}`. Names that are known not to be all are an error
// of kind Unavailable: what is not named is not watched.
func (c *Client) Names(ctx context.Context, matchers []string, from, to time.Time) (names []string, err error) {
	values := url.Values{"match[]": matchers, "start": {moment(from)}, "end": {moment(to)}}
	err = c.whole(ctx, "label/__name__/values", values, reach{from.UnixMilli(), to.UnixMilli()}, func(data json.RawMessage) error {
		if json.Unmarshal(data, &names) != nil {
			return c.server.Wrong("its names are none")
		}
		return nil
	})
	return names, err
}
