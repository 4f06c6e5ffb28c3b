package promql

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// kind is what went wrong, in the API's words, with its status.
type kind struct {
	word   string
	status int
}

var (
	badData  = kind{"bad_data", http.StatusBadRequest}
	unable   = kind{"execution", http.StatusUnprocessableEntity}
	canceled = kind{"canceled", 499}
	timedOut = kind{"timeout", http.StatusServiceUnavailable}
	internal = kind{"internal", http.StatusInternalServerError}
	busy     = kind{"too_many_requests", http.StatusTooManyRequests}
)

// answer is the data of an answer, or why there is none.
type answer struct {
	data     any
	warnings annotations.Annotations
	kind     kind
	err      error
	// done gives free what the data stands in, once it is written; nil if nothing.
	done func()
}

func bad(format string, args ...any) answer {
	return answer{kind: badData, err: fmt.Errorf(format, args...)}
}

func invalid(parameter string, err error) answer {
	return bad("invalid parameter %q: %w", parameter, err)
}

type (
	exemplars  []exemplar.QueryResult
	seriesList []labels.Labels
)

// write sends an answer.
func (a *api) write(w http.ResponseWriter, query string, out answer) {
	e := encoder{max: a.options.MaxAnswer}
	if out.err == nil {
		e.whole(out, query)
		if e.err != nil {
			out = answer{kind: unable, err: e.err}
		}
	}
	status := http.StatusOK
	if out.err != nil {
		status = out.kind.status
		e.buf = e.buf[:0]
		e.raw(`{"status":"error","errorType":`).text(out.kind.word).raw(`,"error":`).text(out.err.Error()).raw("}")
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(e.buf) // the client may be gone
}

// encoder writes the API's JSON, in which numbers that JSON has not (NaN, +Inf) are
// text. Beyond max bytes it stops with an error.
type encoder struct {
	buf []byte
	max int
	err error
}

func (e *encoder) raw(s string) *encoder {
	e.buf = append(e.buf, s...)
	return e
}

// text writes a string; what is no UTF-8 is replaced.
func (e *encoder) text(s string) *encoder {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		e.buf = append(append(append(e.buf, '"'), s...), '"')
		return e
	}
	quoted, _ := json.Marshal(s) // a string always can be
	e.buf = append(e.buf, quoted...)
	return e
}

// at writes milliseconds as seconds.
func (e *encoder) at(ms int64) *encoder {
	if ms < 0 {
		e.buf = append(e.buf, '-')
		ms = -ms
	}
	e.buf = strconv.AppendInt(e.buf, ms/1000, 10)
	if part := ms % 1000; part != 0 {
		e.buf = append(e.buf, '.', byte('0'+part/100), byte('0'+part/10%10), byte('0'+part%10))
	}
	return e
}

func (e *encoder) number(f float64) *encoder {
	form := byte('f')
	if size := math.Abs(f); size != 0 && (size < 1e-6 || size >= 1e21) {
		form = 'e'
	}
	e.buf = append(e.buf, '"')
	e.buf = strconv.AppendFloat(e.buf, f, form, -1, 64)
	e.buf = append(e.buf, '"')
	return e
}

// each writes a list, and tells whether there was room for all of it.
func (e *encoder) each(n int, one func(i int)) {
	e.raw("[")
	for i := range n {
		if i > 0 {
			e.raw(",")
		}
		one(i)
		if len(e.buf) > e.max {
			e.err = fmt.Errorf("the answer is larger than %d MiB; select fewer series, or take larger steps", e.max>>20)
		}
		if e.err != nil {
			return
		}
	}
	e.raw("]")
}

func (e *encoder) labels(l labels.Labels) *encoder {
	e.raw("{")
	first := true
	l.Range(func(l labels.Label) {
		if !first {
			e.raw(",")
		}
		first = false
		e.text(l.Name).raw(":").text(l.Value)
	})
	return e.raw("}")
}

func (e *encoder) whole(out answer, query string) {
	e.raw(`{"status":"success","data":`)
	e.data(out.data)
	warnings, infos := out.warnings.AsStrings(query, 10, 10)
	for name, list := range map[string][]string{"warnings": warnings, "infos": infos} {
		if len(list) > 0 {
			e.raw(",").text(name).raw(":").each(len(list), func(i int) { e.text(list[i]) })
		}
	}
	e.raw("}")
}

func (e *encoder) data(data any) {
	switch d := data.(type) {
	case result:
		e.raw(`{"resultType":`).text(string(d.value.Type())).raw(`,"result":`)
		e.value(d.value)
		if d.stats != nil {
			e.raw(`,"stats":`).any(d.stats)
		}
		e.raw("}")
	case exemplars:
		e.each(len(d), func(i int) {
			e.raw(`{"seriesLabels":`).labels(d[i].SeriesLabels).raw(`,"exemplars":`)
			e.each(len(d[i].Exemplars), func(j int) {
				x := d[i].Exemplars[j]
				e.raw(`{"labels":`).labels(x.Labels).raw(`,"value":`).number(x.Value).raw(`,"timestamp":`).at(x.Ts).raw("}")
			})
			e.raw("}")
		})
	case seriesList:
		e.each(len(d), func(i int) { e.labels(d[i]) })
	case []string:
		e.each(len(d), func(i int) { e.text(d[i]) })
	default:
		e.any(data)
	}
}

func (e *encoder) any(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		e.err = errors.Join(e.err, err)
	}
	e.buf = append(e.buf, text...)
}

func (e *encoder) value(v any) {
	switch v := v.(type) {
	case promql.Scalar:
		e.raw("[").at(v.T).raw(",").number(v.V).raw("]")
	case promql.String:
		e.raw("[").at(v.T).raw(",").text(v.V).raw("]")
	case promql.Vector:
		e.each(len(v), func(i int) {
			s := v[i]
			e.raw(`{"metric":`).labels(s.Metric)
			if s.H != nil {
				e.raw(`,"histogram":[`).at(s.T).raw(",").histogram(s.H).raw("]}")
				return
			}
			e.raw(`,"value":[`).at(s.T).raw(",").number(s.F).raw("]}")
		})
	case promql.Matrix:
		e.each(len(v), func(i int) {
			s := v[i]
			e.raw(`{"metric":`).labels(s.Metric)
			if len(s.Floats) > 0 {
				e.raw(`,"values":`).each(len(s.Floats), func(j int) { e.raw("[").at(s.Floats[j].T).raw(",").number(s.Floats[j].F).raw("]") })
			}
			if len(s.Histograms) > 0 {
				e.raw(`,"histograms":`).each(len(s.Histograms), func(j int) {
					e.raw("[").at(s.Histograms[j].T).raw(",").histogram(s.Histograms[j].H).raw("]")
				})
			}
			e.raw("}")
		})
	default:
		e.err = fmt.Errorf("a %T cannot be written", v)
	}
}

// histogram writes a native histogram; buckets without samples are left out. The first
// number of a bucket says which of its borders belong to it: 0 the upper, 1 the lower, 2
// none, 3 both.
func (e *encoder) histogram(h *histogram.FloatHistogram) *encoder {
	e.raw(`{"count":`).number(h.Count).raw(`,"sum":`).number(h.Sum)
	first := true
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		if b.Count == 0 {
			continue
		}
		if first {
			e.raw(`,"buckets":[`)
		} else {
			e.raw(",")
		}
		first = false
		borders := "2"
		switch {
		case b.LowerInclusive && b.UpperInclusive:
			borders = "3"
		case b.LowerInclusive:
			borders = "1"
		case b.UpperInclusive:
			borders = "0"
		}
		e.raw("[" + borders + ",").number(b.Lower).raw(",").number(b.Upper).raw(",").number(b.Count).raw("]")
	}
	if !first {
		e.raw("]")
	}
	return e.raw("}")
}
