package tempo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Decode reads spans in OpenTelemetry's protocol, from protobuf or from JSON;
// dropped is how many there were that it did not read.
type Decode func(message []byte, json bool) (spans []trace.Span, dropped int, err error)

// Options say whom to ask and how.
type Options struct {
	// Decode reads the traces that Tempo answers with.
	Decode Decode
	// URL is the address before /api, without credentials.
	URL string
	// Token is sent as a bearer token if it is not empty.
	Token string
	// Tenant is sent as the header X-Scope-OrgID if it is not empty.
	Tenant string
	// CA are certificates in PEM that are trusted instead of the machine's.
	CA []byte
	// Timeout is for one try; 0 means 30 seconds.
	Timeout time.Duration
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// The bounds of an answer, and of the tries of one question.
const (
	MaxAnswer = 32 << 20
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
	bad := func(host, why, hint string) error { return fault.New(fault.Invalid, "reach Tempo", host, why, hint) }
	u, err := url.Parse(o.URL)
	switch {
	case o.Decode == nil:
		return nil, bad("", "nobody reads its traces", "")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, bad("", "its address is none", "write http://HOST:3200 or https://HOST/PATH")
	case u.User != nil:
		return nil, bad(u.Host, "its address contains credentials", "give a token in a file instead")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, bad(u.Host, "its address has a query", "write only what stands before /api")
	case strings.ContainsFunc(o.Token+o.Tenant, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, bad(u.Host, "the token or the tenant has characters that none has", "write it without anything else")
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, bad(u.Host, "the file of certificates to trust holds none", "give one in PEM")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
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

// reply is an answer of the API.
type reply struct {
	text []byte
	json bool // else it is protobuf
}

// get asks for an answer of a type, several times where that can help.
func (c *Client) get(ctx context.Context, path string, values url.Values, accept string) (reply, error) {
	for try := 1; ; try++ {
		r, wait, err := c.once(ctx, path, values, accept)
		if err == nil || wait < 0 || try == maxTries || ctx.Err() != nil {
			return r, err
		}
		c.options.Pause(ctx, max(wait, time.Duration(try)*300*time.Millisecond))
	}
}

// once makes one try. wait is how long to wait before the next, -1 if there is
// to be none.
func (c *Client) once(ctx context.Context, path string, values url.Values, accept string) (r reply, wait time.Duration, err error) {
	u := c.base.JoinPath(path)
	u.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return r, -1, fault.New(fault.Invalid, "reach Tempo", c.base.Host, "its address is none", "write http://HOST:3200")
	}
	req.Header.Set("User-Agent", "aeo")
	req.Header.Set("Accept", accept)
	if c.options.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.options.Token)
	}
	if c.options.Tenant != "" {
		req.Header.Set("X-Scope-OrgID", c.options.Tenant)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return r, 0, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return r, 0, c.unreachable(ctx, err)
	case len(text) > MaxAnswer:
		return r, -1, fault.New(fault.Invalid, "ask Tempo", c.base.Host, fmt.Sprintf("the answer is larger than %d MiB", MaxAnswer>>20), "ask for fewer traces")
	case res.StatusCode/100 != 2:
		return r, patience(res), c.refused(res, text)
	}
	switch kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); {
	case kind == typeJSON:
		return reply{text, true}, -1, nil
	case kind == accept:
		return reply{text, false}, -1, nil
	}
	return r, -1, c.wrong(fmt.Sprintf("it is %q, not %s", short(res.Header.Get("Content-Type")), accept))
}

// wrong is an answer that is not the API's own.
func (c *Client) wrong(why string) error {
	return fault.New(fault.Unavailable, "read the answer of", c.base.Host, why, "is the address that of Tempo?")
}

// patience is how long to wait before a refused question is asked again.
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

// unreachable drops the cause's text where it quotes the whole address.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.New(fault.Interrupted, "ask Tempo", c.base.Host, "it was stopped", "")
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return fault.New(fault.TimedOut, "ask Tempo", c.base.Host, "there was no answer in time", "is it overloaded?")
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return fault.New(fault.Unavailable, "ask Tempo", c.base.Host, err.Error(), "is it running, and is the address right?")
}

// refused says why a question was refused.
func (c *Client) refused(res *http.Response, text []byte) error {
	why := fmt.Sprintf("it answered with status %d", res.StatusCode)
	// Tempo says why in plain text; a page of a proxy is no reason.
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "text/plain" && len(text) > 0 {
		why += ": " + short(identity.Plain(string(text[:min(len(text), 200)])))
	}
	kind, hint := fault.Unavailable, "look at its log"
	switch code := res.StatusCode; {
	case code/100 == 3:
		kind, hint = fault.Invalid, "give the address that it leads to, if that is yours"
		if u, err := url.Parse(res.Header.Get("Location")); err == nil && u.Host != "" {
			why += ", a redirect to " + u.Host
		}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		kind, hint = fault.Denied, "give a token that may read traces"
	case code == http.StatusNotFound:
		kind, hint = fault.NotFound, "is the address that of Tempo?"
	case code == http.StatusTooManyRequests:
		hint = "ask less often, or raise its limits"
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		kind, hint = fault.Invalid, "mend the question"
	}
	return fault.New(kind, "ask Tempo", c.base.Host, why, hint)
}

func short(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
