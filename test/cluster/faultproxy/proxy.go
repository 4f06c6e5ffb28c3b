// Package faultproxy stands between a client and the API server, counts what
// is asked, and makes chosen requests go wrong: answers late, with an error,
// or lost; watches expired, dropped or silent; connections cut.
//
// It ends TLS with a certificate of the cluster's authority and passes on who
// the client is, so that the API server judges and audits the client and not
// the proxy. Both sides speak HTTP/2.
package faultproxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say between whom the proxy stands.
type Options struct {
	// Upstream is the API server's URL.
	Upstream string
	// CA is the authority of the API server and of its clients.
	CA *x509.CertPool
	// Serving is the proxy's own certificate, for 127.0.0.1.
	Serving tls.Certificate
	// Front is the client certificate that lets the proxy speak for others.
	Front tls.Certificate
}

// Proxy is a running proxy. Its methods may be called at any time from
// anywhere.
type Proxy struct {
	url      string
	server   *http.Server
	listener *gate
	onward   *httputil.ReverseProxy
	plain    *http.Transport // for clients without a certificate
	front    *http.Transport // for those with one
	watches  watches

	mu     sync.Mutex
	rules  []*Injection
	counts map[Call]int
}

// Call is a kind of request.
type Call struct {
	// Verb is as Verb returns it.
	Verb string
	// Path is the path without the query.
	Path string
}

// New starts a proxy on a free port of the loopback address.
func New(o Options) (*Proxy, error) {
	upstream, err := url.Parse(o.Upstream)
	if err != nil {
		return nil, fmt.Errorf("start the proxy: its upstream: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the proxy: %w", err)
	}
	p := &Proxy{
		url:      "https://" + listener.Addr().String(),
		listener: &gate{Listener: listener, open: map[*pass]struct{}{}},
		plain:    transport(o.CA),
		front:    transport(o.CA, o.Front),
		counts:   map[Call]int{},
	}
	p.onward = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
		Transport:      roundTripper(p.roundTrip),
		FlushInterval:  -1,
		ModifyResponse: p.watches.adopt,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { abort() },
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	p.server = &http.Server{
		Handler:           http.HandlerFunc(p.serve),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{o.Serving}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: o.CA, NextProtos: []string{"h2", "http/1.1"}},
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are what it is for
	}
	go func() {
		if err := p.server.ServeTLS(p.listener, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
			p.listener.Close()
		}
	}()
	return p, nil
}

func transport(ca *x509.CertPool, pairs ...tls.Certificate) *http.Transport {
	return &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: ca, Certificates: pairs},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 100,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// roundTrip asks the API server in the client's name.
func (p *Proxy) roundTrip(r *http.Request) (*http.Response, error) {
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return p.front.RoundTrip(r)
	}
	return p.plain.RoundTrip(r)
}

// URL is where clients reach the proxy.
func (p *Proxy) URL() string { return p.url }

// Close ends the proxy and all connections through it.
func (p *Proxy) Close() error {
	err := p.server.Close()
	p.listener.cut()
	p.plain.CloseIdleConnections()
	p.front.CloseIdleConnections()
	return err
}

// Add puts a rule to work. Of several rules that take a request the first one
// has it.
func (p *Proxy) Add(rule Rule) *Injection {
	i := &Injection{rule: rule, proxy: p, first: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, i)
	return i
}

func (p *Proxy) remove(i *Injection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = slices.DeleteFunc(slices.Clone(p.rules), func(x *Injection) bool { return x == i })
}

// Clear ends all rules and mends what was cut.
func (p *Proxy) Clear() {
	p.mu.Lock()
	p.rules = nil
	p.mu.Unlock()
	p.Mend()
}

// Cut breaks all connections and refuses new ones until Mend.
func (p *Proxy) Cut() {
	p.listener.shut(true)
	p.listener.cut()
}

// Mend lets clients connect again.
func (p *Proxy) Mend() { p.listener.shut(false) }

// Counts returns how often what was asked since the start, or since
// ResetCounts. Requests that went wrong count too.
func (p *Proxy) Counts() map[Call]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make(map[Call]int, len(p.counts))
	for c, n := range p.counts {
		counts[c] = n
	}
	return counts
}

// Count returns how many requests there were with one of the verbs; with none
// it counts all.
func (p *Proxy) Count(verbs ...string) (n int) {
	for c, times := range p.Counts() {
		if len(verbs) == 0 || slices.Contains(verbs, c.Verb) {
			n += times
		}
	}
	return n
}

// ResetCounts forgets what was counted.
func (p *Proxy) ResetCounts() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.counts)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.counts[Call{Verb(r), r.URL.Path}]++
	rules := p.rules
	p.mu.Unlock()
	identify(r)
	for _, i := range rules {
		if i.take(r) {
			i.rule.Fault(w, r, http.HandlerFunc(p.forward))
			return
		}
	}
	p.forward(w, r)
}

// maxBody is the largest request that passes; the API server takes 3 MiB.
const maxBody = 16 << 20

// forward asks the API server once the whole request is here. The API server
// may refuse before it has read a body. Were the body still under way then, the
// client would stop sending it at the refusal's headers, and the transport
// would wait for the rest before it lets go of the answer: for ever.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			abort()
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	}
	p.onward.ServeHTTP(w, r)
}

// identify replaces what the client says about who it is by what its
// certificate says. A token or an impersonation passes as it is.
func identify(r *http.Request) {
	for name := range r.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-remote-") {
			r.Header.Del(name)
		}
	}
	if len(r.TLS.PeerCertificates) > 0 {
		subject := r.TLS.PeerCertificates[0].Subject
		r.Header.Set("X-Remote-User", subject.CommonName)
		for _, g := range subject.Organization {
			r.Header.Add("X-Remote-Group", g)
		}
	}
	if Verb(r) == "watch" && strings.Contains(r.Header.Get("Accept"), "cbor") {
		r.Header.Set("Accept", "application/json") // of whose frames the proxy knows the ends
	}
}
