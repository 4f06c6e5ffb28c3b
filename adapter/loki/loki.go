// Package loki asks a Grafana Loki over its HTTP API.
//
// Lines reads the lines that a LogQL selector finds in a span of time, page by
// page, each line once, with the labels of its stream and with its structured
// metadata, where the identifiers of traces are. Query evaluates a metric query
// at a moment. Selector builds a selector out of labels with any values.
//
// What comes back is bounded in bytes, lines and time. An answer that is not the
// API's own is an error and never an empty result: a login page, a proxy's
// apology or half a text must not look like a silent service.
package loki

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

// Options say whom to ask and how.
type Options struct {
	// URL is the address before /loki/api/v1, without credentials.
	URL string
	// Token is sent as a bearer token if it is not empty.
	Token string
	// User and Password are sent by basic authentication if User is not empty.
	User, Password string
	// Tenant is sent as X-Scope-OrgID if it is not empty.
	Tenant string
	// CA holds certificates in PEM that the server's is checked against; nil for
	// those of the system.
	CA []byte
	// Timeout is for one try; 0 means 30 seconds.
	Timeout time.Duration
	// Page is how many lines are asked for at once, at most 5000; 0 means 1000.
	Page int
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// The bounds of an answer, and of the tries of one query.
const (
	MaxAnswer  = 32 << 20
	MaxSeries  = 100_000
	maxPage    = 5000
	maxTries   = 3
	maxPause   = 10 * time.Second
	maxWarning = 10
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	options Options
	http    *http.Client
}

const reach = "reach Loki"

// New returns a client. Nothing is asked yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fault.New(fault.Invalid, reach, "", "its address is none", "write http://HOST:3100 or https://HOST/PATH")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, reach, u.Host, "its address contains credentials", "give them in a file instead")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, reach, u.Host, "its address has a query", "write only what stands before /loki/api/v1")
	case o.Token != "" && o.User != "":
		return nil, fault.New(fault.Invalid, reach, u.Host, "there are a token and a user", "give one of them")
	case unprintable(o.Token) || strings.Contains(o.Token, " "):
		return nil, fault.New(fault.Invalid, reach, u.Host, "the token has characters that none has", "put it into the file without anything else")
	case unprintable(o.Tenant) || len(o.Tenant) > 1024:
		return nil, fault.New(fault.Invalid, reach, u.Host, "the tenant has characters that none has", "write its name; several are parted by |")
	case unprintable(o.User) || strings.Contains(o.User, ":"):
		return nil, fault.New(fault.Invalid, reach, u.Host, "the user has characters that none has", "write its name without a colon")
	case o.Page < 0 || o.Page > maxPage:
		return nil, fault.New(fault.Invalid, reach, u.Host, "a page of that many lines is none", "ask for 1 to 5000 lines a page")
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != nil {
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, fault.New(fault.Invalid, reach, u.Host, "the file of certificates has none", "give certificates in PEM, as in -----BEGIN CERTIFICATE-----")
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Page == 0 {
		o.Page = 1000
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	return &Client{base: u, options: o, http: &http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: sameHost}}, nil
}

// unprintable tells whether a text has what no header may have.
func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// sameHost keeps credentials with the server: a redirect may lead nowhere else,
// and not in circles.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}
