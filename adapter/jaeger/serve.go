package jaeger

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Kept is where served traces come from.
type Kept interface {
	// Services returns who has spans, in the order of their names.
	Services() []identity.Key
	// Spans returns those of a trace; the error is of kind NotFound if it is not
	// there.
	Spans(id trace.ID) ([]trace.Span, error)
	// Recent returns the traces that a query asks for, the newest first.
	Recent(q trace.Query) []trace.Summary
}

// Handler answers as Jaeger's query service does, so that whoever can ask a Jaeger
// can ask us: GET /api/services, /api/services/{service}/operations, /api/traces and
// /api/traces/{id}. Who may ask is for the caller to check.
func Handler(from Kept) http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
			data, err := f(r)
			switch {
			case err == nil:
				writeAnswer(w, http.StatusOK, data, "")
			case fault.KindOf(err) == fault.Partial:
				writeAnswer(w, http.StatusOK, data, err.Error())
			case fault.KindOf(err) == fault.NotFound:
				writeAnswer(w, http.StatusNotFound, nil, "trace not found")
			default:
				writeAnswer(w, http.StatusBadRequest, nil, err.Error())
			}
		})
	}
	serve("/api/services", func(*http.Request) (any, error) { return names(from.Services()), nil })
	serve("/api/services/{service}/operations", func(r *http.Request) (any, error) { return operations(from, r.PathValue("service")), nil })
	serve("/api/traces/{id}", func(r *http.Request) (any, error) {
		id, err := trace.ParseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		spans, err := from.Spans(id)
		if err != nil {
			return nil, err
		}
		return []servedTrace{served(spans)}, nil
	})
	serve("/api/traces", func(r *http.Request) (any, error) { return found(from, r.URL.Query()) })
	return mux
}

func writeAnswer(w http.ResponseWriter, code int, data any, why string) {
	type problem struct {
		Code    int    `json:"code"`
		Message string `json:"msg"`
	}
	a := struct {
		Data   any       `json:"data"`
		Errors []problem `json:"errors"`
	}{Data: data}
	if why != "" {
		a.Errors = []problem{{code, why}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(a) // the client may be gone
}

func names(keys []identity.Key) []string {
	out := []string{}
	for _, k := range keys {
		if n := len(out); n == 0 || out[n-1] != k.Service {
			out = append(out, k.Service)
		}
	}
	return out
}

// operations are the names of a service's spans in its newest traces.
func operations(from Kept, service string) []string {
	out, seen := []string{}, map[string]bool{}
	for _, s := range from.Recent(trace.Query{From: identity.Identity{Key: identity.Key{Service: service}}, Limit: MaxTraces}) {
		spans, err := from.Spans(s.ID)
		if err != nil {
			continue // it went meanwhile
		}
		for i := range spans {
			if who := spans[i].From; who != nil && who.Service == service && !seen[spans[i].Name] && len(out) < 1000 {
				seen[spans[i].Name] = true
				out = append(out, spans[i].Name)
			}
		}
	}
	return out
}

// maxServedSpans is how many spans the answer to a search has, beyond the first
// trace's: about 15 MB.
const maxServedSpans = 30_000

// found answers a search. Tags other than error are not kept, and a search for them
// is refused: no answer to another question.
func found(from Kept, v url.Values) ([]servedTrace, error) {
	bad := func(name, why string) error {
		return fault.New(fault.Invalid, "search", name, why, "see Jaeger's API")
	}
	q := trace.Query{Limit: 20}
	if q.From.Service = v.Get("service"); q.From.Service == "" {
		return nil, bad("service", "parameter 'service' is required")
	}
	for name, into := range map[string]*time.Time{"start": &q.Since, "end": &q.Until} {
		if text := v.Get(name); text != "" {
			at, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, bad(name, "it is no time in microseconds")
			}
			*into = time.UnixMicro(at)
		}
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			return nil, bad("limit", "it is no number above 0")
		}
		q.Limit = min(n, MaxTraces)
	}
	if text := v.Get("minDuration"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, bad("minDuration", "it is no duration")
		}
		q.MinDuration = d
	}
	if text := v.Get("tags"); text != "" {
		var tags map[string]string
		if err := json.Unmarshal([]byte(text), &tags); err != nil {
			return nil, bad("tags", "they are no JSON")
		}
		q.Failed = tags["error"] == "true"
		delete(tags, "error")
		for name := range tags {
			return nil, bad("tags", "the tag "+identity.Plain(name)+" is not kept")
		}
	}
	if operation := v.Get("operation"); operation != "" && operation != "all" {
		return nil, bad("operation", "it is not searched for")
	}
	out, left := []servedTrace{}, maxServedSpans
	for _, s := range from.Recent(q) {
		spans, err := from.Spans(s.ID)
		if err != nil {
			continue // it went meanwhile
		}
		if left -= len(spans); left < 0 && len(out) > 0 {
			return out, fault.New(fault.Partial, "search", "", fmt.Sprintf("the traces have more than %d spans: these are the newest %d", maxServedSpans, len(out)), "ask for fewer, or for less time")
		}
		out = append(out, served(spans))
	}
	return out, nil
}

// servedTrace is a trace as Jaeger answers it.
type servedTrace struct {
	TraceID   string                   `json:"traceID"`
	Spans     []servedSpan             `json:"spans"`
	Processes map[string]servedProcess `json:"processes"`
	Warnings  []string                 `json:"warnings"`
}

type servedProcess struct {
	Service string      `json:"serviceName"`
	Tags    []servedTag `json:"tags"`
}

type servedTag struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

type servedSpan struct {
	TraceID    string          `json:"traceID"`
	SpanID     string          `json:"spanID"`
	Name       string          `json:"operationName"`
	References []jsonReference `json:"references"`
	Start      int64           `json:"startTime"`
	Duration   int64           `json:"duration"`
	Tags       []servedTag     `json:"tags"`
	Logs       []struct{}      `json:"logs"`
	Process    string          `json:"processID"`
	Warnings   []string        `json:"warnings"`
}

func text(key, value string) servedTag { return servedTag{key, "string", value} }

// served writes the spans of a trace.
func served(spans []trace.Span) servedTrace {
	out := servedTrace{Processes: map[string]servedProcess{}, Spans: make([]servedSpan, 0, len(spans))}
	known := map[identity.Identity]string{}
	for i := range spans {
		s := &spans[i]
		out.TraceID = s.Trace.String()
		var who identity.Identity
		if s.From != nil {
			who = *s.From
		}
		process := known[who]
		if process == "" {
			process = "p" + strconv.Itoa(len(known)+1)
			known[who] = process
			out.Processes[process] = processOf(who)
		}
		span := servedSpan{
			TraceID: out.TraceID, SpanID: s.ID.String(), Name: s.Name, References: []jsonReference{}, Start: s.Start / 1000,
			Duration: int64(s.Duration() / time.Microsecond), Tags: tagsOf(s), Logs: []struct{}{}, Process: process,
		}
		if !s.Parent.IsZero() {
			span.References = append(span.References, jsonReference{"CHILD_OF", out.TraceID, s.Parent.String()})
		}
		for _, l := range s.Links {
			span.References = append(span.References, jsonReference{"FOLLOWS_FROM", l.Trace.String(), l.Span.String()})
		}
		out.Spans = append(out.Spans, span)
	}
	return out
}

func processOf(who identity.Identity) servedProcess {
	p := servedProcess{Service: who.Service, Tags: []servedTag{}}
	for _, t := range []servedTag{
		text("service.namespace", who.Namespace), text("deployment.environment.name", who.Environment), text("service.instance.id", who.Instance),
		text("k8s.namespace.name", who.KubeNamespace), text("k8s.pod.name", who.Pod),
	} {
		if t.Value != "" {
			p.Tags = append(p.Tags, t)
		}
	}
	return p
}

func tagsOf(s *trace.Span) []servedTag {
	out := []servedTag{}
	if s.Kind != trace.Unspecified {
		out = append(out, text("span.kind", s.Kind.String()))
	}
	if s.Failed {
		out = append(out, servedTag{"error", "bool", true}, text("otel.status_code", "ERROR"))
		if s.Message != "" {
			out = append(out, text("otel.status_description", s.Message))
		}
	}
	system, name, _ := strings.Cut(s.Remote.Name, "/")
	switch s.Remote.Kind {
	case trace.Database:
		out = append(out, text("db.system", system))
	case trace.Queue:
		out = append(out, text("messaging.system", system))
		if name != "" {
			out = append(out, text("messaging.destination.name", name))
		}
		return out
	default:
		name = s.Remote.Name
	}
	if name != "" {
		as := "peer.service"
		if s.Remote.Host {
			as = "server.address"
		}
		out = append(out, text(as, name))
	}
	return out
}
