package otlp

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// Traces takes the spans that come. An error of kind Unavailable means that it
// is too busy and that the sender should try again.
type Traces interface {
	Take(ctx context.Context, spans []trace.Span) (trace.Taken, error)
	// Refused tells of spans, or of messages whose spans nobody could count,
	// that were turned away.
	Refused(n int)
}

// Metrics takes metrics, if there is somebody to.
type Metrics interface {
	// TakeMetrics returns how many data points were rejected, and why.
	TakeMetrics(context.Context, *colmetrics.ExportMetricsServiceRequest) (rejected int64, why string, err error)
}

// Logs takes log records, if there is somebody to.
type Logs interface {
	// TakeLogs returns how many records were rejected, and why.
	TakeLogs(context.Context, *collogs.ExportLogsServiceRequest) (rejected int64, why string, err error)
}

// Into makes a window take what comes, by a clock.
func Into(w *trace.Window, now func() time.Time) Traces { return windowed{w, now} }

type windowed struct {
	w   *trace.Window
	now func() time.Time
}

// Take implements Traces.
func (w windowed) Take(_ context.Context, spans []trace.Span) (trace.Taken, error) {
	return w.w.Add(w.now(), spans), nil
}

// Refused implements Traces.
func (w windowed) Refused(n int) { w.w.Refused(w.now(), n) }

// Options are what a receiver takes and how much of it. What is 0 gets the
// value in brackets.
type Options struct {
	Traces  Traces
	Metrics Metrics
	Logs    Logs
	// Others answers what is asked over HTTP besides, for whom the token is good
	// too; nil for nobody.
	Others http.Handler
	// MaxMessage is the size of a message, as sent and decompressed, in bytes
	// [4 MiB].
	MaxMessage int
	// MaxRequests are dealt with at a time [16], and MaxConnections held, of
	// each protocol [256].
	MaxRequests, MaxConnections int
	// Patience is how long a request waits for its turn before its sender is
	// told to come again [100 ms], after RetryAfter [1 s].
	Patience, RetryAfter time.Duration
	// MaxTime is how long a request may take to be sent [10 s].
	MaxTime time.Duration
	// Grace is how long a stop waits for what is under way [5 s].
	Grace time.Duration
	// Token returns what must come as a bearer token; nil lets everybody in. refused says
	// that something else came: there may be a newer one.
	Token func(refused bool) string
	// TLS is for both protocols; nil means none.
	TLS *tls.Config
}

func (o Options) complete() (Options, error) {
	fill(&o.MaxMessage, 4<<20)
	fill(&o.MaxRequests, 16)
	fill(&o.MaxConnections, 256)
	fill(&o.Patience, 100*time.Millisecond)
	fill(&o.RetryAfter, time.Second)
	fill(&o.MaxTime, 10*time.Second)
	fill(&o.Grace, 5*time.Second)
	switch {
	case o.Traces == nil:
		return o, fault.New(fault.Invalid, "receive OTLP", "", "nobody takes the traces", "")
	case o.MaxMessage < 0 || o.MaxRequests < 0 || o.MaxConnections < 0 || o.Patience < 0 || o.RetryAfter < 0 || o.Grace < 0 || o.MaxTime < 0:
		return o, fault.New(fault.Invalid, "receive OTLP", "", "a limit is negative", "leave it out for the usual one")
	}
	return o, nil
}

func fill[T int | time.Duration](v *T, standard T) {
	if *v == 0 {
		*v = standard
	}
}
