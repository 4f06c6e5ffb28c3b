package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Client talks to the keeper of a run directory.
type Client struct {
	dir  string
	http *http.Client
}

// NewClient returns a client for the keeper of the run directory dir. Whether
// there is one shows at the first call.
func NewClient(dir string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", Socket(dir))
	}
	return &Client{dir, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Dir is the run directory.
func (c *Client) Dir() string { return c.dir }

// Status asks what the cluster is doing.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.call(ctx, http.MethodGet, "/status", &s)
}

// Down asks the keeper to end the cluster; it returns before that is done.
func (c *Client) Down(ctx context.Context) error { return c.call(ctx, http.MethodPost, "/down", nil) }

// Stop ends the program name at once, as a crash would.
func (c *Client) Stop(ctx context.Context, name string) error { return c.order(ctx, name, "stop") }

// Start starts the program name if it does not run. It returns when the
// program has started; for the API server, when that is ready.
func (c *Client) Start(ctx context.Context, name string) error { return c.order(ctx, name, "start") }

// Freeze keeps the program name from running: its connections stay open and
// nothing answers.
func (c *Client) Freeze(ctx context.Context, name string) error { return c.order(ctx, name, "freeze") }

// Thaw lets a frozen program run on.
func (c *Client) Thaw(ctx context.Context, name string) error { return c.order(ctx, name, "thaw") }

// LoadImage imports an image archive into the real node.
func (c *Client) LoadImage(ctx context.Context, archive string) error {
	return c.call(ctx, http.MethodPost, "/images?archive="+url.QueryEscape(archive), nil)
}

func (c *Client) order(ctx context.Context, name, verb string) error {
	return c.call(ctx, http.MethodPost, "/programs/"+url.PathEscape(name)+"/"+verb, nil)
}

func (c *Client) call(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://keeper"+path, nil)
	if err != nil {
		return fmt.Errorf("ask the keeper: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the keeper: %w; is the cluster up?", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return fmt.Errorf("ask the keeper: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the keeper: %s", strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("ask the keeper: decode the answer: %w", err)
	}
	return nil
}
