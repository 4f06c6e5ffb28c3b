package app

import (
	"context"
	"fmt"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// FindTraces implements cli.Tracer. It asks for the traces of twice as many exemplars as
// traces are wanted, for not each is kept.
func (b backend) FindTraces(ctx context.Context, req cli.TracesRequest) (*cli.TracesFound, error) {
	store, err := traceStore(req.Source, nil)
	if err != nil {
		return nil, err
	}
	out := &cli.TracesFound{}
	exemplars, err := exemplarsOf(ctx, req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fault.New(fault.Interrupted, "look for traces", "", "it was stopped", "")
		}
		// The source of metrics may know no exemplars: traces are found without them.
		out.Notes = append(out.Notes, fmt.Sprintf("exemplars could not be asked for, so that traces are found by who and when: %s", err))
	}
	out.Traces, err = trace.Illustrate(ctx, store, trace.Telling(exemplars, !req.Query.Failed, 2*req.Query.Limit), req.Query, req.Around)
	return out, err
}

// exemplarsOf asks the source of metrics for exemplars.
func exemplarsOf(ctx context.Context, req cli.TracesRequest) ([]trace.Exemplar, error) {
	if req.Exemplars == "" {
		return nil, nil
	}
	client, err := metricsOf(req.Metrics)
	if err != nil {
		return nil, err
	}
	all, _, err := client.QueryExemplars(ctx, req.Exemplars, req.From, req.Query.Until)
	return all, err
}
