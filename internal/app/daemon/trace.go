package daemon

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// traces implements deliver.Tracer with OpenTelemetry. Ids come from the
// engine, so that a release has one trace whoever tells of it.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// openTraces returns an exporter of traces over OTLP/HTTP if the environment
// names where to, nil if not. The variables are those of OpenTelemetry:
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and so on.
func openTraces(ctx context.Context, log *slog.Logger) (*traces, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "export traces as", "OTEL_EXPORTER_OTLP_ENDPOINT says", err, "write http://HOST:4318 or https://HOST:4318")
	}
	return newTraces(&audible{SpanExporter: exporter, log: log}), nil
}

func newTraces(exporter sdktrace.SpanExporter) *traces {
	about := resource.NewSchemaless(attribute.String("service.name", "aeod"))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(4096)),
		sdktrace.WithIDGenerator(given{}), sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithResource(about),
	)
	return &traces{provider, provider.Tracer("github.com/autoecoops/autoecoops/deliver")}
}

// Span implements deliver.Tracer.
func (t *traces) Span(s deliver.Span) {
	id, err := trace.TraceIDFromHex(s.Trace)
	if err != nil {
		return
	}
	span, err := trace.SpanIDFromHex(s.ID)
	if err != nil {
		return
	}
	ctx := context.WithValue(context.Background(), givenKey{}, ids{id, span})
	if parent, err := trace.SpanIDFromHex(s.Parent); err == nil {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: parent, TraceFlags: trace.FlagsSampled, Remote: true}))
	}
	attributes := make([]attribute.KeyValue, 0, len(s.Attributes))
	for k, v := range s.Attributes {
		attributes = append(attributes, attribute.String(k, v))
	}
	_, x := t.tracer.Start(ctx, s.Name, trace.WithTimestamp(s.Start), trace.WithAttributes(attributes...))
	if s.Failed != "" {
		x.SetStatus(codes.Error, s.Failed)
	}
	x.End(trace.WithTimestamp(s.End))
}

// Close sends what waits, as long as ctx allows.
func (t *traces) Close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, "send the last", "traces", err, "")
	}
	return nil
}

// given is an id generator that takes the ids from the context.
type given struct{}

type givenKey struct{}

type ids struct {
	trace trace.TraceID
	span  trace.SpanID
}

// NewIDs implements sdktrace.IDGenerator.
func (given) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	v, _ := ctx.Value(givenKey{}).(ids)
	return v.trace, v.span
}

// NewSpanID implements sdktrace.IDGenerator.
func (given) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	v, _ := ctx.Value(givenKey{}).(ids)
	return v.span
}

// audible logs when exports begin to fail and when they succeed again.
type audible struct {
	sdktrace.SpanExporter
	log    *slog.Logger
	failed atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (a *audible) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := a.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !a.failed.Swap(true):
		a.log.Warn("traces cannot be exported", "error", err.Error())
	case err == nil && a.failed.Swap(false):
		a.log.Info("traces are exported again")
	}
	return err
}

// tracers tells several.
type tracers []deliver.Tracer

// Span implements deliver.Tracer.
func (t tracers) Span(s deliver.Span) {
	for _, one := range t {
		one.Span(s)
	}
}

// tracer is who is told of the steps of releases.
func (d *daemon) tracer() deliver.Tracer {
	out := tracers{d.forge.statuses}
	if d.signals.sent != nil {
		out = append(out, d.signals.sent)
	}
	return out
}

// closeTraces gives the last spans a moment to be sent.
func (d *daemon) closeTraces() {
	if d.signals.sent == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := d.signals.sent.Close(ctx); err != nil {
		d.log.Warn("the last traces were not sent", "error", err.Error())
	}
}
