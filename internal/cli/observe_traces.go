package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/fault"
	spans "github.com/autoecoops/autoecoops/observe/trace"
)

// Tracer asks stores of traces.
type Tracer interface {
	// CallCosts samples the traces of two stretches of time, one after the other,
	// and sums up what their calls cost.
	CallCosts(ctx context.Context, req CostsRequest) (*CallCosts, error)
	// FindTraces finds traces of what a signal measures. The error may be of kind
	// Partial: then there may be more.
	FindTraces(ctx context.Context, req TracesRequest) (*TracesFound, error)
}

// TracesRequest says of what traces are looked for.
type TracesRequest struct {
	Source TracesSource
	Query  spans.Query
	// Metrics is asked for exemplars of the series in Exemplars since From, "" for none.
	Metrics   MetricsSource
	Exemplars string
	From      time.Time
	// Around is how far from an exemplar a trace may be that is of the same time.
	Around time.Duration
}

// TracesFound are traces with how they were found.
type TracesFound struct {
	Traces []spans.Found
	// Notes say what is missing.
	Notes []string
}

// TracesSource says where traces are: one of the two.
type TracesSource struct {
	// Jaeger and Tempo are addresses, up to /api.
	Jaeger, Tempo string
	// Access says how it is asked.
	Access
	Timeout time.Duration
}

// CostsRequest says which stretches are asked for: from From to Mid, and from there
// to To.
type CostsRequest struct {
	Source        TracesSource
	From, Mid, To time.Time
	// Gap is how long before Mid is of neither stretch: it is not known to the second
	// when trouble began.
	Gap time.Duration
	// Sample is how many traces of each are asked for, of each service where the
	// store knows services.
	Sample int
	// Progress, if not nil, is told of the questions that were asked so far.
	Progress func(done, total int)
}

// CallCosts are those of the two stretches.
type CallCosts struct {
	Before, After spans.Costs
	// Notes say what is missing.
	Notes []string
}

// settling is how long it takes until a trace is whole: services send their spans
// now and then. What is younger would seem broken.
const settling = 5 * time.Second

func (t *TracesSource) add(f *pflag.FlagSet, s *Streams) {
	f.StringVar(&t.Jaeger, "jaeger", s.Getenv("AEO_JAEGER"), "the `URL` of Jaeger's query service, up to /api (default $AEO_JAEGER)")
	f.StringVar(&t.Tempo, "tempo", s.Getenv("AEO_TEMPO"), "the `URL` of Tempo, up to /api (default $AEO_TEMPO)")
	t.AddFlags(f, "traces-", "the store of traces")
}

// given reports whether traces are to be asked for at all.
func (t *TracesSource) given() bool { return t.Jaeger != "" || t.Tempo != "" }

func (t *TracesSource) check() error {
	if t.Jaeger != "" && t.Tempo != "" {
		return fault.New(fault.Invalid, "read the command line", "--tempo", "--jaeger is given too", "name one store of traces")
	}
	return nil
}

// notes are what a person should know of sampled costs.
func (c *CallCosts) notes() []string {
	out := append([]string(nil), c.Notes...)
	if n := c.Before.Broken + c.After.Broken; n > 0 {
		out = append(out, fmt.Sprintf("%d of %s are not whole: spans of them are missing, and who called is not known of each call", n, count(c.Before.Traces+c.After.Traces, "trace")))
	}
	if l := c.Before.Loss.Collapsed + c.After.Loss.Collapsed; l > 0 {
		out = append(out, fmt.Sprintf("%d calls are counted as %s: there are too many operations", l, spans.Other))
	}
	if l := c.Before.Loss.Unplaced + c.After.Loss.Unplaced; l > 0 {
		out = append(out, fmt.Sprintf("%d calls are counted without their parties: there are too many", l))
	}
	return out
}
