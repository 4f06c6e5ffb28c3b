package openslo

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// source is an indicator as OpenSLO has it.
type source struct {
	indicator slo.Indicator
	// threshold says that op and value of the objective belong to it.
	threshold bool
}

// indicatorOf reads indicator or indicatorRef; nil if there is none.
func (r *reader) indicatorOf(f *fields) *source {
	ref, inline := f.get("indicatorRef"), f.get("indicator")
	switch {
	case ref.Exists() && inline.Exists():
		r.fail(ref, "%s says it too: use one of the two", f.name("indicator"))
	case ref.Exists():
		var s source
		r.refer(ref, "SLI", func(spec *fields, _ string) { s = r.indicator(spec) })
		return &s
	case inline.Exists():
		i := r.open(inline, f.name("indicator"))
		i.skip("metadata", "apiVersion", "kind")
		s := r.indicator(i.sub("spec", true))
		i.done()
		return &s
	}
	return nil
}

// indicator reads the spec of an SLI.
func (r *reader) indicator(spec *fields) source {
	spec.text("description")
	threshold, ratio := spec.sub("thresholdMetric", false), spec.sub("ratioMetric", false)
	spec.done()
	var s source
	switch {
	case threshold.n.Exists() && ratio.n.Exists():
		r.fail(ratio.n, "spec.thresholdMetric says it too: use one of the two")
	case threshold.n.Exists():
		s.threshold = true
		s.indicator.Gauge = r.compared(r.metric(threshold))
		threshold.done()
	case ratio.n.Exists():
		s.indicator = r.ratio(ratio)
		ratio.done()
	case spec.n.Exists():
		r.fail(spec.n, "there is no metric: set spec.ratioMetric or spec.thresholdMetric")
	}
	return s
}

func (r *reader) ratio(f *fields) slo.Indicator {
	var i slo.Indicator
	counter := f.flag("counter")
	f.refuse("a ratio cannot be turned into counts, which budgets are made of; give good or bad, and total", "raw", "rawType")
	good, bad, total := f.sub("good", false), f.sub("bad", false), f.sub("total", false)
	for _, part := range []struct {
		f *fields
		q *slo.Query
	}{{good, &i.Good}, {bad, &i.Bad}, {total, &i.Total}} {
		if part.f.n.Exists() {
			*part.q = r.counted(r.metric(part.f), counter, "5m")
			part.f.done()
		}
	}
	switch {
	case f.n.Has("raw"):
	case good.n.Exists() == bad.n.Exists():
		r.fail(f.n, "%s needs exactly one of good and bad", f.path)
	case !total.n.Exists():
		r.fail(f.n, "%s needs total", f.path)
	}
	return i
}

// prometheus are the types of sources that answer PromQL.
var prometheus = []string{"prometheus", "thanos", "mimir", "cortex", "victoriametrics"}

// metric returns the query of a metric source.
func (r *reader) metric(f *fields) tree.Node {
	m := f.sub("metricSource", true)
	kind := m.get("type")
	if ref := m.get("metricSourceRef"); ref.Exists() {
		r.refer(ref, "DataSource", func(spec *fields, _ string) {
			if !kind.Exists() {
				kind = spec.n.Get("type")
			}
		})
	}
	spec := m.sub("spec", true)
	query := spec.need("query")
	if language := spec.get("queryType"); language.Exists() && !strings.EqualFold(language.Text(), "promql") {
		r.fail(language, "%s must be promql, not %q", spec.name("queryType"), language.Text())
	}
	if query.Exists() && !query.IsString() {
		r.fail(query, "%s must be a text, not %s", spec.name("query"), query.Kind())
		query = tree.Node{}
	}
	spec.done()
	m.done()
	if m.n.Exists() && !slices.Contains(prometheus, strings.ToLower(kind.Text())) {
		r.fail(m.n, "only sources that answer PromQL are supported, not those of type %q: set type: Prometheus", kind.Text())
	}
	return query
}

// dataSource checks the spec of a DataSource. How to reach it is none of the
// business of an objective.
func (r *reader) dataSource(spec *fields) {
	spec.skip("description", "connectionDetails")
	kind := spec.need("type")
	if kind.Exists() && !slices.Contains(prometheus, strings.ToLower(kind.Text())) {
		r.fail(kind, "only sources that answer PromQL are supported, not those of type %q", kind.Text())
	}
	spec.done()
}
