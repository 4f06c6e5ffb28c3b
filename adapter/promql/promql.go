// Package promql answers questions about metrics as Prometheus does: the expressions,
// the paths, the parameters and the JSON of its HTTP API, so that whoever can ask a
// Prometheus (Grafana, promtool, our own client) can ask us.
//
// A question is bounded in samples, time, points and bytes, and few are answered at a
// time. Where a bound is met the answer is an error and never part of the truth.
package promql

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Kept is where the metrics come from.
type Kept interface {
	storage.Queryable
	storage.ExemplarQueryable
	// Cardinality tells of the series in memory, at most n of each kind; Chunks is how
	// many chunks they have.
	Cardinality(n int) *tsdb.Stats
	Chunks() int64
}

// Options are the bounds of questions. What is 0 gets the value in brackets.
type Options struct {
	// MaxSamples is how many samples a question may hold in memory [5,000,000: 80 MB].
	MaxSamples int
	// MaxAnswer is how large an answer may be, in bytes [32 MiB].
	MaxAnswer int
	// MaxItems is how many series or names are listed, whatever a question says
	// [100,000].
	MaxItems int
	// Timeout is how long a question may take [30 s].
	Timeout time.Duration
	// Concurrency is how many are answered at a time [2]; more wait for Patience [10 s]
	// and are then told to come again.
	Concurrency int
	Patience    time.Duration
	// Lookback is how old a sample may be and still count as the newest [5 minutes].
	Lookback time.Duration
	// Targets answers /api/v1/targets; nil if nobody is scraped.
	Targets func() any
	// Version is told by /api/v1/status/buildinfo, as "2.42.0+VERSION".
	Version string
	// Log is told of what goes wrong here; nil tells nobody.
	Log *slog.Logger
	// Now tells the time; nil is the clock.
	Now func() time.Time
}

func (o Options) complete() Options {
	fill(&o.MaxSamples, 5_000_000)
	fill(&o.MaxAnswer, 32<<20)
	fill(&o.MaxItems, 100_000)
	fill(&o.Timeout, 30*time.Second)
	fill(&o.Concurrency, 2)
	fill(&o.Patience, 10*time.Second)
	fill(&o.Lookback, 5*time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) engine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: o.MaxSamples, Timeout: o.Timeout, LookbackDelta: o.Lookback, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() },
	})
}

func fill[T int | time.Duration](v *T, standard T) {
	if *v <= 0 {
		*v = standard
	}
}

// api answers.
type api struct {
	options Options
	kept    Kept
	engine  *promql.Engine
	slots   chan struct{}
}

// Handler answers at /api/v1/. Who may ask is for the caller to check.
func Handler(from Kept, o Options) http.Handler {
	o = o.complete()
	a := &api{options: o, kept: from, slots: make(chan struct{}, o.Concurrency), engine: o.engine()}
	mux := http.NewServeMux()
	serve := func(path string, f func(*http.Request) answer) {
		h := a.wrap(f)
		mux.Handle("GET /api/v1/"+path, h)
		mux.Handle("POST /api/v1/"+path, h)
	}
	serve("query", a.query)
	serve("query_range", a.queryRange)
	serve("query_exemplars", a.queryExemplars)
	serve("series", a.series)
	serve("labels", a.labelNames)
	mux.Handle("GET /api/v1/label/{name}/values", a.wrap(a.labelValues))
	mux.Handle("GET /api/v1/metadata", a.wrap(func(*http.Request) answer { return answer{data: struct{}{}} }))
	mux.Handle("GET /api/v1/rules", a.wrap(func(*http.Request) answer { return answer{data: map[string]any{"groups": []any{}}} }))
	mux.Handle("GET /api/v1/alerts", a.wrap(func(*http.Request) answer { return answer{data: map[string]any{"alerts": []any{}}} }))
	mux.Handle("GET /api/v1/targets", a.wrap(a.targets))
	mux.Handle("GET /api/v1/status/buildinfo", a.wrap(a.buildInfo))
	mux.Handle("GET /api/v1/status/tsdb", a.wrap(a.cardinality))
	return mux
}

// maxForm is how large the parameters of a question may be.
const maxForm = 64 << 10

// wrap reads the parameters, waits for a turn, answers, and gives memory free.
func (a *api) wrap(f func(*http.Request) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			a.write(w, "", bad("error parsing form values: %w", err))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), a.options.Timeout+a.options.Patience)
		defer cancel()
		release, ok := a.turn(ctx)
		if !ok {
			w.Header().Set("Retry-After", "1")
			a.write(w, "", answer{kind: busy, err: errors.New("too many questions at a time; ask again")})
			return
		}
		defer release()
		defer func() {
			if p := recover(); p != nil {
				a.options.Log.Error("a question about metrics failed", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				a.write(w, "", answer{kind: internal, err: errors.New("the question could not be answered; see the log")})
			}
		}()
		out := f(r.WithContext(ctx))
		if out.done != nil {
			defer out.done()
		}
		a.write(w, r.FormValue("query"), out)
	})
}

func (a *api) turn(ctx context.Context) (release func(), ok bool) {
	t := time.NewTimer(a.options.Patience)
	defer t.Stop()
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, true
	case <-t.C:
	case <-ctx.Done():
	}
	return nil, false
}
