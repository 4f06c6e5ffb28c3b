// Package rest asks servers over the HTTP APIs that they have: what the clients of
// Prometheus, Loki, Jaeger and Tempo have in common, and of Alertmanager what it is shown.
//
// An answer is bounded in bytes and in time, and one that is not the API's own is an
// error, never an empty result: a login page, a proxy's apology or half a text must not
// look like a silent service. Credentials stay with the server, whatever it redirects to,
// and no error quotes a question.
package rest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// The bounds of an answer, and of the tries of one question.
const (
	MaxAnswer = 32 << 20
	maxTries  = 3
	maxPause  = 10 * time.Second
)

// idle is how many connections are kept for the next questions: many are asked at the
// same time, of one server.
const idle = 16

// Server says whom to ask and how.
type Server struct {
	// Name is what people call it, as Prometheus.
	Name string
	// Example is an address as people write it, without the path: http://HOST:9090.
	Example string
	// Before is what the address stands before: /api/v1.
	Before string
	// URL is the address, without credentials.
	URL string
	// Access says what it is shown, and by what it is known.
	Access
	// TenantHeader is where it reads the tenant; "" is [TenantHeader].
	TenantHeader string
	// Header is sent with each question.
	Header http.Header
	// Timeout is for one question with all its tries; 0 means 30 seconds.
	Timeout time.Duration
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
	// Reason finds what a refusal says, "" if it says nothing; nil finds nothing.
	Reason func(Answer) string
	// Hints are what helps.
	Hints Hints
}

// Hints say how to mend what went wrong.
type Hints struct {
	// TooLarge is for an answer beyond the bounds, Slow for none in time.
	TooLarge, Slow string
	// Denied, NotFound, Busy and Invalid are for the refusals that status codes 401 and 403,
	// 404, 429, and 400 and 422 are.
	Denied, NotFound, Busy, Invalid string
	// Wrong is for an answer that is not the API's own.
	Wrong string
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	server Server
	http   *http.Client
}

// New returns a client, or an error of kind Invalid. Nothing is asked yet.
func New(s Server) (*Client, error) {
	bad := func(host, why, hint string) (*Client, error) {
		return nil, fault.New(fault.Invalid, "reach "+s.Name, host, why, hint)
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return bad("", "its address is none", "write "+s.Example+" or https://HOST/PATH")
	case u.User != nil:
		return bad(u.Host, "its address contains credentials", "give a token in a file instead")
	case u.RawQuery != "" || u.Fragment != "":
		return bad(u.Host, "its address has a query", "write only what stands before "+s.Before)
	}
	if why, hint := s.Access.Check(); why != "" {
		return bad(u.Host, why, hint)
	}
	if s.TenantHeader == "" {
		s.TenantHeader = TenantHeader
	}
	if s.Timeout <= 0 {
		s.Timeout = 30 * time.Second
	}
	if s.Pause == nil {
		s.Pause = pause
	}
	transport, why, hint := s.Transport()
	if transport == nil {
		return bad(u.Host, why, hint)
	}
	transport.MaxIdleConnsPerHost = idle
	return &Client{base: u, server: s, http: &http.Client{Transport: transport, CheckRedirect: sameHost}}, nil
}

// Printable tells whether a text has only what a header may have.
func Printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// sameHost keeps credentials with the server: a redirect may lead nowhere else, and not
// in circles.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// Timeout is how long one question may take.
func (c *Client) Timeout() time.Duration { return c.server.Timeout }

// Short cuts a text of a stranger to what a message may have of it.
func Short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
