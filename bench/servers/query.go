package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// query asks for a range, a minute from point to point, and returns a line of each
// series: its labels and its values to nine digits, since the order of a sum shows in the
// last ones.
func query(ctx context.Context, base, expr string, from, to time.Time) ([]string, error) {
	seconds := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	v := url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {"60"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/query_range?"+v.Encode(), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	if answer.Status != "success" || len(answer.Data.Result) == 0 {
		return nil, fmt.Errorf("%s: %d series %s", expr, len(answer.Data.Result), answer.Error)
	}
	var lines []string
	for _, s := range answer.Data.Result {
		line := fmt.Sprint(s.Metric) // in the order of the names
		for _, p := range s.Values {
			word, _ := p[1].(string)
			x, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", expr, err)
			}
			line += fmt.Sprintf(" %v:%.9g", p[0], x)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines, nil
}
