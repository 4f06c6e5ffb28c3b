package helm

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// durationFuncs are Helm's functions on durations. They take a Go duration, a
// text such as "1h30m", or a number of seconds; what cannot be read is 0.
func durationFuncs() template.FuncMap {
	lax := func(v any) time.Duration {
		d, err := toDuration(v)
		if err != nil {
			return 0
		}
		return d
	}
	return template.FuncMap{
		"mustToDuration": func(v any) time.Duration {
			d, err := toDuration(v)
			if err != nil {
				panic(err)
			}
			return d
		},
		"durationSeconds":      func(v any) float64 { return lax(v).Seconds() },
		"durationMilliseconds": func(v any) int64 { return lax(v).Milliseconds() },
		"durationMicroseconds": func(v any) int64 { return lax(v).Microseconds() },
		"durationNanoseconds":  func(v any) int64 { return lax(v).Nanoseconds() },
		"durationMinutes":      func(v any) float64 { return lax(v).Minutes() },
		"durationHours":        func(v any) float64 { return lax(v).Hours() },
		"durationDays":         func(v any) float64 { return lax(v).Hours() / 24 },
		"durationWeeks":        func(v any) float64 { return lax(v).Hours() / 24 / 7 },
		"durationRoundTo": func(v, m any) time.Duration {
			d, err := toDuration(v)
			if err != nil {
				return 0
			}
			return d.Round(lax(m))
		},
		"durationTruncateTo": func(v, m any) time.Duration {
			d, err := toDuration(v)
			if err != nil {
				return 0
			}
			return d.Truncate(lax(m))
		},
	}
}

func toDuration(v any) (time.Duration, error) {
	switch v := v.(type) {
	case nil:
		return 0, errors.New("invalid duration")
	case time.Duration:
		return v, nil
	case string:
		s := strings.TrimSpace(v)
		if s == "" {
			return 0, errors.New("empty duration")
		}
		if d, err := time.ParseDuration(s); err == nil {
			return d, nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return seconds(f)
		}
		return 0, fmt.Errorf("could not parse duration %q", v)
	}
	r := reflect.ValueOf(v)
	const limit = math.MaxInt64 / int64(time.Second)
	switch {
	case r.CanInt():
		if n := r.Int(); n <= limit && n >= -limit {
			return time.Duration(n) * time.Second, nil
		}
		return 0, fmt.Errorf("duration seconds overflow: %v", v)
	case r.CanUint():
		if n := r.Uint(); n <= uint64(limit) {
			return time.Duration(n) * time.Second, nil
		}
		return 0, fmt.Errorf("duration seconds overflow: %v", v)
	case r.CanFloat():
		return seconds(r.Float())
	}
	return 0, fmt.Errorf("unsupported duration type %T", v)
}

func seconds(s float64) (time.Duration, error) {
	if math.IsNaN(s) || math.Abs(s) > math.MaxInt64/float64(time.Second) {
		return 0, fmt.Errorf("invalid duration seconds: %v", s)
	}
	return time.Duration(s * float64(time.Second)), nil
}
