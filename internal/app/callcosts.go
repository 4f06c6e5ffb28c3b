package app

import (
	"context"
	"fmt"
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
	stretch := 0 // the first or the second
	told := func(done, total int) {
		if req.Progress != nil {
			req.Progress(stretch*total+done, 2*total)
		}
	}
	store, err := traceStore(req.Source, told)
	if err != nil {
		return nil, err
	}
	out := &cli.CallCosts{}
	sample := func(which string, from, to time.Time) (trace.Costs, error) {
		all, err := store.Sample(ctx, from, to, req.Sample)
		if err != nil && fault.KindOf(err) != fault.Partial {
			return trace.Costs{}, err
		}
		if err != nil {
			out.Notes = append(out.Notes, "not all is known of "+which+": "+err.Error())
		}
		all, left := trace.Within(all, from, to)
		if left > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("traces that are of another time than %s, and are left out: %d", which, left))
		}
		return trace.CostsOf(all), nil
	}
	if out.Before, err = sample("the time before", req.From, req.Mid.Add(-req.Gap)); err != nil {
		return nil, err
	}
	stretch = 1
	if out.After, err = sample("the time since", req.Mid, req.To); err != nil {
		return nil, err
	}
	told(1, 1)
	return out, nil
}

// traceStore is the store that a source names, which tells its progress if that is not
// nil. Nothing is asked yet.
func traceStore(from cli.TracesSource, progress func(done, total int)) (trace.Store, error) {
	access, err := OpenAccess(from.Access, nil)
	if err != nil {
		return nil, err
	}
	if from.Tempo != "" {
		return traces.Tempo(tempo.Options{URL: from.Tempo, Access: access, Timeout: from.Timeout, Progress: progress})
	}
	return traces.Jaeger(jaeger.Options{URL: from.Jaeger, Access: access, Timeout: from.Timeout, Progress: progress})
}
