package promql

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/stats"
)

// maxPoints is how many points of a series a range has at most, as in Prometheus.
const maxPoints = 11_000

// result is the data of a query's answer.
type result struct {
	value parser.Value
	stats stats.QueryStats
}

// lifetime bounds a query by its parameter timeout.
func lifetime(r *http.Request) (context.Context, context.CancelFunc, error) {
	text := r.FormValue("timeout")
	if text == "" {
		return r.Context(), func() {}, nil
	}
	d, err := duration(text)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), d)
	return ctx, cancel, nil
}

func (a *api) query(r *http.Request) answer {
	at, err := moment(r, "time", a.options.Now())
	if err != nil {
		return invalid("time", err)
	}
	return a.evaluate(r, func(ctx context.Context, o promql.QueryOpts) (promql.Query, error) {
		return a.engine.NewInstantQuery(ctx, a.kept, o, r.FormValue("query"), at)
	})
}

func (a *api) queryRange(r *http.Request) answer {
	start, err := parseTime(r.FormValue("start"))
	if err != nil {
		return invalid("start", err)
	}
	end, err := parseTime(r.FormValue("end"))
	if err != nil {
		return invalid("end", err)
	}
	if end.Before(start) {
		return invalid("end", errors.New("end timestamp must not be before start time"))
	}
	step, err := duration(r.FormValue("step"))
	switch {
	case err != nil:
		return invalid("step", err)
	case step <= 0:
		return invalid("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	case end.Sub(start)/step > maxPoints:
		return bad("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	return a.evaluate(r, func(ctx context.Context, o promql.QueryOpts) (promql.Query, error) {
		return a.engine.NewRangeQuery(ctx, a.kept, o, r.FormValue("query"), start, end, step)
	})
}

// evaluate runs a query with the parameters that both kinds have.
func (a *api) evaluate(r *http.Request, prepare func(context.Context, promql.QueryOpts) (promql.Query, error)) answer {
	limit, err := number(r.FormValue("limit"))
	if err != nil {
		return invalid("limit", err)
	}
	ctx, cancel, err := lifetime(r)
	if err != nil {
		return invalid("timeout", err)
	}
	defer cancel()
	var lookback time.Duration
	if text := r.FormValue("lookback_delta"); text != "" {
		if lookback, err = duration(text); err != nil {
			return bad("error parsing lookback delta duration: %w", err)
		}
	}
	q, err := prepare(ctx, promql.NewPrometheusQueryOpts(r.FormValue("stats") == "all", lookback))
	if err != nil {
		return invalid("query", err)
	}
	if why := tooManySteps(q); why != "" {
		q.Close()
		return bad("%s", why)
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		q.Close()
		return failed(res.Err)
	}
	out := answer{data: result{value: res.Value}, warnings: res.Warnings, done: q.Close}
	if cut, ok := truncate(res.Value, limit); ok {
		out.data = result{value: cut}
		out.warnings.Add(errCut)
	}
	if r.FormValue("stats") != "" {
		out.data = result{out.data.(result).value, stats.NewQueryStats(q.Stats())}
	}
	return out
}

var errCut = errors.New("results truncated due to limit")

func truncate(v parser.Value, limit int) (parser.Value, bool) {
	switch v := v.(type) {
	case promql.Vector:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	case promql.Matrix:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	}
	return v, false
}

// failed is the answer to a query that could not be evaluated.
func failed(err error) answer {
	var cancelled promql.ErrQueryCanceled
	var late promql.ErrQueryTimeout
	var broken promql.ErrStorage
	switch {
	case errors.As(err, &cancelled), errors.Is(err, context.Canceled):
		return answer{kind: canceled, err: err}
	case errors.As(err, &late), errors.Is(err, context.DeadlineExceeded):
		return answer{kind: timedOut, err: err}
	case errors.As(err, &broken):
		return answer{kind: internal, err: err}
	}
	return answer{kind: unable, err: err}
}

func (a *api) queryExemplars(r *http.Request) answer {
	from, to, err := span(r)
	if err != nil {
		return answer{kind: badData, err: err}
	}
	if to.Before(from) {
		return bad("end timestamp must not be before start timestamp")
	}
	expr, err := parser.ParseExpr(r.FormValue("query"))
	if err != nil {
		return answer{kind: badData, err: err}
	}
	selectors := parser.ExtractSelectors(expr)
	if len(selectors) == 0 {
		return answer{data: exemplars{}}
	}
	q, err := a.kept.ExemplarQuerier(r.Context())
	if err != nil {
		return failed(err)
	}
	found, err := q.Select(timestamp.FromTime(from), timestamp.FromTime(to), selectors...)
	if err != nil {
		return failed(fmt.Errorf("read exemplars: %w", err))
	}
	return answer{data: exemplars(found)}
}
