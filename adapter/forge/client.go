package forge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

// Options say how to reach one repository at a forge.
type Options struct {
	// URL is the API's address; "" means the forge's public one.
	URL string
	// Repository is owner/name; at GitLab also group/subgroup/name.
	Repository string
	Token      string
	// CA are PEM certificates to trust besides the system's.
	CA []byte
	// AllowHTTP lets the address be http: the token can then be read on the way.
	AllowHTTP bool
	// Timeout bounds one call: 20 seconds if zero.
	Timeout time.Duration
	// Pause waits before a call is repeated; nil means a timer. It returns
	// early when ctx ends.
	Pause func(ctx context.Context, d time.Duration)
}

// Forge is one repository at a forge.
type Forge interface {
	forge.Repository
	Statuses
}

// Statuses sets commit statuses.
type Statuses interface {
	// SetStatus sets a status of a commit. Setting it again changes nothing.
	SetStatus(ctx context.Context, commit string, s forge.Status) error
}

// The forges.
const (
	GitHub = "github"
	GitLab = "gitlab"
	Gitea  = "gitea"
)

// New returns a repository at a forge, which is GitHub, GitLab or Gitea.
func New(kind string, o Options) (Forge, error) {
	public := map[string]string{GitHub: "https://api.github.com", GitLab: "https://gitlab.com/api/v4", Gitea: "https://gitea.com/api/v1"}
	if public[kind] == "" {
		return nil, fault.New(fault.Invalid, "reach forge", kind, "it is none that is known", "use github, gitlab or gitea")
	}
	if o.URL == "" {
		o.URL = public[kind]
	}
	c, err := newClient(kind, o)
	if err != nil {
		return nil, err
	}
	switch kind {
	case GitHub:
		c.auth = func(h http.Header) {
			h.Set("Authorization", "Bearer "+o.Token)
			h.Set("Accept", "application/vnd.github+json")
			h.Set("X-GitHub-Api-Version", "2022-11-28")
		}
		return &github{client: c, repo: "/repos/" + o.Repository, owner: ownerOf(o.Repository)}, nil
	case GitLab:
		c.auth = func(h http.Header) { h.Set("Private-Token", o.Token) }
		return &gitlab{client: c, project: "/projects/" + url.PathEscape(o.Repository)}, nil
	}
	c.auth = func(h http.Header) { h.Set("Authorization", "token "+o.Token) }
	return &gitea{client: c, repo: "/repos/" + o.Repository}, nil
}

func ownerOf(repository string) string {
	owner, _, _ := strings.Cut(repository, "/")
	return owner
}

// Bounds of an answer, in bytes, and of the tries of one call.
const (
	maxAnswer = 16 << 20
	maxTries  = 3
	maxPause  = 10 * time.Second
)

// client makes calls to one API.
type client struct {
	kind  string
	base  string
	token string
	http  *http.Client
	auth  func(http.Header)
	pause func(context.Context, time.Duration)
}

func newClient(kind string, o Options) (*client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "reach forge", kind, "its address is none", "write https://HOST/PATH of its API")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "reach forge", u.Host, "its address contains credentials", "put the token into the Secret")
	case u.Scheme != "https" && (u.Scheme != "http" || !o.AllowHTTP):
		return nil, fault.New(fault.Invalid, "reach forge", u.Host, "its address is not https", "use https, or start aeod with --allow-http")
	case !validRepository(kind, o.Repository):
		return nil, fault.New(fault.Invalid, "reach forge", u.Host, "the repository is not owner/name", "correct it")
	case strings.TrimSpace(o.Token) == "" || strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fault.New(fault.Invalid, "reach forge", u.Host, "the token is empty, or has characters that none has", "put it into the Secret under the key token, without a line end")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	if len(o.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, fault.New(fault.Invalid, "reach forge", u.Host, "the CA has no PEM certificate", "correct ca.crt in the Secret")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	return &client{
		kind: kind, base: strings.TrimRight(o.URL, "/"), token: o.Token, pause: o.Pause,
		http: &http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: sameHost},
	}, nil
}

// sameHost keeps the token with the forge: a redirect may lead nowhere else.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme || req.Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	return nil
}

func validRepository(kind, r string) bool {
	parts := strings.Split(r, "/")
	if len(parts) < 2 || len(parts) > 2 && kind != GitLab || len(r) > 255 {
		return false
	}
	for _, p := range parts {
		if p == "" || p == "." || p == ".." || strings.ContainsFunc(p, func(c rune) bool {
			return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
		}) {
			return false
		}
	}
	return true
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// call makes a call and reads the answer into out, unless that is nil. What
// cannot have changed anything is tried again a few times.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	text, err := c.raw(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fault.New(fault.Unavailable, "read the answer of", c.host(), "it is not what the API of "+c.kind+" answers", "is the address that of its API?")
	}
	return nil
}

// raw is call without reading the answer.
func (c *client) raw(ctx context.Context, method, path string, in any) ([]byte, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fault.Wrap(fault.Internal, "write a request to", c.host(), err, "")
		}
	}
	for try := 1; ; try++ {
		text, wait, err := c.once(ctx, method, path, body)
		if err == nil || wait < 0 || try == maxTries || ctx.Err() != nil {
			return text, err
		}
		c.pause(ctx, max(wait, time.Duration(try)*300*time.Millisecond))
	}
}

// once makes one try. wait tells how long to wait before the next, -1 that
// there is to be none.
func (c *client) once(ctx context.Context, method, path string, body []byte) (text []byte, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, -1, fault.New(fault.Invalid, "make a request to", c.host(), "the address is none", "")
	}
	c.auth(req.Header)
	req.Header.Set("User-Agent", "aeod")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	again := time.Duration(-1)
	if method == http.MethodGet {
		again = 0
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, again, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	text, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, again, c.unreachable(ctx, err)
	case len(text) > maxAnswer:
		return nil, -1, fault.New(fault.Invalid, "read the answer of", c.host(), "it is larger than "+strconv.Itoa(maxAnswer>>20)+" MiB", "")
	case res.StatusCode/100 == 2:
		return text, 0, nil
	}
	return nil, patience(res, again), c.refused(method, res.StatusCode, text)
}

// patience is how long to wait before a refused call is made again.
func patience(res *http.Response, again time.Duration) time.Duration {
	limited := res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusForbidden && res.Header.Get("Retry-After") != ""
	switch {
	case limited:
		// A limit is checked before anything is done: any call may come again.
		s, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil {
			return time.Second
		}
		if wait := time.Duration(s) * time.Second; wait <= maxPause {
			return wait
		}
		return -1
	case res.StatusCode >= 500:
		return again
	}
	return -1
}

func (c *client) host() string {
	u, err := url.Parse(c.base)
	if err != nil {
		return c.kind
	}
	return u.Host
}

// unreachable drops the cause's text: it may quote the request.
func (c *client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Interrupted, "reach", c.host(), "it was stopped", "")
	}
	why := "it does not answer"
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var timeout net.Error
	switch {
	case errors.As(err, &unknown):
		why = "its certificate is signed by an unknown authority"
	case errors.As(err, &name):
		why = "its certificate is for another name"
	case errors.As(err, &timeout) && timeout.Timeout():
		why = "it does not answer in time"
	}
	return fault.New(fault.Unavailable, "reach", c.host(), why, "check the address, the network, and ca.crt in the Secret")
}

// refused makes an error of an answer's status.
func (c *client) refused(method string, status int, text []byte) error {
	kind, hint := fault.Invalid, ""
	switch {
	case status == http.StatusUnauthorized:
		kind, hint = fault.Denied, "renew the token in the Secret"
	case status == http.StatusForbidden:
		kind, hint = fault.Denied, "the token needs to write contents, pull requests and commit statuses of the repository"
	case status == http.StatusNotFound:
		kind, hint = fault.NotFound, "check the repository's name, and that the token may see it"
	case status == http.StatusConflict, status == http.StatusUnprocessableEntity && method != http.MethodGet:
		kind = fault.Conflict
	case status == http.StatusTooManyRequests || status >= 500:
		kind, hint = fault.Unavailable, "wait"
	case status/100 == 3:
		hint = "use the address that it redirects to"
	}
	return fault.New(kind, "ask", c.host(), "it answers "+strconv.Itoa(status)+c.message(text), hint)
}

// message is what the forge says, if it says it in its usual form.
func (c *client) message(text []byte) string {
	var said struct {
		Message json.RawMessage
		Error   json.RawMessage
		Errors  json.RawMessage
	}
	if json.Unmarshal(text, &said) != nil {
		return ""
	}
	out := ""
	for _, part := range []json.RawMessage{said.Message, said.Error, said.Errors} {
		s := string(part)
		if json.Unmarshal(part, &s) != nil {
			s = string(part) // a list, or a map of fields
		}
		if s != "" && s != "null" {
			out += ": " + s
		}
	}
	out = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(out, c.token, "…"), "�"))
	return strings.ToValidUTF8(out[:min(len(out), 300)], "")
}
