package app

import (
	"context"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/adapter/tempo"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/traces"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// CallCosts implements cli.Tracer.
func (b backend) CallCosts(ctx context.Context, req cli.CostsRequest) (*cli.CallCosts, error) {
	store, err := traceStore(req.Source)
	if err != nil {
		return nil, err
	}
	out := &cli.CallCosts{}
	sample := func(from, to time.Time) (trace.Costs, error) {
		all, err := store.Sample(ctx, from, to, req.Sample)
		if err != nil && fault.KindOf(err) != fault.Partial {
			return trace.Costs{}, err
		}
		if err != nil {
			out.Notes = append(out.Notes, "not all is known: "+err.Error())
		}
		return trace.CostsOf(all), nil
	}
	if out.Before, err = sample(req.From, req.Mid.Add(-req.Gap)); err != nil {
		return nil, err
	}
	if out.After, err = sample(req.Mid, req.To); err != nil {
		return nil, err
	}
	return out, nil
}

// FindTraces implements cli.Tracer.
func (b backend) FindTraces(ctx context.Context, source cli.TracesSource, q trace.Query) ([]trace.Summary, error) {
	store, err := traceStore(source)
	if err != nil {
		return nil, err
	}
	return store.Search(ctx, q)
}

// traceStore is the store that a source names. Nothing is asked yet.
func traceStore(from cli.TracesSource) (trace.Store, error) {
	token, err := ReadToken(from.TokenFile, "--traces-token-file")
	if err != nil {
		return nil, err
	}
	if from.Tempo != "" {
		return traces.Tempo(tempo.Options{URL: from.Tempo, Token: token, Tenant: from.Tenant, Timeout: from.Timeout})
	}
	return traces.Jaeger(jaeger.Options{URL: from.Jaeger, Token: token, Tenant: from.Tenant, Timeout: from.Timeout})
}
