package loki

import (
	"context"
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

// encodings asks Loki to keep labels of streams and structured metadata apart.
const encodings = "X-Loki-Response-Encoding-Flags"

// ask gets an answer of the API, in as many tries as are worth it.
func (c *Client) ask(ctx context.Context, path string, values url.Values) (*answer, error) {
	for try := 1; ; try++ {
		a, wait, err := c.once(ctx, path, values)
		if err == nil || wait < 0 || try == maxTries || ctx.Err() != nil {
			return a, err
		}
		c.options.Pause(ctx, max(wait, time.Duration(try)*300*time.Millisecond))
	}
}

// once makes one try. wait is how long to wait before the next, -1 if there is
// to be none.
func (c *Client) once(ctx context.Context, path string, values url.Values) (a *answer, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath(path).String()+"?"+values.Encode(), nil)
	if err != nil {
		return nil, -1, fault.New(fault.Invalid, reach, c.base.Host, "its address is none", "write http://HOST:3100")
	}
	req.Header.Set("User-Agent", "aeo")
	req.Header.Set("Accept", "application/json")
	req.Header.Set(encodings, "categorize-labels")
	if c.options.Tenant != "" {
		req.Header.Set("X-Scope-OrgID", c.options.Tenant)
	}
	switch {
	case c.options.Token != "":
		req.Header.Set("Authorization", "Bearer "+c.options.Token)
	case c.options.User != "":
		req.SetBasicAuth(c.options.User, c.options.Password)
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
		return nil, -1, fault.New(fault.Invalid, "ask Loki", c.base.Host, fmt.Sprintf("the answer is larger than %d MiB", MaxAnswer>>20), "ask for fewer lines a page, or select fewer streams")
	case res.StatusCode/100 == 2:
		a, err := c.read(res.Header.Get("Content-Type"), text)
		return a, -1, err
	}
	return nil, patience(res), c.refused(res, text)
}

// patience is how long to wait before a refused query is asked again.
func patience(res *http.Response) time.Duration {
	after := res.Header.Get("Retry-After")
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable && after != "":
		wait := time.Second
		if s, err := strconv.Atoi(after); err == nil && s >= 0 {
			wait = time.Duration(min(s, 1e6)) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			wait = max(0, time.Until(at))
		}
		if wait > maxPause {
			return -1
		}
		return wait
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
		return fault.New(fault.Interrupted, "ask Loki", c.base.Host, "it was stopped", "")
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return fault.New(fault.TimedOut, "ask Loki", c.base.Host, "there was no answer in time", "select fewer streams or a shorter time; is it overloaded?")
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return fault.New(fault.Unavailable, "ask Loki", c.base.Host, err.Error(), "is it running, and is the address right?")
}

// refused says why a query was refused.
func (c *Client) refused(res *http.Response, text []byte) error {
	why := fmt.Sprintf("it answered with status %d", res.StatusCode)
	if said := reason(res.Header.Get("Content-Type"), text); said != "" {
		why += ": " + short(said)
	}
	kind, hint := fault.Unavailable, "look at its log"
	switch code := res.StatusCode; {
	case code/100 == 3:
		kind, hint = fault.Invalid, "give the address that it leads to, if that is yours"
		if u, err := url.Parse(res.Header.Get("Location")); err == nil && u.Host != "" {
			why += ", a redirect to " + u.Host
		}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		kind, hint = fault.Denied, "give a token or a user that may read logs, and the tenant if it has several"
	case code == http.StatusNotFound:
		kind, hint = fault.NotFound, "is the address that of a Loki, and of a part of it that answers queries?"
	case code == http.StatusTooManyRequests:
		hint = "ask less often, for fewer lines or a shorter time, or raise its limits"
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		kind, hint = fault.Invalid, "mend the query, or ask for less"
	}
	return fault.New(kind, "ask Loki", c.base.Host, why, hint)
}

// reason finds what a refusal says: Loki writes it as text, what stands before
// it as JSON.
func reason(contentType string, text []byte) string {
	var a struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &a) == nil && a.Error+a.Message != "" {
		if a.Message != "" {
			return a.Message
		}
		return a.Error
	}
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "text/plain" {
		return strings.TrimSpace(string(text[:min(len(text), 1000)]))
	}
	return ""
}

func short(s string) string {
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
