package daemon

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/adapter/otlp"
	spans "github.com/autoecoops/autoecoops/internal/app/traces"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// Spans says where workloads send their traces to. The zero Spans is nowhere.
type Spans struct {
	// GRPC and HTTP are addresses to listen at for OTLP; at HTTP traces are also
	// asked for, as of a Jaeger.
	GRPC, HTTP string
	// TokenFile holds a bearer token that senders and askers must have; "" lets
	// everybody.
	TokenFile string
}

func (s Spans) wanted() bool { return s.GRPC != "" || s.HTTP != "" }

// openSpans returns a receiver of traces if one is wanted, nil if not, and
// registers what it tells of itself.
func openSpans(s Spans, reg prometheus.Registerer, log *slog.Logger) (*spans.Receiver, error) {
	if !s.wanted() {
		return nil, nil
	}
	token, err := tokenOf(s.TokenFile, "--otlp-token-file", log)
	if err != nil {
		return nil, err
	}
	r, err := spans.New(spans.Settings{GRPC: s.GRPC, HTTP: s.HTTP, Receiver: otlp.Options{Token: token}}, time.Now)
	if err != nil {
		return nil, err
	}
	reg.MustRegister(sights{r.Window, time.Now})
	return r, nil
}

// sights are the metrics of the window of traces.
type sights struct {
	window *trace.Window
	now    func() time.Time
}

var (
	spansReceived = prometheus.NewDesc("aeo_observe_spans_received_total", "Spans that came.", nil, nil)
	spansLost     = prometheus.NewDesc("aeo_observe_spans_lost_total", "Spans and calls that were not kept or not fully used, by the reason.", []string{"reason"}, nil)
	spansKept     = prometheus.NewDesc("aeo_observe_spans", "Spans that are kept.", nil, nil)
	tracesKept    = prometheus.NewDesc("aeo_observe_traces", "Traces that are kept.", nil, nil)
	tracesBytes   = prometheus.NewDesc("aeo_observe_traces_bytes", "Memory that the traces take.", nil, nil)
	tracesSight   = prometheus.NewDesc("aeo_observe_traces_sight", "1 for how much of the traces is seen: seeing, partial or blind.", []string{"sight"}, nil)
)

// Describe implements prometheus.Collector.
func (s sights) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{spansReceived, spansLost, spansKept, tracesKept, tracesBytes, tracesSight} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s sights) Collect(ch chan<- prometheus.Metric) {
	state, usage := s.window.State(s.now()), s.window.Usage()
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count(spansReceived, float64(state.Spans))
	l := usage.Loss
	for reason, n := range map[string]uint64{
		"invalid": l.Invalid, "refused": l.Refused, "oversize": l.Oversize, "late": l.Late, "evicted": l.Evicted, "hurried": l.Hurried, "collapsed": l.Collapsed, "unplaced": l.Unplaced,
	} {
		count(spansLost, float64(n), reason)
	}
	gauge(spansKept, float64(usage.Spans))
	gauge(tracesKept, float64(usage.Traces))
	gauge(tracesBytes, float64(usage.Bytes))
	for _, sight := range []trace.Sight{trace.Seeing, trace.Partial, trace.Blind} {
		v := 0.0
		if state.Sight == sight {
			v = 1
		}
		gauge(tracesSight, v, string(sight))
	}
}
