package promql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/util/annotations"
)

// listing are the parameters of the questions that list something.
type listing struct {
	querier  storage.Querier
	from, to int64
	matchers [][]*labels.Matcher
	limit    int
}

// list reads those parameters and opens what is asked. Close the querier.
func (a *api) list(r *http.Request) (l listing, problem answer) {
	limit, err := number(r.FormValue("limit"))
	if err != nil {
		return l, invalid("limit", err)
	}
	from, to, err := span(r)
	if err != nil {
		return l, answer{kind: badData, err: err}
	}
	l = listing{from: timestamp.FromTime(from), to: timestamp.FromTime(to), limit: limit}
	if l.matchers, err = matchers(r.Form["match[]"]); err != nil {
		return l, answer{kind: badData, err: err}
	}
	if l.querier, err = a.kept.Querier(l.from, l.to); err != nil {
		return l, failed(err)
	}
	return l, answer{}
}

// hint lets the storage stop where more would not be shown.
func (l listing) hint(most int) int {
	if l.limit > 0 && l.limit < most {
		return l.limit + 1
	}
	return most + 1
}

// names joins what each set of matchers lists, sorted, at most as many as are asked for.
func (a *api) names(l listing, one func(h *storage.LabelHints, m []*labels.Matcher) ([]string, annotations.Annotations, error)) answer {
	sets := l.matchers
	if len(sets) == 0 {
		sets = [][]*labels.Matcher{nil}
	}
	all, warnings := map[string]struct{}{}, annotations.Annotations{}
	for _, m := range sets {
		some, w, err := one(&storage.LabelHints{Limit: l.hint(a.options.MaxItems)}, m)
		if err != nil {
			return failed(err)
		}
		warnings.Merge(w)
		for _, s := range some {
			all[strings.Clone(s)] = struct{}{} // the storage may unmap what it gave
		}
	}
	out := slices.Sorted(maps.Keys(all))
	switch {
	case l.limit > 0 && len(out) > l.limit:
		out = out[:l.limit]
		warnings.Add(errCut)
	case len(out) > a.options.MaxItems:
		return a.tooMany("names or values")
	}
	if out == nil {
		out = []string{}
	}
	return answer{data: out, warnings: warnings}
}

func (a *api) tooMany(what string) answer {
	return answer{kind: unable, err: fmt.Errorf("there are more than %d %s; select fewer, or say limit", a.options.MaxItems, what)}
}

func (a *api) labelNames(r *http.Request) answer {
	l, problem := a.list(r)
	if problem.err != nil {
		return problem
	}
	defer l.querier.Close()
	return a.names(l, func(h *storage.LabelHints, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return l.querier.LabelNames(r.Context(), h, m...)
	})
}

func (a *api) labelValues(r *http.Request) answer {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return bad("invalid label name: %q", name)
	}
	l, problem := a.list(r)
	if problem.err != nil {
		return problem
	}
	defer l.querier.Close()
	return a.names(l, func(h *storage.LabelHints, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return l.querier.LabelValues(r.Context(), name, h, m...)
	})
}

func (a *api) series(r *http.Request) answer {
	if len(r.Form["match[]"]) == 0 {
		return bad("no match[] parameter provided")
	}
	l, problem := a.list(r)
	if problem.err != nil {
		return problem
	}
	set := l.selected(r.Context(), a.options.MaxItems)
	out := seriesList{}
	done := func() { _ = l.querier.Close() }
	for set.Next() {
		if len(out)%128 == 0 && r.Context().Err() != nil {
			done()
			return failed(r.Context().Err())
		}
		if l.limit > 0 && len(out) == l.limit {
			w := set.Warnings()
			return answer{data: out, warnings: w.Add(errCut), done: done}
		}
		if len(out) == a.options.MaxItems {
			done()
			return a.tooMany("series")
		}
		out = append(out, set.At().Labels())
	}
	if err := set.Err(); err != nil {
		done()
		return failed(err)
	}
	return answer{data: out, warnings: set.Warnings(), done: done}
}

// selected are the series of all sets of matchers, each once.
func (l listing) selected(ctx context.Context, most int) storage.SeriesSet {
	hints := &storage.SelectHints{Start: l.from, End: l.to, Func: "series", Limit: l.hint(most)}
	if len(l.matchers) == 1 {
		return l.querier.Select(ctx, false, hints, l.matchers[0]...)
	}
	var sets []storage.SeriesSet
	for _, m := range l.matchers {
		sets = append(sets, l.querier.Select(ctx, true, hints, m...))
	}
	return storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
}

func (a *api) targets(*http.Request) answer {
	if a.options.Targets == nil {
		return answer{data: map[string]any{"activeTargets": []any{}, "droppedTargets": []any{}, "droppedTargetCounts": struct{}{}}}
	}
	return answer{data: a.options.Targets()}
}

// buildInfo tells a version of Prometheus whose API this is: who asks decides by it.
func (a *api) buildInfo(*http.Request) answer {
	v := "2.42.0"
	if a.options.Version != "" {
		v += "+" + a.options.Version
	}
	return answer{data: map[string]string{"version": v, "revision": "", "branch": "", "buildUser": "aeod", "buildDate": "", "goVersion": runtime.Version()}}
}

func (a *api) cardinality(r *http.Request) answer {
	limit := 10
	if s := r.FormValue("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > 10_000 {
			return answer{kind: badData, err: errors.New("limit must be a number from 1 to 10000")}
		}
	}
	type entry struct {
		Name  string `json:"name"`
		Value uint64 `json:"value"`
	}
	list := func(from []index.Stat) []entry {
		out := make([]entry, len(from))
		for i, s := range from {
			out[i] = entry{s.Name, s.Count}
		}
		return out
	}
	s := a.kept.Cardinality(limit)
	p := s.IndexPostingStats
	return answer{data: map[string]any{
		"headStats": map[string]any{
			"numSeries": s.NumSeries, "numLabelPairs": p.NumLabelPairs, "chunkCount": a.kept.Chunks(), "minTime": s.MinTime, "maxTime": s.MaxTime,
		},
		"seriesCountByMetricName":     list(p.CardinalityMetricsStats),
		"labelValueCountByLabelName":  list(p.CardinalityLabelStats),
		"memoryInBytesByLabelName":    list(p.LabelValueStats),
		"seriesCountByLabelValuePair": list(p.LabelValuePairsStats),
	}}
}
