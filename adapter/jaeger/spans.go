package jaeger

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// jsonTraces are the traces of an answer, as many as are looked at.
type jsonTraces []jsonTrace

// UnmarshalJSON implements json.Unmarshaler.
func (t *jsonTraces) UnmarshalJSON(text []byte) (err error) {
	*t, err = rest.List[jsonTrace](text, MaxTraces)
	return err
}

// jsonSpans are the spans of a trace: as many as are looked at, and one to tell that there
// are more.
type jsonSpans []jsonSpan

// UnmarshalJSON implements json.Unmarshaler.
func (s *jsonSpans) UnmarshalJSON(text []byte) (err error) {
	*s, err = rest.List[jsonSpan](text, MaxSpans+1)
	return err
}

type jsonTrace struct {
	Spans     jsonSpans              `json:"spans"`
	Processes map[string]jsonProcess `json:"processes"`
}

type jsonProcess struct {
	Service string `json:"serviceName"`
	Tags    tags   `json:"tags"`
}

type jsonSpan struct {
	TraceID    string          `json:"traceID"`
	SpanID     string          `json:"spanID"`
	Name       string          `json:"operationName"`
	References []jsonReference `json:"references"`
	Start      int64           `json:"startTime"` // microseconds since 1970
	Duration   int64           `json:"duration"`  // microseconds
	Tags       tags            `json:"tags"`
	Process    string          `json:"processID"`
	Logs       []struct {
		Fields tags `json:"fields"`
	} `json:"logs"`
}

type jsonReference struct {
	Type    string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

// tags are attributes. Values may be texts, numbers or booleans.
type tags []struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// get returns a tag's value as text, "" if it is not there.
func (t tags) get(name string) string {
	for i := range t {
		if t[i].Key == name {
			return plain(t[i].Value)
		}
	}
	return ""
}

func plain(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	if len(value) > 0 && (value[0] == '{' || value[0] == '[') {
		return ""
	}
	return string(value[:min(len(value), 64)])
}

// spans reads the spans of a trace, at most n. The error is of kind Partial if
// there are more.
func (c *Client) spans(t *jsonTrace, n int) ([]trace.Span, error) {
	who := make(map[string]*identity.Identity, len(t.Processes))
	for id, p := range t.Processes {
		of := identity.Of(func(name string) string {
			if name == "service.name" {
				return p.Service
			}
			return p.Tags.get(name)
		})
		who[id] = &of
	}
	all := make([]trace.Span, 0, min(n, len(t.Spans)))
	for i := range t.Spans {
		if len(all) >= n {
			return all, c.server.Fault(fault.Partial, fmt.Sprintf("the trace has more than %d spans", MaxSpans), "")
		}
		s, err := c.span(&t.Spans[i])
		if err != nil {
			return nil, err
		}
		s.From = who[t.Spans[i].Process]
		all = append(all, s)
	}
	return all, nil
}

func (c *Client) span(j *jsonSpan) (trace.Span, error) {
	id, err1 := trace.ParseID(j.TraceID)
	span, err2 := trace.ParseSpanID(j.SpanID)
	if err1 != nil || err2 != nil || j.Start <= 0 || j.Start > math.MaxInt64/2000 || j.Duration < 0 || j.Duration > math.MaxInt64/2000 {
		return trace.Span{}, c.server.Wrong("it has a span without an id or a time")
	}
	s := trace.Span{Trace: id, ID: span, Name: j.Name, Start: j.Start * 1000, End: (j.Start + j.Duration) * 1000, Kind: kind(j.Tags.get("span.kind"))}
	for _, r := range j.References {
		other, err1 := trace.ParseID(r.TraceID)
		parent, err2 := trace.ParseSpanID(r.SpanID)
		switch {
		case err1 != nil || err2 != nil:
		case r.Type == "CHILD_OF" && other == id && s.Parent.IsZero():
			s.Parent = parent
		default:
			s.Links = append(s.Links, trace.Link{Trace: other, Span: parent})
		}
	}
	s.Failed = strings.EqualFold(j.Tags.get("error"), "true") || strings.EqualFold(j.Tags.get("otel.status_code"), "ERROR")
	if s.Kind == trace.Client || s.Kind == trace.Producer || s.Kind == trace.Consumer {
		s.Remote = trace.RemoteOf(j.Tags.get)
	}
	if s.Failed {
		s.Message = trace.FailureOf(j.Tags.get("otel.status_description"), func(name string) string {
			if v := j.Tags.get(name); v != "" {
				return v
			}
			for i := range j.Logs[:min(len(j.Logs), 32)] {
				if v := j.Logs[i].Fields.get(name); v != "" {
					return v
				}
			}
			return ""
		})
	}
	trace.Trim(&s)
	return s, nil
}

func kind(name string) trace.Kind {
	for k := trace.Internal; k <= trace.Consumer; k++ {
		if k.String() == name {
			return k
		}
	}
	return trace.Unspecified
}
