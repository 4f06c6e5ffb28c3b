package tempo

import (
	"context"
	"net/url"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
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
	// Access says what it is shown, and by what it is known.
	rest.Access
	// Timeout is for one question with all its tries; 0 means 30 seconds.
	Timeout time.Duration
	// Progress, if not nil, is told of how many traces of a sample have been asked for.
	Progress func(done, total int)
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	server   *rest.Client
	decode   Decode
	progress func(done, total int)
}

// New returns a client. Nothing is asked yet.
func New(o Options) (*Client, error) {
	if o.Decode == nil {
		return nil, fault.New(fault.Invalid, "reach Tempo", "", "nobody reads its traces", "")
	}
	server, err := rest.New(rest.Server{
		Name: "Tempo", Example: "http://HOST:3200", Before: "/api",
		URL: o.URL, Access: o.Access, Timeout: o.Timeout, Pause: o.Pause,
		Reason: func(a rest.Answer) string {
			// Tempo says why in plain text; a page of a proxy is no reason.
			if a.Type == "text/plain" {
				return identity.Plain(string(a.Text[:min(len(a.Text), 200)]))
			}
			return ""
		},
		Hints: rest.Hints{
			TooLarge: "ask for fewer traces", Slow: "is it overloaded?",
			Denied: "give a token or a user that may read traces, and the tenant if it has several", NotFound: "is the address that of Tempo?",
			Busy: "ask less often, or raise its limits", Invalid: "mend the question", Wrong: "is the address that of Tempo?",
		},
	})
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return &Client{server, o.Decode, o.Progress}, nil
}

// get asks for an answer of a type, or in JSON.
func (c *Client) get(ctx context.Context, path string, values url.Values, accept string) (rest.Answer, error) {
	return c.server.Get(ctx, path, values, accept, rest.JSON)
}
