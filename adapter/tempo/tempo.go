// Package tempo asks a Grafana Tempo for traces over its HTTP API: by their id in
// protobuf, and by TraceQL.
//
// What comes back is bounded in bytes, traces, spans and time. An answer that is
// not the API's own is an error and never "there is no trace"; one that Tempo
// itself calls partial says so.
package tempo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// MaxTraces is how many traces of a search are read.
const MaxTraces = 100

const (
	typeJSON     = "application/json"
	typeProtobuf = "application/protobuf"
)

// Client is a source of traces.
var _ trace.Source = (*Client)(nil)

// Get returns the spans of a trace. The error is of kind NotFound if Tempo has
// none of them, and of kind Partial if some are missing: then those that are
// there are returned too.
//
// It asks the second version of the API, which says what is missing, and where
// that does not exist the first.
func (c *Client) Get(ctx context.Context, id trace.ID) ([]trace.Span, error) {
	// Both versions answer 404 for a trace that they do not have.
	r, err := c.get(ctx, "api/v2/traces/"+id.String(), nil, typeProtobuf)
	second := err == nil
	if fault.KindOf(err) == fault.NotFound {
		r, err = c.get(ctx, "api/traces/"+id.String(), nil, typeProtobuf)
	}
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil:
		return nil, none(id)
	case err != nil:
		return nil, err
	}
	var partial error
	message := r.Text
	if second {
		if message, partial, err = c.unwrap(r); err != nil {
			return nil, err
		}
	}
	spans, dropped, err := c.decode(message, r.Type == rest.JSON)
	switch {
	case err != nil:
		return nil, c.server.Wrong("it is no trace")
	case len(spans) == 0 && partial == nil:
		return nil, none(id)
	case dropped > 0:
		partial = fault.New(fault.Partial, "look up trace", id.String(), fmt.Sprintf("it has %d spans more than are read", dropped), "")
	}
	for i := range spans {
		s := &spans[i]
		if s.Trace != id {
			return nil, c.server.Wrong("it has spans of another trace")
		}
		if s.ID.IsZero() || s.Start <= 0 {
			return nil, c.server.Wrong("it has a span without an id or a time")
		}
		trace.Trim(s)
	}
	return spans, partial
}

func none(id trace.ID) error {
	return fault.New(fault.NotFound, "look up trace", id.String(), "Tempo has none of its spans", "it may be older than what Tempo keeps, or was never sampled")
}

// unwrap takes the trace out of an answer of the second version:
//
//	message TraceByIDResponse { Trace trace = 1; ... PartialStatus status = 3; string message = 4; }
func (c *Client) unwrap(r rest.Answer) (message []byte, partial, err error) {
	missing := false
	why := ""
	if r.Type == rest.JSON {
		var a struct {
			Trace   json.RawMessage `json:"trace"`
			Status  json.RawMessage `json:"status"`
			Message string          `json:"message"`
		}
		if err := json.Unmarshal(r.Text, &a); err != nil {
			return nil, nil, c.server.Wrong("it is no whole JSON")
		}
		message, why = a.Trace, a.Message[:min(len(a.Message), 200)]
		missing = string(a.Status) == `"PARTIAL"` || string(a.Status) == "1"
		if len(message) == 0 || string(message) == "null" {
			message = []byte("{}")
		}
	} else {
		for rest := r.Text; len(rest) > 0; {
			n, typ, size := protowire.ConsumeTag(rest)
			if size < 0 {
				return nil, nil, c.server.Wrong("it is no whole protobuf")
			}
			value := rest[size:]
			length := protowire.ConsumeFieldValue(n, typ, value)
			if length < 0 {
				return nil, nil, c.server.Wrong("it is no whole protobuf")
			}
			rest = value[length:]
			switch {
			case n == 1 && typ == protowire.BytesType:
				part, _ := protowire.ConsumeBytes(value)
				message = append(message, part...) // parts of one message are one message
			case n == 3 && typ == protowire.VarintType:
				status, _ := protowire.ConsumeVarint(value)
				missing = status == 1
			case n == 4 && typ == protowire.BytesType:
				text, _ := protowire.ConsumeBytes(value)
				why = string(text[:min(len(text), 200)])
			}
		}
	}
	if missing {
		partial = c.server.Fault(fault.Partial, "some of the trace is missing: "+identity.Plain(why), "raise its limits, or look at its log")
	}
	return message, partial, nil
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

// Search implements trace.Source. It asks for the pod first, then for the
// service, and stops where something is found.
func (c *Client) Search(ctx context.Context, q trace.Query) ([]trace.Summary, error) {
	for _, a := range asks(q) {
		found, err := c.search(ctx, a, q)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// ask is one question in TraceQL, and how surely what it finds is meant.
type ask struct {
	conditions []string
	by         identity.Strength
}

// jsonFound are the traces that a search found, as many as are looked at.
type jsonFound []jsonSummary

// rootMissing is what Tempo calls the service of a root that it has not received.
const rootMissing = "<root span not yet received>"

// jsonSummary is one of them.
type jsonSummary struct {
	ID string `json:"traceID"`
	// Service is rootMissing where the root is not there.
	Service  string `json:"rootServiceName"`
	Name     string `json:"rootTraceName"`
	Start    string `json:"startTimeUnixNano"`
	Duration int64  `json:"durationMs"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *jsonFound) UnmarshalJSON(text []byte) (err error) {
	*f, err = rest.List[jsonSummary](text, MaxTraces)
	return err
}

// asks are the questions of a query, the surest first.
func asks(q trace.Query) []ask {
	var common []string
	if q.Failed {
		common = append(common, "status = error")
	}
	if q.MinDuration > 0 {
		common = append(common, "traceDuration >= "+strconv.FormatInt(int64(q.MinDuration/time.Microsecond), 10)+"us")
	}
	f := q.From
	is := func(name, value string) string { return "resource." + name + " = " + strconv.Quote(value) }
	with := func(by identity.Strength, conditions ...string) ask {
		return ask{append(conditions, common...), by}
	}
	var all []ask
	if f.Pod != "" && f.KubeNamespace != "" {
		all = append(all, with(identity.ByPod, is("k8s.pod.name", f.Pod), is("k8s.namespace.name", f.KubeNamespace)))
	}
	if f.Known() && f.Namespace != "" && f.Environment != "" {
		all = append(all, with(identity.ByKey, is("service.name", f.Service), is("service.namespace", f.Namespace), is("deployment.environment.name", f.Environment)))
	}
	if f.Known() {
		all = append(all, with(identity.ByService, is("service.name", f.Service)))
	}
	if len(all) == 0 {
		all = append(all, with(identity.None))
	}
	return all
}

func (c *Client) search(ctx context.Context, a ask, q trace.Query) ([]trace.Summary, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 20
	}
	values := url.Values{"q": {"{ " + strings.Join(a.conditions, " && ") + " }"}, "limit": {strconv.Itoa(min(limit, MaxTraces))}}
	if !q.Since.IsZero() {
		values.Set("start", strconv.FormatInt(q.Since.Unix(), 10))
	}
	if !q.Until.IsZero() {
		values.Set("end", strconv.FormatInt(q.Until.Unix()+1, 10))
	}
	r, err := c.get(ctx, "api/search", values, typeJSON)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Traces  *jsonFound      `json:"traces"`
		Metrics json.RawMessage `json:"metrics"`
	}
	if err := json.Unmarshal(r.Text, &answer); err != nil {
		return nil, c.server.Wrong("it is no whole JSON of Tempo's")
	}
	if answer.Traces == nil {
		// An empty result has metrics, and may have no traces.
		if len(answer.Metrics) == 0 {
			return nil, c.server.Wrong("it has neither traces nor metrics")
		}
		return nil, nil
	}
	all := []trace.Summary{}
	for _, t := range *answer.Traces {
		id, err := trace.ParseID(t.ID)
		start, bad := strconv.ParseInt(t.Start, 10, 64)
		if err != nil || bad != nil || start <= 0 || t.Duration < 0 || t.Duration > int64(1<<62/time.Millisecond) {
			return nil, c.server.Wrong("it has a trace without an id or a time")
		}
		s := trace.Summary{ID: id, Root: identity.Clean(t.Name), Start: time.Unix(0, start).UTC(), Duration: time.Duration(t.Duration) * time.Millisecond, Failed: q.Failed, By: a.by}
		s.Service.Service = identity.Clean(t.Service)
		if t.Service == rootMissing {
			s.Partial, s.Service.Service = true, ""
		}
		all = append(all, s)
	}
	return trace.Best(all, limit), nil
}
