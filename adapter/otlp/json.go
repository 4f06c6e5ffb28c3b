package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// DecodeJSON is Decode for the protocol's JSON, in which ids are hexadecimal.
// Tempo's answers have the resources under "batches" or "resourceSpans".
func DecodeJSON(message []byte) (Batch, error) {
	var top struct {
		ResourceSpans json.RawMessage `json:"resourceSpans"`
		Batches       json.RawMessage `json:"batches"`
	}
	d := decoder{resource: newValues(resourceAttributes()), span: newValues(spanAttributes()), shared: shared{}}
	if err := json.Unmarshal(message, &top); err != nil {
		return Batch{}, notJSON()
	}
	for _, list := range [...]json.RawMessage{top.ResourceSpans, top.Batches} {
		if err := each(list, d.jsonResource); err != nil {
			return Batch{}, err
		}
	}
	return d.batch, nil
}

func notJSON() error {
	return fault.New(fault.Invalid, "read OTLP", "", "it is no JSON of OpenTelemetry's", "")
}

// each decodes one element of a list after the other, so that a list of many
// small ones never stands in memory as a whole. null and nothing are empty lists.
func each[T any](list json.RawMessage, f func(*T) error) error {
	if len(list) == 0 || bytes.Equal(list, []byte("null")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(list))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return notJSON()
	}
	for dec.More() {
		var v T
		if err := dec.Decode(&v); err != nil {
			return notJSON()
		}
		if err := f(&v); err != nil {
			return err
		}
	}
	return nil
}

type jsonResource struct {
	Resource struct {
		Attributes json.RawMessage `json:"attributes"`
	} `json:"resource"`
	ScopeSpans json.RawMessage `json:"scopeSpans"`
}

type jsonScope struct {
	Spans json.RawMessage `json:"spans"`
}

type jsonSpan struct {
	TraceID    string          `json:"traceId"`
	SpanID     string          `json:"spanId"`
	ParentID   string          `json:"parentSpanId"`
	Name       string          `json:"name"`
	Kind       jsonWord        `json:"kind"`
	Start      jsonWord        `json:"startTimeUnixNano"`
	End        jsonWord        `json:"endTimeUnixNano"`
	Attributes json.RawMessage `json:"attributes"`
	Events     json.RawMessage `json:"events"`
	Links      json.RawMessage `json:"links"`
	Status     struct {
		Code    jsonWord `json:"code"`
		Message string   `json:"message"`
	} `json:"status"`
}

// jsonWord is a number or a text: senders write both.
type jsonWord string

// UnmarshalJSON implements json.Unmarshaler.
func (w *jsonWord) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		*w = jsonWord(s)
		return nil
	}
	*w = jsonWord(cut(text, 32))
	return nil
}

func (w jsonWord) number() uint64 {
	n, err := strconv.ParseUint(string(w), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

type jsonAttribute struct {
	Key   string `json:"key"`
	Value struct {
		Text *string  `json:"stringValue"`
		Int  jsonWord `json:"intValue"`
	} `json:"value"`
}

func (d *decoder) jsonAttributes(list json.RawMessage, into *values) error {
	return each(list, func(a *jsonAttribute) error {
		n, wanted := into.known[a.Key]
		switch {
		case !wanted:
		case a.Value.Text != nil:
			into.put(n, []byte(*a.Value.Text))
		case a.Value.Int != "" && a.Value.Int != "null":
			into.put(n, []byte(a.Value.Int))
		}
		return nil
	})
}

func (d *decoder) jsonResource(r *jsonResource) error {
	d.resource.reset()
	if err := d.jsonAttributes(r.Resource.Attributes, d.resource); err != nil {
		return err
	}
	from := identity.Of(d.resource.get)
	d.from = &from
	return each(r.ScopeSpans, func(s *jsonScope) error { return each(s.Spans, d.jsonSpan) })
}

func (d *decoder) jsonSpan(j *jsonSpan) error {
	if len(d.batch.Spans) >= MaxSpans {
		d.batch.Dropped++
		return nil
	}
	d.span.reset()
	s := trace.Span{From: d.from, Name: d.shared.text(cut([]byte(j.Name), maxValue)), Start: moment(j.Start.number()), End: moment(j.End.number())}
	// What is no id is none: the window rejects the span and counts it.
	s.Trace, _ = trace.ParseID(hexadecimal(j.TraceID, len(s.Trace)))
	s.ID, _ = trace.ParseSpanID(hexadecimal(j.SpanID, len(s.ID)))
	s.Parent, _ = trace.ParseSpanID(hexadecimal(j.ParentID, len(s.Parent)))
	s.Kind = kind(enum(j.Kind, "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"))
	s.Failed = enum(j.Status.Code, "STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR") == 2
	if err := d.jsonAttributes(j.Attributes, d.span); err != nil {
		return err
	}
	if err := each(j.Links, func(l *struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}) error {
		t, err1 := trace.ParseID(l.TraceID)
		p, err2 := trace.ParseSpanID(l.SpanID)
		if err1 == nil && err2 == nil && len(s.Links) < trace.MaxLinks {
			s.Links = append(s.Links, trace.Link{Trace: t, Span: p})
		}
		return nil
	}); err != nil {
		return err
	}
	if s.Failed {
		left := maxEvents
		if err := each(j.Events, func(e *struct {
			Attributes json.RawMessage `json:"attributes"`
		}) error {
			if left--; left < 0 {
				return nil
			}
			return d.jsonAttributes(e.Attributes, d.span)
		}); err != nil {
			return err
		}
	}
	d.finish(&s, []byte(j.Status.Message))
	d.batch.Spans = append(d.batch.Spans, s)
	return nil
}

// hexadecimal returns an id of n bytes in hexadecimal also where it is in base64,
// as Tempo has it. The two cannot be confused: base64 of such ids ends with "=".
func hexadecimal(id string, n int) string {
	if strings.HasSuffix(id, "=") {
		if b, err := base64.StdEncoding.DecodeString(id); err == nil && len(b) == n {
			return hex.EncodeToString(b)
		}
	}
	return id
}

// enum reads a value of an enumeration by its number or its name.
func enum(w jsonWord, names ...string) uint64 {
	for i, n := range names {
		if strings.EqualFold(string(w), n) {
			return uint64(i)
		}
	}
	return w.number()
}
