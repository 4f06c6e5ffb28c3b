package promql

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// The first and the last moment that can be asked for: milliseconds in 64 bits, with
// room for the arithmetic of queries.
var (
	firstTime = time.Unix(math.MinInt64/1000+62_135_596_801, 0).UTC()
	lastTime  = time.Unix(math.MaxInt64/1000-62_135_596_801, 999_999_999).UTC()
)

// parseTime reads seconds since 1970 or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(f) || f < float64(firstTime.Unix()) || f > float64(lastTime.Unix()) {
			return time.Time{}, fmt.Errorf("%q is no moment that can be asked for", s)
		}
		whole, part := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond)).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	for _, t := range []time.Time{firstTime, lastTime} { // their years are too long to be parsed
		if s == t.Format(time.RFC3339Nano) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", s)
}

func moment(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	s := r.FormValue(name)
	if s == "" {
		return otherwise, nil
	}
	t, err := parseTime(s)
	if err != nil {
		return t, fmt.Errorf("invalid time value for '%s': %w", name, err)
	}
	return t, nil
}

// span reads start and end, which may both be left out.
func span(r *http.Request) (from, to time.Time, err error) {
	if from, err = moment(r, "start", firstTime); err != nil {
		return from, to, fmt.Errorf("invalid parameter %q: %w", "start", err)
	}
	if to, err = moment(r, "end", lastTime); err != nil {
		err = fmt.Errorf("invalid parameter %q: %w", "end", err)
	}
	return from, to, err
}

// duration reads seconds or words such as 5m.
func duration(s string) (time.Duration, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		n := f * float64(time.Second)
		if math.IsNaN(n) || n >= math.MaxInt64 || n <= math.MinInt64 {
			return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", s)
		}
		return time.Duration(n), nil
	}
	if d, err := model.ParseDuration(s); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", s)
}

// number reads a limit; 0 is none.
func number(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	return n, err
}

// matchers reads selectors, each of which must leave something out.
func matchers(selectors []string) ([][]*labels.Matcher, error) {
	sets, err := parser.ParseMetricSelectors(selectors)
	if err != nil {
		return nil, err
	}
next:
	for _, set := range sets {
		for _, m := range set {
			if m != nil && !m.Matches("") {
				continue next
			}
		}
		return nil, errors.New("match[] must contain at least one non-empty matcher")
	}
	return sets, nil
}
