package loki

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// answer is the form of all answers of the API.
type answer struct {
	Status   string   `json:"status"`
	Error    string   `json:"error"`
	Warnings []string `json:"warnings"`
	Data     struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
}

// read reads what all answers have in common.
func (c *Client) read(text []byte) (*answer, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, c.server.Wrong("it is no whole JSON")
	}
	if a.Status != "success" {
		return nil, c.server.Wrong(fmt.Sprintf("its status is %q: %s", rest.Short(a.Status), rest.Short(a.Error)))
	}
	return &a, nil
}

// Entry is a line.
type Entry struct {
	// At is when it was written, in nanoseconds since 1970.
	At   int64
	Line string
	// Labels are those of its stream. Entries of a stream share the map.
	Labels map[string]string
	// Metadata is its structured metadata, and Parsed what the query's own
	// parsers found in it. A server that does not keep them apart gives all of
	// it as Labels.
	Metadata, Parsed map[string]string
}

// TraceID returns the identifier of the trace that the line belongs to, "" if
// it tells none. Structured metadata is asked first.
func (e *Entry) TraceID() string { return e.find("trace_id", "traceid", "traceID", "traceId") }

// SpanID returns the identifier of the span that the line belongs to, "" if it
// tells none.
func (e *Entry) SpanID() string { return e.find("span_id", "spanid", "spanID", "spanId") }

func (e *Entry) find(names ...string) string {
	for _, m := range []map[string]string{e.Metadata, e.Parsed, e.Labels} {
		for _, n := range names {
			if v := m[n]; v != "" {
				return v
			}
		}
	}
	return ""
}

// streams reads the lines of an answer, in the order of its streams.
func (c *Client) streams(a *answer) ([]Entry, error) {
	if a.Data.Type != "streams" {
		return nil, c.server.Fault(fault.Invalid, fmt.Sprintf("the query gives a %q, not lines", rest.Short(a.Data.Type)), "give a log query, as in {namespace=\"shop\"} |= \"error\"")
	}
	var all []struct {
		Stream map[string]string `json:"stream"`
		Values []Entry           `json:"values"`
	}
	if err := json.Unmarshal(a.Data.Result, &all); err != nil {
		return nil, c.server.Wrong("its streams are none")
	}
	var out []Entry
	for _, s := range all {
		for i := range s.Values {
			s.Values[i].Labels = s.Stream
		}
		out = append(out, s.Values...)
	}
	return out, nil
}

// UnmarshalJSON implements json.Unmarshaler: ["1700000000000000000", "line"] or
// with {"structuredMetadata": {}, "parsed": {}} as third part. Older servers
// write the structured metadata there without a name.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) != 2 && len(parts) != 3 {
		return errors.New("a line has two or three parts")
	}
	var at string
	if err := errors.Join(json.Unmarshal(parts[0], &at), json.Unmarshal(parts[1], &e.Line)); err != nil {
		return err
	}
	var err error
	if e.At, err = strconv.ParseInt(at, 10, 64); err != nil || len(parts) == 2 {
		return err
	}
	var named struct {
		Metadata *map[string]string `json:"structuredMetadata"`
		Parsed   *map[string]string `json:"parsed"`
	}
	if json.Unmarshal(parts[2], &named) == nil && (named.Metadata != nil || named.Parsed != nil) {
		if named.Metadata != nil {
			e.Metadata = *named.Metadata
		}
		if named.Parsed != nil {
			e.Parsed = *named.Parsed
		}
		return nil
	}
	return json.Unmarshal(parts[2], &e.Metadata)
}
