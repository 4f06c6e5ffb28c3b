package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Answer is what a server answered with.
type Answer struct {
	// Type is the media type, as application/json, "" if the answer tells none.
	Type string
	Text []byte
}

// JSON is the media type of most answers.
const JSON = "application/json"

// Get asks for an answer of one of some media types, JSON if none is given, several times
// where that can help and there is time for it. The first of them is the one that is asked for.
//
// An answer that is too large is an error of kind Invalid with the cause ErrTooLarge; a
// refusal is one of kind Invalid, Denied, NotFound or Unavailable; no answer is
// Unavailable, TimedOut or Interrupted; one of another type is Unavailable.
func (c *Client) Get(ctx context.Context, path string, values url.Values, types ...string) (Answer, error) {
	if len(types) == 0 {
		types = []string{JSON}
	}
	within, cancel := context.WithTimeout(ctx, c.server.Timeout)
	defer cancel()
	var before error
	for try := 1; ; try++ {
		a, wait, err := c.once(within, path, values, types)
		if err != nil && before != nil && within.Err() != nil && ctx.Err() == nil {
			err = before // that there was no time for another answer says less
		}
		if err == nil || wait < 0 || try == maxTries || within.Err() != nil {
			return a, err
		}
		before, wait = err, max(wait, time.Duration(try)*300*time.Millisecond)
		if until, ok := within.Deadline(); ok && time.Until(until) <= wait {
			return a, err // there is no time for another
		}
		c.server.Pause(within, wait)
	}
}

// once makes one try. wait is how long to wait before the next, -1 if there is to be
// none.
func (c *Client) once(ctx context.Context, path string, values url.Values, types []string) (a Answer, wait time.Duration, err error) {
	u := c.base.JoinPath(path)
	u.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return a, -1, fault.New(fault.Invalid, "reach "+c.server.Name, c.base.Host, "its address is none", "write "+c.server.Example)
	}
	for name, all := range c.server.Header {
		req.Header[http.CanonicalHeaderKey(name)] = all
	}
	req.Header.Set("User-Agent", "aeo")
	req.Header.Set("Accept", types[0])
	if c.server.Tenant != "" {
		req.Header.Set(c.server.TenantHeader, c.server.Tenant)
	}
	shown := c.server.Now()
	shown.Show(req.Header)
	res, err := c.http.Do(req)
	if hint, ok := c.server.Distrusted(err); ok {
		return a, -1, c.fault(fault.Unavailable, innermost(err).Error(), hint)
	}
	if err != nil {
		return a, 0, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	a.Text, err = io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	a.Type, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type")) // "" is none that is wanted
	switch {
	case err != nil:
		return Answer{}, 0, c.unreachable(ctx, err)
	case len(a.Text) > MaxAnswer:
		return Answer{}, -1, c.TooLarge(fmt.Sprintf("the answer is larger than %d MiB", MaxAnswer>>20))
	case res.StatusCode/100 != 2:
		return c.refuse(res, a, shown)
	case !slices.Contains(types, a.Type):
		return Answer{}, -1, c.Wrong(fmt.Sprintf("it is %q, not %s", Short(res.Header.Get("Content-Type")), types[0]))
	}
	return a, -1, nil
}

// patience is how long to wait before a refused question is asked again.
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

// ErrTooLarge marks an answer beyond the bounds: less may be asked for.
var ErrTooLarge = errors.New("too large")

// TooLarge says that an answer is beyond the bounds.
func (c *Client) TooLarge(why string) error {
	err := c.fault(fault.Invalid, why, c.server.Hints.TooLarge)
	err.Cause = ErrTooLarge
	return err
}

// Wrong says that an answer is not the API's own.
func (c *Client) Wrong(why string) error {
	return fault.New(fault.Unavailable, "read the answer of", c.base.Host, why, c.server.Hints.Wrong)
}

// Fault says what else is wrong with a question or its answer.
func (c *Client) Fault(kind fault.Kind, why, hint string) error { return c.fault(kind, why, hint) }

func (c *Client) fault(kind fault.Kind, why, hint string) *fault.Error {
	return fault.New(kind, "ask "+c.server.Name, c.base.Host, why, hint)
}

// unreachable drops the cause's text where it quotes the whole question.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return c.fault(fault.Interrupted, "it was stopped", "")
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		return c.fault(fault.TimedOut, "there was no answer in time", c.server.Hints.Slow)
	}
	return c.fault(fault.Unavailable, innermost(err).Error(), "is it running, and is the address right?")
}

// innermost is why there was no answer, without the question.
func innermost(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		return inner.Err
	}
	return err
}

// refuse says why a question was refused, and whether it may be asked again: at once if
// there is something newer to show than what was.
func (c *Client) refuse(res *http.Response, a Answer, shown Login) (_ Answer, wait time.Duration, err error) {
	wait, why := patience(res), ""
	if res.StatusCode == http.StatusUnauthorized {
		newer := false
		if newer, why = c.server.Refused(shown); newer {
			wait = 0
		}
	}
	a.Text = []byte(shown.Hide(string(a.Text)))
	return Answer{}, wait, c.refused(res, a, why)
}

// refused says why a question was refused; more is told besides.
func (c *Client) refused(res *http.Response, a Answer, more string) error {
	why := fmt.Sprintf("it answered with status %d", res.StatusCode)
	if c.server.Reason != nil {
		if said := c.server.Reason(a); said != "" {
			why += ": " + Short(said)
		}
	}
	why += more
	hints := c.server.Hints
	switch code := res.StatusCode; {
	case code/100 == 3:
		if u, err := url.Parse(res.Header.Get("Location")); err == nil && u.Host != "" {
			why += ", a redirect to " + u.Host
		}
		return c.fault(fault.Invalid, why, "give the address that it leads to, if that is yours")
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return c.fault(fault.Denied, why, hints.Denied)
	case code == http.StatusNotFound:
		return c.fault(fault.NotFound, why, hints.NotFound)
	case code == http.StatusTooManyRequests:
		return c.fault(fault.Unavailable, why, hints.Busy)
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		return c.fault(fault.Invalid, why, hints.Invalid)
	}
	return c.fault(fault.Unavailable, why, "look at its log")
}
