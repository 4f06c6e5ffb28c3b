package promql

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/fault"
)

// Asker asks within the process, without the API, by the same bounds.
type Asker struct {
	kept    Kept
	options Options
	engine  *promql.Engine
}

// NewAsker returns one. Of the options the bounds of queries count.
func NewAsker(from Kept, o Options) *Asker {
	o = o.complete()
	return &Asker{kept: from, options: o, engine: o.engine()}
}

// Range evaluates an expression at each step between two moments, both included, and
// hands each series over: times in milliseconds since 1970, in their order. Native
// histograms are left out.
func (a *Asker) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration, each func(labels map[string]string, at []int64, values []float64) error) error {
	q, err := a.engine.NewRangeQuery(ctx, a.kept, promql.NewPrometheusQueryOpts(false, 0), expr, from, to, step)
	if err != nil {
		return fault.Wrap(fault.Invalid, "ask for metrics", "", err, "mend the query")
	}
	defer q.Close()
	if why := tooManySteps(q); why != "" {
		return fault.New(fault.Invalid, "ask for metrics", "", why, "mend the query")
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		return fault.Wrap(kindOf(res.Err), "ask for metrics", "", res.Err, "")
	}
	m, err := res.Matrix()
	if err != nil {
		return fault.Wrap(fault.Invalid, "ask for metrics", "", err, "")
	}
	for _, s := range m {
		at, values := make([]int64, len(s.Floats)), make([]float64, len(s.Floats))
		for i, p := range s.Floats {
			at[i], values[i] = p.T, p.F
		}
		if err := each(s.Metric.Map(), at, values); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(err error) fault.Kind {
	var late promql.ErrQueryTimeout
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Interrupted
	case errors.As(err, &late), errors.Is(err, context.DeadlineExceeded):
		return fault.TimedOut
	}
	return fault.Unavailable
}

// Names tells which of some metrics there were between two moments.
func (a *Asker) Names(ctx context.Context, selector string, from, to time.Time) ([]string, error) {
	m, err := parser.ParseMetricSelector(selector)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "list metrics", selector, err, "")
	}
	q, err := a.kept.Querier(timestamp.FromTime(from), timestamp.FromTime(to))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "list metrics", "", err, "")
	}
	defer q.Close()
	names, _, err := q.LabelValues(ctx, "__name__", &storage.LabelHints{Limit: a.options.MaxItems}, m...)
	if err != nil {
		return nil, fault.Wrap(kindOf(err), "list metrics", "", err, "")
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string([]byte(n)) // the storage may unmap what it gave
	}
	return out, nil
}
