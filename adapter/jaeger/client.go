package jaeger

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
)

// Options say whom to ask and how.
type Options struct {
	// URL is the address before /api, without credentials.
	URL string
	// Access says what it is shown, and by what it is known.
	rest.Access
	// Timeout is for one question with all its tries; 0 means 30 seconds.
	Timeout time.Duration
	// SampleTime is for all that is asked for one sample; 0 means two minutes.
	SampleTime time.Duration
	// Progress, if not nil, is told of how many services a sample has asked for.
	Progress func(done, total int)
	// Pause waits between two tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	server     *rest.Client
	sampleTime time.Duration
	progress   func(done, total int)
}

// New returns a client. Nothing is asked yet.
func New(o Options) (*Client, error) {
	server, err := rest.New(rest.Server{
		Name: "Jaeger", Example: "http://HOST:16686", Before: "/api",
		URL: o.URL, Access: o.Access, TenantHeader: "x-tenant", Timeout: o.Timeout, Pause: o.Pause,
		Reason: func(a rest.Answer) string {
			var said answer
			if json.Unmarshal(a.Text, &said) == nil && len(said.Errors) > 0 {
				return said.Errors[0].Message
			}
			return ""
		},
		Hints: rest.Hints{
			TooLarge: "ask for fewer traces", Slow: "is it overloaded?",
			Denied: "give a token or a user that may read traces, and the tenant if it has several", NotFound: "is the address that of Jaeger's query service?",
			Busy: "ask less often, or raise its limits", Invalid: "mend the question", Wrong: "is the address that of Jaeger's query service?",
		},
	})
	if err != nil {
		return nil, err
	}
	if o.SampleTime <= 0 {
		o.SampleTime = 2 * time.Minute
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return &Client{server, o.SampleTime, o.Progress}, nil
}

// get asks for JSON.
func (c *Client) get(ctx context.Context, path string, values url.Values) ([]byte, error) {
	a, err := c.server.Get(ctx, path, values)
	return a.Text, err
}
