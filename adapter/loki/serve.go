package loki

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs/store"
)

// Bounds of what is served.
const (
	usualLimit  = 100
	servedBytes = 48 << 20 // less than a Client reads
	usualSpan   = time.Hour
)

// Handler answers as Loki does, from a store, so that whoever can ask a Loki can ask
// us: query_range for lines, query for their number, labels, label/{name}/values,
// series. Of LogQL it knows the selection of streams, filters of lines, and sums of
// count_over_time and rate; all else is refused, no answer to another question. Who
// may ask is for the caller to check.
func Handler(from *store.Store, now func() time.Time) http.Handler {
	h := &served{from, now}
	mux := http.NewServeMux()
	for path, f := range map[string]func(context.Context, url.Values) (any, error){
		"query_range": h.queryRange, "query": h.query, "labels": h.labels, "label": h.labels, "series": h.series,
	} {
		mux.HandleFunc("/loki/api/v1/"+path, answering(f))
	}
	mux.HandleFunc("/loki/api/v1/label/{name}/values", func(w http.ResponseWriter, r *http.Request) {
		answering(func(_ context.Context, v url.Values) (any, error) { return h.values(v, r.PathValue("name")) })(w, r)
	})
	mux.HandleFunc("GET /loki/api/v1/status/buildinfo", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": "aeo"})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") })
	return mux
}

// served answers from a store.
type served struct {
	from *store.Store
	now  func() time.Time
}

// answering wraps a question: GET, or POST of a form.
func answering(f func(context.Context, url.Values) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			w.Header().Set("Allow", "GET, POST")
			http.Error(w, "ask with GET or POST", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the form is too large or none", http.StatusBadRequest)
			return
		}
		data, err := f(r.Context(), r.Form)
		switch {
		case r.Context().Err() != nil:
			return // nobody listens
		case err != nil && fault.KindOf(err) == fault.Invalid:
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			writeJSON(w, http.StatusOK, map[string]any{"status": "success", "data": data})
		}
	}
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func refuse(name, why string) error {
	return fault.New(fault.Invalid, "ask for lines", name, why, "see Loki's API")
}

// moment reads a time: nanoseconds, seconds with a dot, or RFC 3339.
func moment(v url.Values, name string, usual time.Time) (int64, error) {
	text := v.Get(name)
	if text == "" {
		return nanoseconds(usual), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if len(strings.TrimPrefix(text, "-")) <= 10 {
			return nanoseconds(time.Unix(n, 0)), nil
		}
		return n, nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < 9e9 {
		return int64(f * float64(time.Second)), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return nanoseconds(t), nil
	}
	return 0, refuse(name, "it is no time: give nanoseconds since 1970, or RFC 3339")
}

// nanoseconds are those since 1970, the nearest that can be told for moments before 1678
// and after 2262.
func nanoseconds(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < math.MinInt64/int64(time.Second):
		return math.MinInt64
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// span reads the first moment and the one after the last.
func (h *served) span(v url.Values) (from, to int64, err error) {
	if to, err = moment(v, "end", h.now()); err != nil {
		return 0, 0, err
	}
	usual := usualSpan
	if text := v.Get("since"); text != "" {
		if usual, err = time.ParseDuration(text); err != nil || usual <= 0 {
			return 0, 0, refuse("since", "it is no duration above 0")
		}
	}
	if from, err = moment(v, "start", time.Unix(0, to).Add(-usual)); err != nil {
		return 0, 0, err
	}
	if from >= to {
		return 0, 0, refuse("start", "it is not before end")
	}
	return from, to, nil
}

// servedStream is a stream in an answer.
type servedStream struct {
	Stream map[string]string `json:"stream"`
	Values [][2]string       `json:"values"`
}

func (h *served) queryRange(ctx context.Context, v url.Values) (any, error) {
	if counts(v.Get("query")) {
		return nil, refuse("query", "numbers over a range are not served here: ask for one moment at /loki/api/v1/query")
	}
	q, err := parseLogs(v.Get("query"))
	if err != nil {
		return nil, err
	}
	from, to, err := h.span(v)
	if err != nil {
		return nil, err
	}
	limit := usualLimit
	if text := v.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit <= 0 || limit > maxPage {
			return nil, refuse("limit", fmt.Sprintf("it is no number from 1 to %d", maxPage))
		}
	}
	backward := true
	switch d := v.Get("direction"); strings.ToLower(d) {
	case "", "backward":
	case "forward":
		backward = false
	default:
		return nil, refuse("direction", "it is neither forward nor backward")
	}
	lines, err := h.from.Lines(ctx, store.Query{Match: q.selects, Keep: q.keeps, From: from, To: to}, limit, backward)
	if err != nil {
		return nil, err
	}
	streams, at, size := []servedStream{}, map[string]int{}, 0
	for _, l := range lines {
		if size += len(l.Text); size > servedBytes {
			return nil, refuse("limit", fmt.Sprintf("the lines have more than %d MiB", servedBytes>>20))
		}
		key := seriesKey(l.Labels)
		i, known := at[key]
		if !known {
			i = len(streams)
			at[key] = i
			streams = append(streams, servedStream{Stream: l.Labels})
		}
		streams[i].Values = append(streams[i].Values, [2]string{strconv.FormatInt(l.At, 10), strings.ToValidUTF8(l.Text, "�")})
	}
	return map[string]any{"resultType": "streams", "result": streams, "stats": struct{}{}}, nil
}

// seriesKey writes labels so that different ones differ.
func seriesKey(labels map[string]string) string {
	return identity(Entry{Labels: labels})
}

// servedSample is a series of one value in an answer.
type servedSample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (h *served) query(ctx context.Context, v url.Values) (any, error) {
	if !counts(v.Get("query")) {
		return nil, refuse("query", "lines are asked for at /loki/api/v1/query_range")
	}
	q, err := parseCount(v.Get("query"))
	if err != nil {
		return nil, err
	}
	at, err := moment(v, "time", h.now())
	if err != nil {
		return nil, err
	}
	type sum struct {
		metric map[string]string
		n      float64
	}
	sums := map[string]*sum{}
	err = h.from.Each(ctx, store.Query{Match: q.selects, Keep: q.keeps, From: nanoseconds(time.Unix(0, at).Add(-q.over)), To: at}, func(labels map[string]string) func(int64, []byte) {
		metric := q.metric(labels)
		key := seriesKey(metric)
		return func(int64, []byte) {
			if sums[key] == nil {
				sums[key] = &sum{metric: metric}
			}
			sums[key].n++
		}
	})
	if err != nil {
		return nil, err
	}
	out := []servedSample{}
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		n := sums[key].n
		if q.rate {
			n /= q.over.Seconds()
		}
		out = append(out, servedSample{sums[key].metric, [2]any{float64(at) / 1e9, strconv.FormatFloat(n, 'f', -1, 64)}})
	}
	return map[string]any{"resultType": "vector", "result": out}, nil
}

// metric is what a stream's lines are counted under.
func (q *countQuery) metric(labels map[string]string) map[string]string {
	if !q.sum {
		return labels
	}
	out := make(map[string]string, len(q.by))
	for _, name := range q.by {
		if v := labels[name]; v != "" {
			out[name] = v
		}
	}
	return out
}

// chosen returns the streams that a selector of the parameters chooses, all without
// one.
func (h *served) chosen(v url.Values, parameter string) ([]map[string]string, error) {
	all := h.from.Labels()
	texts := v[parameter]
	if len(texts) == 0 {
		return all, nil
	}
	var queries []logQuery
	for _, text := range texts {
		q, err := parseLogs(text)
		if err != nil {
			return nil, err
		}
		queries = append(queries, q)
	}
	return slices.DeleteFunc(all, func(labels map[string]string) bool {
		return !slices.ContainsFunc(queries, func(q logQuery) bool { return q.selects(labels) })
	}), nil
}

func (h *served) labels(_ context.Context, v url.Values) (any, error) {
	streams, err := h.chosen(v, "query")
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, labels := range streams {
		for name := range labels {
			names[name] = true
		}
	}
	return sorted(names), nil
}

func (h *served) values(v url.Values, name string) (any, error) {
	streams, err := h.chosen(v, "query")
	if err != nil {
		return nil, err
	}
	values := map[string]bool{}
	for _, labels := range streams {
		if value := labels[name]; value != "" {
			values[value] = true
		}
	}
	return sorted(values), nil
}

func (h *served) series(_ context.Context, v url.Values) (any, error) {
	parameter := "match[]"
	if len(v[parameter]) == 0 {
		parameter = "match"
	}
	streams, err := h.chosen(v, parameter)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(streams, func(a, b map[string]string) int { return strings.Compare(seriesKey(a), seriesKey(b)) })
	return streams, nil
}

// sorted returns the keys in order; an empty list if there are none.
func sorted(set map[string]bool) []string {
	out := slices.AppendSeq([]string{}, maps.Keys(set))
	slices.Sort(out)
	return out
}
