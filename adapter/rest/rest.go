// Package rest asks servers over the HTTP APIs that they have: what the clients of
// Prometheus, Loki, Jaeger and Tempo have in common.
//
// An answer is bounded in bytes and in time, and one that is not the API's own is an
// error, never an empty result: a login page, a proxy's apology or half a text must not
// look like a silent service. Credentials stay with the server, whatever it redirects to,
// and no error quotes a question.
package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
	// Token is sent as a bearer token if it is not empty; User and Password are sent by
	// basic authentication if User is not.
	Token, User, Password string
	// Header is sent with each question.
	Header http.Header
	// CA holds certificates in PEM that the server's is checked against; empty for those of
	// the system.
	CA []byte
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
	case s.Token != "" && s.User != "":
		return bad(u.Host, "there are a token and a user", "give one of them")
	case !Printable(s.Token) || strings.Contains(s.Token, " "):
		return bad(u.Host, "the token has characters that none has", "put it into the file without anything else")
	case !Printable(s.User) || strings.Contains(s.User, ":"):
		return bad(u.Host, "the user has characters that none has", "write its name without a colon")
	}
	for name, all := range s.Header {
		for _, v := range all {
			if !Printable(v) || len(v) > 1024 {
				return bad(u.Host, "what is sent as "+name+" has characters that no header has", "write the name of the tenant without anything else")
			}
		}
	}
	if s.Timeout <= 0 {
		s.Timeout = 30 * time.Second
	}
	if s.Pause == nil {
		s.Pause = pause
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.MaxIdleConnsPerHost = idle
	if len(s.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(s.CA) {
			return bad(u.Host, "the file of certificates to trust holds none", "give certificates in PEM, as in -----BEGIN CERTIFICATE-----")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
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
