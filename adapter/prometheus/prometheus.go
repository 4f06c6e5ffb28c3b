// Package prometheus asks a Prometheus, Thanos or Mimir over its HTTP API.
//
// What comes back is bounded in bytes, series and time. An answer that is not
// the API's own is an error and never an empty result: a login page, a proxy's
// apology or half a text must not look like a service without traffic.
package prometheus

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Options say whom to ask and how.
type Options struct {
	// URL is the address before /api/v1, without credentials.
	URL string
	// Token is sent as a bearer token if it is not empty.
	Token string
	// Timeout is for one try; 0 means 30 seconds.
	Timeout time.Duration
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// The bounds of an answer, and of the tries of one query.
const (
	MaxAnswer = 32 << 20
	MaxSeries = 100_000
	maxTries  = 3
	maxPause  = 10 * time.Second
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	options Options
	http    *http.Client
}

// New returns a client. Nothing is asked yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fault.New(fault.Invalid, "reach Prometheus", "", "its address is none", "write http://HOST:9090 or https://HOST/PATH")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "reach Prometheus", u.Host, "its address contains credentials", "give a token in a file instead")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "reach Prometheus", u.Host, "its address has a query", "write only what stands before /api/v1")
	case strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fault.New(fault.Invalid, "reach Prometheus", u.Host, "the token has characters that none has", "put it into the file without anything else")
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return &Client{base: u, options: o, http: &http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: sameHost}}, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// sameHost keeps the token with the server: a redirect may lead nowhere else,
// and not in circles.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// Sample is the value of one series at the moment that was asked for. It may be
// NaN or infinite.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates an expression at a moment. The answer is a vector; a scalar
// is a sample without labels.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (samples []Sample, err error) {
	values := url.Values{"query": {expr}, "time": {moment(at)}, "timeout": {c.limit()}}
	err = c.ask(ctx, "query", values, func(data json.RawMessage) error {
		samples, err = c.vector(data)
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
	return strconv.Itoa(int(max(1, c.options.Timeout.Seconds()))) + "s"
}

// ask calls an endpoint, again if that may help, and has the data of its answer
// read.
func (c *Client) ask(ctx context.Context, endpoint string, values url.Values, read func(data json.RawMessage) error) error {
	for try := 1; ; try++ {
		data, wait, err := c.once(ctx, endpoint, values)
		if err == nil {
			return read(data)
		}
		if wait < 0 || try == maxTries || ctx.Err() != nil {
			return err
		}
		c.options.Pause(ctx, max(wait, time.Duration(try)*300*time.Millisecond))
	}
}

// once makes one try. wait is how long to wait before the next, -1 if there is
// to be none.
func (c *Client) once(ctx context.Context, endpoint string, values url.Values) (data json.RawMessage, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("api/v1", endpoint).String()+"?"+values.Encode(), nil)
	if err != nil {
		return nil, -1, fault.New(fault.Invalid, "reach Prometheus", c.base.Host, "its address is none", "write http://HOST:9090")
	}
	req.Header.Set("User-Agent", "aeo")
	req.Header.Set("Accept", "application/json")
	if c.options.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.options.Token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, 0, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, 0, c.unreachable(ctx, err)
	case len(text) > MaxAnswer:
		return nil, -1, c.tooMuch(fmt.Sprintf("the answer is larger than %d MiB", MaxAnswer>>20))
	case res.StatusCode/100 == 2:
		data, err := c.open(res.Header.Get("Content-Type"), text, values.Get("partial_response") == "false")
		return data, -1, err
	}
	return nil, patience(res), c.refused(res, text)
}

// errTooMuch marks an answer beyond the bounds: less may be asked for.
var errTooMuch = errors.New("too much")

func (c *Client) tooMuch(why string) error {
	err := fault.New(fault.Invalid, "ask Prometheus", c.base.Host, why, "select fewer series")
	err.Cause = errTooMuch
	return err
}

// patience is how long to wait before a refused query is asked again.
func patience(res *http.Response) time.Duration {
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		s, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || s < 0 {
			return time.Second
		}
		if wait := time.Duration(s) * time.Second; wait <= maxPause {
			return wait
		}
		return -1
	case res.StatusCode >= 500:
		return 0
	}
	return -1
}

// unreachable drops the cause's text, which quotes the whole query.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.New(fault.Interrupted, "ask Prometheus", c.base.Host, "it was stopped", "")
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return fault.New(fault.TimedOut, "ask Prometheus", c.base.Host, "there was no answer in time", "is it overloaded? A longer --timeout may help")
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return fault.New(fault.Unavailable, "ask Prometheus", c.base.Host, err.Error(), "is it running, and is the address right?")
}

// refused says why a query was refused.
func (c *Client) refused(res *http.Response, text []byte) error {
	var a answer
	why := fmt.Sprintf("it answered with status %d", res.StatusCode)
	if json.Unmarshal(text, &a) == nil && a.Error != "" {
		why += ": " + short(a.Error)
	}
	kind, hint := fault.Unavailable, "look at its log"
	switch code := res.StatusCode; {
	case code/100 == 3:
		kind, hint = fault.Invalid, "give the address that it leads to, if that is yours"
		if u, err := url.Parse(res.Header.Get("Location")); err == nil && u.Host != "" {
			why += ", a redirect to " + u.Host
		}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		kind, hint = fault.Denied, "give a token that may read metrics"
	case code == http.StatusNotFound:
		kind, hint = fault.NotFound, "is the address that of a Prometheus? Mimir needs its prefix, as in /prometheus"
	case code == http.StatusTooManyRequests:
		hint = "ask less often, or raise its limits"
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		kind, hint = fault.Invalid, "mend the query"
	}
	return fault.New(kind, "ask Prometheus", c.base.Host, why, hint)
}

func short(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// answer is the form of all answers of the API.
type answer struct {
	Status string `json:"status"`
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

// wrong says that an answer is not that of a Prometheus.
func (c *Client) wrong(why string) error {
	return fault.New(fault.Unavailable, "read the answer of", c.base.Host, why, "is the address that of a Prometheus?")
}

// open opens the envelope of an answer. One that is to be whole has no warnings
// but those of the language: they say that a store was left out.
func (c *Client) open(contentType string, text []byte, whole bool) (json.RawMessage, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/json" {
		return nil, c.wrong(fmt.Sprintf("it is %q, not application/json", short(contentType)))
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, c.wrong("it is no whole JSON")
	}
	if a.Status != "success" {
		return nil, c.wrong(fmt.Sprintf("its status is %q: %s", short(a.Status), short(a.Error)))
	}
	for _, w := range a.Warnings {
		if whole && !strings.HasPrefix(w, "PromQL") { // those are about the expression
			return nil, fault.New(fault.Unavailable, "ask Prometheus", c.base.Host, "the answer may not be whole: "+short(w), "look at the stores that it reads from")
		}
	}
	return a.Data, nil
}

// vector reads the samples of one moment.
func (c *Client) vector(data json.RawMessage) ([]Sample, error) {
	var r result
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, c.wrong("it has no result")
	}
	switch r.Type {
	case "scalar":
		var p point
		if err := json.Unmarshal(r.Result, &p); err != nil {
			return nil, c.wrong("its scalar is none")
		}
		return []Sample{{Value: float64(p)}}, nil
	case "vector":
		var all []struct {
			Metric map[string]string `json:"metric"`
			Value  *point            `json:"value"`
		}
		if err := json.Unmarshal(r.Result, &all); err != nil {
			return nil, c.wrong("its vector is none")
		}
		if len(all) > MaxSeries {
			return nil, c.tooMuch(fmt.Sprintf("the answer has more than %d series", MaxSeries))
		}
		out := make([]Sample, len(all))
		for i, s := range all {
			if s.Value == nil {
				return nil, c.wrong("a series has no value; histograms cannot be read")
			}
			out[i] = Sample{s.Metric, float64(*s.Value)}
		}
		return out, nil
	}
	return nil, c.wrong(fmt.Sprintf("it is a %q, not a vector", short(r.Type)))
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
