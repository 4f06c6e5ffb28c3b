package slo

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Indicator says where the counts come from. There are three forms: Total with
// Good, Total with Bad, or Gauge alone.
type Indicator struct {
	// Total counts all events; Good or Bad those that were so.
	Total, Good, Bad Query
	// Gauge is a value that is compared at each sample: a sample counts as one
	// event, which is bad if the comparison does not hold.
	Gauge Query
	// Op and Value are the comparison that makes a sample good.
	Op    Op
	Value float64
}

// Query is where a count comes from in PromQL. One of the two is set.
type Query struct {
	// Selector picks the series of counters whose increases are summed:
	// http_requests_total{job="shop"}. A Monitor can follow them.
	Selector string
	// Template is an expression with WindowMark in the place of its window. Rule
	// files can be made of it, but it cannot be followed series by series.
	Template string
	// PerSecond says that Template is a rate, not a count.
	PerSecond bool
}

// WindowMark stands in a template where the window is to be written.
const WindowMark = "{{.window}}"

// Empty reports whether no query is given.
func (q Query) Empty() bool { return q.Selector == "" && q.Template == "" }

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	LessEqual Op = iota
	Less
	GreaterEqual
	Greater
)

var opForms = [...]struct{ word, sign, negated string }{{"lte", "<=", ">"}, {"lt", "<", ">="}, {"gte", ">=", "<"}, {"gt", ">", "<="}}

// String returns the sign.
func (o Op) String() string { return opForms[o].sign }

// ParseOp reads the words that OpenSLO uses: lte, lt, gte, gt.
func ParseOp(word string) (Op, bool) {
	for i, f := range opForms {
		if f.word == word {
			return Op(i), true
		}
	}
	return 0, false
}

// holds reports whether v satisfies the comparison.
func (o Op) holds(v, limit float64) bool {
	switch o {
	case LessEqual:
		return v <= limit
	case Less:
		return v < limit
	case GreaterEqual:
		return v >= limit
	}
	return v > limit
}

// Followable reports whether a Monitor can compute the indicator from samples
// of single series.
func (i Indicator) Followable() bool {
	for _, q := range []Query{i.Total, i.Good, i.Bad, i.Gauge} {
		if q.Template != "" {
			return false
		}
	}
	return true
}

// texts are those in quotes of an expression.
var texts = regexp.MustCompile("\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|`[^`]*`")

// marked reports whether the place of a window is within a text, where it is none.
func (q Query) marked() bool {
	return slices.ContainsFunc(texts.FindAllString(q.Selector+q.Template, -1), func(s string) bool { return strings.Contains(s, WindowMark) })
}

func (i Indicator) problems() []Problem {
	var ps []Problem
	bad := func(path, format string, args ...any) { ps = append(ps, Problem{path, fmt.Sprintf(format, args...)}) }
	if i.Gauge.Empty() {
		if i.Total.Empty() {
			bad("indicator.total", "there is no query for all events")
		}
		if i.Good.Empty() == i.Bad.Empty() {
			bad("indicator", "exactly one of good and bad is needed")
		}
		if !i.Total.Empty() && (i.Good == i.Total || i.Bad == i.Total) {
			bad("indicator", "a part of the events is selected by the same query as all of them: select the good or the bad ones, as with code=~\"5..\"")
		}
	} else {
		if !i.Total.Empty() || !i.Good.Empty() || !i.Bad.Empty() {
			bad("indicator", "a gauge stands alone: leave total, good and bad out")
		}
		if math.IsNaN(i.Value) || math.IsInf(i.Value, 0) || int(i.Op) >= len(opForms) {
			bad("indicator.value", "the comparison needs a number")
		}
	}
	for _, f := range []struct {
		path string
		q    Query
	}{{"indicator.total", i.Total}, {"indicator.good", i.Good}, {"indicator.bad", i.Bad}, {"indicator.gauge", i.Gauge}} {
		switch {
		case f.q.Selector != "" && f.q.Template != "":
			bad(f.path, "it is both a selector and a template")
		case f.q.marked():
			bad(f.path, "%s stands in the text of a label matcher, where it is no window", WindowMark)
		case f.q.Selector != "":
			if err := CheckSelector(f.q.Selector); err != nil {
				bad(f.path, "%v", err)
			}
		case f.q.Template != "" && f.path != "indicator.gauge" && !strings.Contains(f.q.Template, WindowMark):
			bad(f.path, "the expression has no %s for its window", WindowMark)
		}
	}
	return ps
}
