// Package remotewrite takes metrics in that a Prometheus, or whoever speaks its remote
// write protocol, sends: version 1.0 and 2.0, in snappy.
//
// Whoever may send may send anything: a message is measured before it is unpacked, and
// counted before its parts are made. What is good of a message is kept, also where
// other samples of it are refused; each refusal is counted by its reason, and the
// sender is told. Where nothing can be kept for now (too many requests, a full disk)
// the sender is told to come again, and nothing of the message is kept.
package remotewrite

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/fault"
)

// Options are what is taken, and how much at a time. What is 0 gets the value in
// brackets.
type Options struct {
	// Into is where samples are put.
	Into storage.Appendable
	// Accept picks the series that are kept, as {namespace="shop"}; "" all.
	Accept string
	// Refused is told how many samples were refused before they got to Into, and the
	// reason in a word; nil tells nobody.
	Refused func(reason string, n int)
	// Reason names in a word why Into refused a sample; again tells whether the same may
	// be taken later.
	Reason func(err error) (word string, again bool)
	// MaxMessage is the size of a message in bytes, once unpacked [8 MiB]; packed it may
	// have half of that.
	MaxMessage int
	// MaxParts is how many series, samples, labels and such a message has [400,000].
	MaxParts int
	// MaxLabels is how many labels a series has [64]; MaxName and MaxValue how many bytes
	// a label's name [256] and value have [2048].
	MaxLabels, MaxName, MaxValue int
	// MaxRequests is how many messages are dealt with at a time [4].
	MaxRequests int
	// MaxTime is how long a message may take to be sent [10 s].
	MaxTime time.Duration
	// Log is told of what goes wrong here; nil tells nobody.
	Log *slog.Logger
}

func fill[T int | time.Duration](v *T, standard T) {
	if *v <= 0 {
		*v = standard
	}
}

// Receiver takes messages. It is safe for concurrent use.
type Receiver struct {
	options Options
	accept  []*labels.Matcher
	slots   chan struct{}
}

// New returns a receiver, or an error of kind Invalid for a selector that is none.
func New(o Options) (*Receiver, error) {
	fill(&o.MaxMessage, 8<<20)
	fill(&o.MaxParts, 400_000)
	fill(&o.MaxLabels, 64)
	fill(&o.MaxName, 256)
	fill(&o.MaxValue, 2048)
	fill(&o.MaxRequests, 4)
	fill(&o.MaxTime, 10*time.Second)
	if o.Refused == nil {
		o.Refused = func(string, int) {}
	}
	if o.Reason == nil {
		o.Reason = func(error) (string, bool) { return "storage", true }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Receiver{options: o, slots: make(chan struct{}, o.MaxRequests)}
	if o.Accept != "" {
		var err error
		if r.accept, err = parser.ParseMetricSelector(o.Accept); err != nil {
			return nil, fault.Wrap(fault.Invalid, "pick the metrics to keep", o.Accept, err, `write a selector, as {namespace=~"shop|pay"}`)
		}
	}
	return r, nil
}

// The names of the two messages, as senders tell them.
const (
	version1 = "prometheus.WriteRequest"
	version2 = "io.prometheus.write.v2.Request"
)

// ServeHTTP implements http.Handler. It answers 204 if all is kept, 400 if something is
// refused for good, 413 and 415 for messages that it does not read, 503 if the sender
// should come again: a Prometheus gives up what is answered with 429. Who may send is for the caller to check.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	version, ok := message(req.Header.Get("Content-Type"))
	if !ok {
		r.refuse(w, http.StatusUnsupportedMediaType, "type", "send application/x-protobuf, of "+version1+" or "+version2)
		return
	}
	if e := req.Header.Get("Content-Encoding"); !strings.EqualFold(e, "snappy") {
		r.refuse(w, http.StatusUnsupportedMediaType, "type", "send it packed with snappy")
		return
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		r.refuse(w, http.StatusServiceUnavailable, "busy", "too many messages at a time")
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(r.options.MaxTime)) // a test's recorder has none
	text, status, err := r.read(w, req)
	if err != nil {
		r.refuse(w, status, "message", err.Error())
		return
	}
	t := r.begin(req.Context())
	if version == version2 {
		err = t.version2(text)
	} else {
		err = t.version1(text)
	}
	r.finish(w, version, t, err)
}

// message tells which message a content type is of.
func message(contentType string) (string, bool) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/x-protobuf" {
		return "", false
	}
	switch params["proto"] {
	case "", version1:
		return version1, true
	case version2:
		return version2, true
	}
	return "", false
}

func (r *Receiver) refuse(w http.ResponseWriter, status int, reason, why string) {
	r.options.Refused(reason, 1)
	http.Error(w, why, status)
}

// finish keeps what was taken, or nothing of it, and answers.
func (r *Receiver) finish(w http.ResponseWriter, version string, t *taking, err error) {
	err = t.end(err)
	if version == version2 {
		for i, what := range [...]string{"Samples", "Histograms", "Exemplars"} {
			w.Header().Set("X-Prometheus-Remote-Write-"+what+"-Written", strconv.Itoa(t.written[i]))
		}
	}
	switch {
	case t.later != nil:
		w.Header().Set("Retry-After", "5")
		http.Error(w, t.later.Error(), http.StatusServiceUnavailable)
	case err != nil:
		r.refuse(w, http.StatusBadRequest, "message", err.Error())
	case t.refused > 0:
		http.Error(w, fmt.Sprintf("%d samples or series were refused: %s", t.refused, strings.Join(t.why, "; ")), http.StatusBadRequest)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// begin prepares to take a message.
func (r *Receiver) begin(ctx context.Context) *taking {
	t := &taking{of: r, into: r.options.Into.Appender(ctx), builder: labels.NewScratchBuilder(16)}
	t.known, _ = t.into.(storage.GetRef)
	t.typed, _ = t.into.(Typed)
	return t
}

// Take takes a message of version 1 that is unpacked, as ServeHTTP takes one that came. It
// returns how many samples or series were refused; the error is why nothing was kept.
func (r *Receiver) Take(ctx context.Context, m *prompb.WriteRequest) (refused int, err error) {
	t := r.begin(ctx)
	t.take1(m)
	if err := t.end(nil); err != nil {
		return 0, err
	}
	return t.refused, nil
}

// end keeps what was taken, or nothing of it.
func (t *taking) end(err error) error {
	if err == nil {
		err = t.later
	}
	if err != nil {
		_ = t.into.Rollback()
	} else if err = t.into.Commit(); err != nil {
		t.of.options.Log.Error("metrics that were sent could not be kept", "error", err.Error())
		t.later = err
	}
	if err != nil {
		t.written = [3]int{}
	}
	return err
}
