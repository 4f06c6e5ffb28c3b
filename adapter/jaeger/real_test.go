package jaeger_test

import (
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
	"github.com/autoecoops/autoecoops/test/jaegertest"
)

// TestARealJaeger sends it a purchase with the real SDK and reads it back.
func TestARealJaeger(t *testing.T) {
	server := jaegertest.Start(t)
	c := client(t, "http://"+server.Query, nil)
	if all, err := c.Services(t.Context()); err != nil {
		t.Errorf("an empty Jaeger: %v %v", all, err)
	}
	id := trace.ID(purchase(t, server.OTLP))
	var spans []trace.Span
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var err error
		if spans, err = c.Get(t.Context(), id); len(spans) == 2 {
			break
		} else if err != nil && fault.KindOf(err) != fault.NotFound {
			t.Fatal(err)
		}
	}
	tr := trace.Assemble(spans)
	if len(tr.Spans) != 2 || !tr.Whole() || !tr.Failed || tr.Flaws != (trace.Flaws{}) {
		t.Fatalf("%+v", tr)
	}
	calls := tr.Calls(nil)
	if len(calls) != 2 || calls[0].Edge.Callee.String() != "production:shop/cart" || calls[1].Edge.Callee.String() != "database:production:shop/postgresql/db" || !calls[1].Fault || calls[0].Fault || tr.Spans[1].Message != "disk full" || tr.Spans[1].From.Pod != "cart-1" {
		t.Errorf("%+v %+v", calls, tr.Spans[1])
	}
	if all, err := c.Services(t.Context()); err != nil || len(all) != 1 || all[0] != "cart" {
		t.Errorf("%v %v", all, err)
	}
	from := identity.FromMap(map[string]string{"job": "shop/cart", "environment": "production"})
	q := trace.Query{From: from, Since: time.Now().Add(-time.Minute), Until: time.Now().Add(time.Minute), Failed: true}
	found, err := c.Search(t.Context(), q)
	if err != nil || len(found) != 1 || found[0].ID != id || found[0].By != identity.ByKey || found[0].Root != "POST /buy" {
		t.Errorf("%+v %v", found, err)
	}
	q.MinDuration = time.Hour
	if found, err := c.Search(t.Context(), q); err != nil || len(found) != 0 {
		t.Errorf("%+v %v", found, err)
	}
	joins, err := trace.Join(t.Context(), c, []trace.Exemplar{{Trace: id, At: time.Now()}, {Of: from, At: time.Now()}, {Trace: trace.ID{9}, Of: from, At: time.Now()}}, time.Minute)
	if err != nil || len(joins.Joined) != 3 || joins.Joined[0].How != trace.ByTraceID || joins.Joined[1].How != trace.ByKey || joins.Joined[2].How != trace.ByKey {
		t.Errorf("%+v %v", joins, err)
	}
	if _, err := c.Get(t.Context(), trace.ID{9}); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}

// purchase has the real SDK send a trace and returns its id.
func purchase(t *testing.T, address string) oteltrace.TraceID {
	t.Helper()
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "cart"), attribute.String("service.namespace", "shop"), attribute.String("deployment.environment.name", "production"), attribute.String("k8s.pod.name", "cart-1"))))
	tracer := provider.Tracer("test")
	ctx, outer := tracer.Start(t.Context(), "POST /buy", oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	_, inner := tracer.Start(ctx, "INSERT", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(attribute.String("db.system", "postgresql"), attribute.String("server.address", "db")))
	inner.RecordError(errors.New("disk full"))
	inner.SetStatus(otelcodes.Error, "")
	inner.End()
	outer.SetStatus(otelcodes.Error, "could not buy")
	outer.End()
	if err := errors.Join(provider.ForceFlush(t.Context()), provider.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	return outer.SpanContext().TraceID()
}
