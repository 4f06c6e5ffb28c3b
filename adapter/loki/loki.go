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
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// Options say whom to ask and how.
type Options struct {
	// URL is the address before /loki/api/v1, without credentials.
	URL string
	// Access says what it is shown, and by what it is known.
	rest.Access
	// Timeout is for one question with all its tries; 0 means 30 seconds.
	Timeout time.Duration
	// Page is how many lines are asked for at once, at most 5000; 0 means 1000.
	Page int
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// The bounds of what is asked for and told.
const (
	MaxSeries  = 100_000
	maxPage    = 5000
	maxWarning = 10
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	server *rest.Client
	page   int // lines
}

// encodings asks Loki to keep labels of streams and structured metadata apart.
const encodings = "X-Loki-Response-Encoding-Flags"

// New returns a client. Nothing is asked yet.
func New(o Options) (*Client, error) {
	if o.Page < 0 || o.Page > maxPage {
		return nil, fault.New(fault.Invalid, "reach Loki", "", "a page of that many lines is none", "ask for 1 to 5000 lines a page")
	}
	server, err := rest.New(rest.Server{
		Name: "Loki", Example: "http://HOST:3100", Before: "/loki/api/v1",
		URL: o.URL, Access: o.Access, Header: http.Header{encodings: {"categorize-labels"}}, Timeout: o.Timeout, Pause: o.Pause,
		Reason: reason,
		Hints: rest.Hints{
			TooLarge: "ask for fewer lines a page, or select fewer streams", Slow: "select fewer streams or a shorter time; is it overloaded?",
			Denied: "give a token or a user that may read logs, and the tenant if it has several", NotFound: "is the address that of a Loki, and of a part of it that answers queries?",
			Busy: "ask less often, for fewer lines or a shorter time, or raise its limits", Invalid: "mend the query, or ask for less", Wrong: "is the address that of a Loki?",
		},
	})
	if err != nil {
		return nil, err
	}
	if o.Page == 0 {
		o.Page = 1000
	}
	return &Client{server, o.Page}, nil
}

// ask gets an answer of the API.
func (c *Client) ask(ctx context.Context, path string, values url.Values) (*answer, error) {
	a, err := c.server.Get(ctx, path, values)
	if err != nil {
		return nil, err
	}
	return c.read(a.Text)
}

// reason finds what a refusal says: Loki writes it as text, what stands before it as
// JSON.
func reason(a rest.Answer) string {
	var said struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(a.Text, &said) == nil && said.Error+said.Message != "" {
		if said.Message != "" {
			return said.Message
		}
		return said.Error
	}
	if a.Type == "text/plain" {
		return strings.TrimSpace(string(a.Text[:min(len(a.Text), 1000)]))
	}
	return ""
}
