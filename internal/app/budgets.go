package app

import (
	"context"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// askAtOnce is how many objectives are asked about at the same time: few, for
// queries over weeks are work.
const askAtOnce = 4

// Budgets implements cli.Objectives.
func (b backend) Budgets(ctx context.Context, all []slo.Objective, from cli.MetricsSource) ([]slo.Status, error) {
	client, err := metricsOf(from)
	if err != nil {
		return nil, err
	}
	now := b.now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]slo.Status, len(all))
	free := make(chan struct{}, askAtOnce)
	var group sync.WaitGroup
	for i := range all {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-free }()
			readings, err := ask(ctx, client, slo.Queries(all[i], now, from.Scrape), now)
			if err != nil {
				cancel(err) // the first error is told; the others follow from it
				return
			}
			out[i] = slo.Instant(all[i], now, readings)
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// metricsOf makes the client of a source; nothing is asked yet.
func metricsOf(from cli.MetricsSource) (*prometheus.Client, error) {
	access, err := OpenAccess(from.Access, nil)
	if err != nil {
		return nil, err
	}
	return prometheus.New(prometheus.Options{URL: from.URL, Access: access, Timeout: from.Timeout})
}

// ask asks the queries of an objective.
func ask(ctx context.Context, client *prometheus.Client, queries []slo.WindowQuery, now time.Time) ([]slo.Reading, error) {
	out := make([]slo.Reading, len(queries))
	for i, q := range queries {
		total, known, err := sum(ctx, client, q.Total, now)
		if err != nil {
			return nil, err
		}
		out[i] = slo.Reading{Query: q, Total: total, Known: known}
		if !known {
			continue
		}
		if out[i].Part, _, err = sum(ctx, client, q.Part, now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sum is the sum of an answer, which is no number if a part of it is none: what is not
// known must not count as nothing.
func sum(ctx context.Context, client *prometheus.Client, expr string, now time.Time) (total float64, known bool, err error) {
	samples, err := client.Query(ctx, expr, now)
	for _, s := range samples {
		total += s.Value
	}
	return total, len(samples) > 0, err
}
