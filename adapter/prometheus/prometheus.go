// Package prometheus asks a Prometheus, Thanos or Mimir over its HTTP API.
//
// What comes back is bounded in bytes, series and time. An answer that is not
// the API's own is an error and never an empty result: a login page, a proxy's
// apology or half a text must not look like a service without traffic.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// Options say whom to ask and how.
type Options struct {
	// URL is the address before /api/v1, without credentials.
	URL string
	// Access says what it is shown, and by what it is known.
	rest.Access
	// Timeout is for one question with all its tries; 0 means 30 seconds.
	Timeout time.Duration
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// MaxSeries is how many series an answer may have.
const MaxSeries = 100_000

// Client asks one server. It is safe for concurrent use.
type Client struct {
	server *rest.Client
	stores stores
}

// New returns a client. Nothing is asked yet.
func New(o Options) (*Client, error) {
	server, err := rest.New(rest.Server{
		Name: "Prometheus", Example: "http://HOST:9090", Before: "/api/v1",
		URL: o.URL, Access: o.Access, Timeout: o.Timeout, Pause: o.Pause,
		Reason: reason,
		Hints: rest.Hints{
			TooLarge: "select fewer series", Slow: "is it overloaded? A longer --timeout may help",
			Denied: "give a token or a user that may read metrics, and the tenant if it has several", NotFound: "is the address that of a Prometheus? Mimir needs its prefix, as in /prometheus",
			Busy: "ask less often, or raise its limits", Invalid: "mend the query", Wrong: "is the address that of a Prometheus?",
		},
	})
	if err != nil {
		return nil, err
	}
	return &Client{server: server}, nil
}

// Sample is the value of one series at the moment that was asked for. It may be
// NaN or infinite.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates an expression at a moment. The answer is a vector; a scalar
// is a sample without labels. One that is known to be read from less than all stores is
// an error of kind Unavailable.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (samples []Sample, err error) {
	values := url.Values{"query": {expr}, "time": {moment(at)}, "timeout": {c.limit()}}
	err = c.whole(ctx, "query", values, until(at), func(data json.RawMessage) error {
		samples, err = c.vector(data, at.UnixMilli())
		return err
	})
	return samples, err
}

// moment writes a time as the API reads it.
func moment(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
}

// limit is how long the server may take.
func (c *Client) limit() string {
	return strconv.Itoa(int(max(1, c.server.Timeout().Seconds()))) + "s"
}

// whole calls an endpoint and has the data of its answer read if nothing is known to be
// left out of it. Thanos leaves out what a store of its own did not answer, and warns of
// that at most, unless it is told not to.
func (c *Client) whole(ctx context.Context, endpoint string, values url.Values, of reach, read func(data json.RawMessage) error) error {
	values.Set("partial_response", "false")
	a, err := c.get(ctx, endpoint, values)
	if err != nil {
		return err
	}
	for _, w := range a.Warnings {
		if !harmless(endpoint, w) {
			return c.server.Fault(fault.Unavailable, "the answer may not be whole: "+rest.Short(w), "look at the stores that it reads from")
		}
	}
	if err := c.lacks(ctx, of); err != nil {
		return err
	}
	return read(a.Data)
}

// harmless tells whether a warning is about the expression; all others say that
// something was left out. A Prometheus that reads from a remote store never asks that one
// for names, and warns of it each time.
func harmless(endpoint, warning string) bool {
	return strings.HasPrefix(warning, "PromQL") || strings.HasPrefix(endpoint, "label/") && warning == "not implemented"
}

// get calls an endpoint and opens the envelope of its answer.
func (c *Client) get(ctx context.Context, endpoint string, values url.Values) (a answer, err error) {
	text, err := c.server.Get(ctx, "api/v1/"+endpoint, values)
	if err != nil {
		return a, sorted(err)
	}
	if err := json.Unmarshal(text.Text, &a); err != nil {
		return a, c.server.Wrong("it is no whole JSON")
	}
	if a.Status != "success" {
		return a, c.server.Wrong(fmt.Sprintf("its status is %q: %s", rest.Short(a.Status), rest.Short(a.Error)))
	}
	return a, nil
}

// sorted gives a refusal the kind that its reason has, where its status has another.
func sorted(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case ok && strings.Contains(e.Public, ": "+tookTooLong):
		e.Kind, e.Hint = fault.TimedOut, "ask for less at a time; a longer --timeout may help"
	case ok && strings.Contains(e.Public, ": "+storeFailed):
		e.Kind, e.Hint = fault.Unavailable, "look at the stores that it reads from"
	}
	return err
}

// answer is the form of all answers of the API.
type answer struct {
	Status string `json:"status"`
	Type   string `json:"errorType"`
	Error  string `json:"error"`
	// Warnings are those of stores that did not answer, among others.
	Warnings []string        `json:"warnings"`
	Data     json.RawMessage `json:"data"`
}

// result is the form of the data of queries.
type result struct {
	Type   string          `json:"resultType"`
	Result json.RawMessage `json:"result"`
}

// rounding is how far apart two times of the same moment may be, in milliseconds: some
// servers know full seconds only.
const rounding = 1000

// otherTime is the error of an answer about another time: what was, or never was, must not
// pass for what is.
func (c *Client) otherTime() error {
	return c.server.Wrong("it has samples of another time than was asked for")
}

// vector reads the samples of one moment, in milliseconds since 1970.
func (c *Client) vector(data json.RawMessage, of int64) ([]Sample, error) {
	var r result
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, c.server.Wrong("it has no result")
	}
	switch r.Type {
	case "scalar":
		var p point
		if err := json.Unmarshal(r.Result, &p); err != nil {
			return nil, c.server.Wrong("its scalar is none")
		}
		if !p.near(of) {
			return nil, c.otherTime()
		}
		return []Sample{{Value: p.value}}, nil
	case "vector":
		type row struct {
			Metric map[string]string `json:"metric"`
			Value  *point            `json:"value"`
		}
		all, err := rows[row](r.Result)
		if err != nil {
			return nil, c.server.Wrong("its vector is none")
		}
		if len(all) > MaxSeries {
			return nil, c.server.Fault(fault.Invalid, fmt.Sprintf("the answer has more than %d series", MaxSeries), "select fewer series")
		}
		out := make([]Sample, len(all))
		for i, s := range all {
			if s.Value == nil {
				return nil, c.server.Wrong("a series has no value; histograms cannot be read")
			}
			if !s.Value.near(of) {
				return nil, c.otherTime()
			}
			out[i] = Sample{s.Metric, s.Value.value}
		}
		return out, nil
	}
	return nil, c.server.Wrong(fmt.Sprintf("it is a %q, not a vector", rest.Short(r.Type)))
}

// point is a moment, in seconds since 1970, and a value: [1700000000.1, "1.5"].
type point struct{ at, value float64 }

// near reports whether a point is of a moment, in milliseconds since 1970.
func (p point) near(at int64) bool { return math.Abs(p.at*1000-float64(at)) <= rounding }

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
	*p = point{at, v}
	return nil
}
