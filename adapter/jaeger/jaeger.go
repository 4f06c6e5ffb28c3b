// Package jaeger asks a Jaeger for traces over the HTTP API of its query service.
//
// What comes back is bounded in bytes, traces, spans and time. An answer that is
// not the API's own is an error and never "there is no trace"; an answer with
// errors beside its traces is a partial one, and says so.
package jaeger

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// The bounds of what is read of an answer.
const (
	MaxSpans    = 50_000
	MaxTraces   = 100
	MaxServices = 10_000
)

// Client is a source of traces.
var _ trace.Source = (*Client)(nil)

// answer is the form of all answers of the API.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []struct {
		Code    int    `json:"code"`
		Message string `json:"msg"`
	} `json:"errors"`
}

// read takes an answer apart. partial is not nil if it has errors beside its
// data.
func (c *Client) read(text []byte, into any) (partial, err error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, c.server.Wrong("it is no whole JSON")
	}
	empty := len(a.Data) == 0 || string(a.Data) == "null"
	if len(a.Errors) > 0 {
		partial = c.server.Fault(fault.Partial, "some of it is missing: "+rest.Short(a.Errors[0].Message), "look at its log")
		if empty {
			return nil, c.server.Wrong(rest.Short(a.Errors[0].Message))
		}
	}
	if empty {
		return nil, c.server.Wrong("it has no data")
	}
	if err := json.Unmarshal(a.Data, into); err != nil {
		return nil, c.server.Wrong("its data are none of Jaeger's")
	}
	return partial, nil
}

// Services returns the names of the services that it has traces of, sorted.
func (c *Client) Services(ctx context.Context) ([]string, error) {
	text, err := c.get(ctx, "api/services", nil)
	if err != nil {
		return nil, err
	}
	var all []string
	// An empty store answers null.
	var a answer
	if json.Unmarshal(text, &a) == nil && string(a.Data) == "null" && len(a.Errors) == 0 {
		return nil, nil
	}
	partial, err := c.read(text, &all)
	if err != nil {
		return nil, err
	}
	if len(all) > MaxServices {
		all = all[:MaxServices]
		partial = c.server.Fault(fault.Partial, fmt.Sprintf("it has more than %d services", MaxServices), "")
	}
	for i := range all {
		all[i] = identity.Clean(all[i])
	}
	slices.Sort(all)
	return all, partial
}

// Get returns the spans of a trace. The error is of kind NotFound if Jaeger has
// none of them, and of kind Partial if it says that some are missing: then those
// that are there are returned too.
func (c *Client) Get(ctx context.Context, id trace.ID) ([]trace.Span, error) {
	text, err := c.get(ctx, "api/traces/"+id.String(), nil)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil, fault.New(fault.NotFound, "look up trace", id.String(), "Jaeger has none of its spans", "it may be older than what Jaeger keeps, or was never sampled")
		}
		return nil, err
	}
	var traces jsonTraces
	partial, err := c.read(text, &traces)
	if err != nil {
		return nil, err
	}
	var all []trace.Span
	for i := range traces {
		spans, err := c.spans(&traces[i], MaxSpans-len(all))
		if err != nil {
			partial = err
		}
		all = append(all, spans...)
	}
	for i := range all {
		if all[i].Trace != id {
			return nil, c.server.Wrong("it has spans of another trace")
		}
	}
	if len(all) == 0 {
		return nil, fault.New(fault.NotFound, "look up trace", id.String(), "Jaeger has none of its spans", "it may be older than what Jaeger keeps, or was never sampled")
	}
	return all, partial
}

// Lookup implements trace.Source.
func (c *Client) Lookup(ctx context.Context, id trace.ID) (trace.Summary, bool, error) {
	spans, err := c.Get(ctx, id)
	if len(spans) == 0 {
		if fault.KindOf(err) == fault.NotFound {
			err = nil
		}
		return trace.Summary{}, false, err
	}
	s, ok := (&trace.Query{}).Matches(spans)
	return s, ok, nil
}

// Search implements trace.Source. Jaeger finds traces only by the name of a
// service; a query without one is refused.
func (c *Client) Search(ctx context.Context, q trace.Query) ([]trace.Summary, error) {
	if !q.From.Known() {
		return nil, c.server.Fault(fault.Invalid, "it finds traces only by their service", "name one")
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 20
	}
	// The key's other parts are compared here, so more are asked for.
	values := url.Values{"service": {q.From.Service}, "limit": {strconv.Itoa(min(MaxTraces, 4*limit))}}
	if !q.Since.IsZero() {
		values.Set("start", strconv.FormatInt(q.Since.UnixMicro(), 10))
	}
	if !q.Until.IsZero() {
		values.Set("end", strconv.FormatInt(q.Until.UnixMicro(), 10))
	}
	if q.Failed {
		values.Set("tags", `{"error":"true"}`)
	}
	if q.MinDuration > 0 {
		values.Set("minDuration", strconv.FormatInt(int64(q.MinDuration/time.Microsecond), 10)+"us")
	}
	text, err := c.get(ctx, "api/traces", values)
	if err != nil {
		return nil, err
	}
	var traces jsonTraces
	if _, err := c.read(text, &traces); err != nil {
		return nil, err
	}
	var all []trace.Summary
	for i := range traces {
		spans, err := c.spans(&traces[i], MaxSpans)
		if err != nil && len(spans) == 0 {
			return nil, err
		}
		if s, ok := q.Matches(spans); ok {
			all = append(all, s)
		}
	}
	return trace.Best(all, limit), nil
}
