package prometheus

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// The words that a refusal starts with whose status alone would mislead.
const (
	tookTooLong = "the query took too long"
	storeFailed = "a store that it reads from failed"
)

// lost are the codes of a call of a store that brought nothing. Others, as those of
// limits and of matchers that are none, are about the question.
var lost = regexp.MustCompile(`rpc error: code = (Unavailable|Aborted|Canceled|Unknown|Internal|DataLoss)\b`)

// late is what tells that the time of the query, or of a store for it, ran out.
var late = regexp.MustCompile(`code = DeadlineExceeded\b|context deadline exceeded`)

// reason finds what a refusal says. Thanos answers with status 422, "the query cannot be
// executed", if a store did not answer it; nothing is wrong with the query then.
func reason(a rest.Answer) string {
	var said answer
	_ = json.Unmarshal(a.Text, &said) // a page of a proxy says nothing
	switch {
	case said.Type == "timeout", said.Type == "execution" && late.MatchString(said.Error):
		return tookTooLong + ": " + said.Error
	case said.Type == "execution" && lost.MatchString(said.Error):
		return storeFailed + ": " + said.Error
	}
	return said.Error
}

// reach is the time that an answer is read from, in milliseconds since 1970, both
// included.
type reach struct{ from, to int64 }

// until is the reach of an expression, which may look back as far as it likes.
func until(to time.Time) reach { return reach{math.MinInt64, to.UnixMilli()} }

// noStores is for how long a server without a list of stores is not asked for one, and
// noAnswer for how long one that did not answer that question is not.
const (
	noStores = 10 * time.Minute
	noAnswer = 30 * time.Second
	soon     = 5 * time.Second // a Thanos has it in memory
)

// stores knows whether the server is a Thanos, which has a list of its stores.
type stores struct {
	mu     sync.Mutex
	known  bool
	notTil time.Time
}

// store is one of them, as a Thanos tells it.
type store struct {
	Name      string  `json:"name"`
	LastError *string `json:"lastError"`
	Min       int64   `json:"minTime"`
	Max       int64   `json:"maxTime"`
}

// lacks is an error if the server lacks a store that an answer should have been read
// from. Thanos leaves out a store that has not answered its last check, unless it was
// named strict, and warns of nothing then, whatever partial_response is: its list of
// stores alone tells. Prometheus and Mimir have no such list, and lack nothing.
func (c *Client) lacks(ctx context.Context, of reach) error {
	c.stores.mu.Lock()
	known, skip := c.stores.known, time.Now().Before(c.stores.notTil)
	c.stores.mu.Unlock()
	if skip {
		return nil
	}
	all, err := c.list(ctx)
	c.stores.mu.Lock()
	defer c.stores.mu.Unlock()
	switch kind := fault.KindOf(err); {
	case err == nil:
		c.stores.known = true
	case kind == fault.Interrupted:
		return err
	case known && (kind == fault.Unavailable || kind == fault.TimedOut):
		return err // it is a Thanos, and nobody knows whether it lacks anything
	case kind == fault.Unavailable || kind == fault.TimedOut:
		c.stores.notTil = time.Now().Add(noAnswer)
		return nil
	default:
		c.stores.notTil = time.Now().Add(noStores)
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		for _, s := range all[kind] {
			if s.LastError != nil && s.Min <= of.to && s.Max >= of.from {
				return c.server.Fault(fault.Unavailable, "the answer may not be whole: its "+rest.Short(kind)+" "+rest.Short(s.Name)+" does not answer: "+rest.Short(*s.LastError), "look at the stores that it reads from")
			}
		}
	}
	return nil
}

// list asks for the stores of each kind. An answer of another form is an error of kind
// NotFound: whoever gives it is no Thanos.
func (c *Client) list(ctx context.Context) (map[string][]store, error) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	a, err := c.server.Get(ctx, "api/v1/stores", url.Values{})
	if err != nil {
		return nil, err
	}
	var said struct {
		Status string             `json:"status"`
		Data   map[string][]store `json:"data"`
	}
	if json.Unmarshal(a.Text, &said) != nil || said.Status != "success" || said.Data == nil {
		return nil, c.server.Fault(fault.NotFound, "it has no list of stores", "")
	}
	return said.Data, nil
}
