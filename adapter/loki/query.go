package loki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// Sample is the value of one series at the moment that was asked for. It may be
// NaN or infinite.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates a metric query at a moment, as in
// sum by (pod) (count_over_time({namespace="shop"} |= "error" [5m])).
func (c *Client) Query(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	a, err := c.ask(ctx, "loki/api/v1/query", url.Values{"query": {expr}, "time": {strconv.FormatInt(at.UnixNano(), 10)}})
	if err != nil {
		return nil, err
	}
	switch a.Data.Type {
	case "scalar":
		var p point
		if err := json.Unmarshal(a.Data.Result, &p); err != nil {
			return nil, c.server.Wrong("its scalar is none")
		}
		return []Sample{{Value: float64(p)}}, nil
	case "vector":
		var all []struct {
			Metric map[string]string `json:"metric"`
			Value  *point            `json:"value"`
		}
		if err := json.Unmarshal(a.Data.Result, &all); err != nil {
			return nil, c.server.Wrong("its vector is none")
		}
		if len(all) > MaxSeries {
			return nil, c.server.Fault(fault.Invalid, fmt.Sprintf("the answer has more than %d series", MaxSeries), "sum over fewer labels")
		}
		out := make([]Sample, len(all))
		for i, s := range all {
			if s.Value == nil {
				return nil, c.server.Wrong("a series has no value")
			}
			out[i] = Sample{s.Metric, float64(*s.Value)}
		}
		return out, nil
	}
	return nil, c.server.Fault(fault.Invalid, fmt.Sprintf("the query gives %q, not a vector", rest.Short(a.Data.Type)), "give a metric query, as in count_over_time({app=\"shop\"}[5m])")
}

// point is a moment and a value: [1700000000.1, "1.5"].
type point float64

// UnmarshalJSON implements json.Unmarshaler.
func (p *point) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("a point has two parts")
	}
	var at float64
	var word string
	if err := errors.Join(json.Unmarshal(pair[0], &at), json.Unmarshal(pair[1], &word)); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(word, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return err
	}
	*p = point(v)
	return nil
}
