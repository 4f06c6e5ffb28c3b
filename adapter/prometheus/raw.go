package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Raw hands over the samples that a selector has within a window before a moment,
// as they were scraped: with their own times, and without any that were filled
// in. What is handed over is not kept; an error of each ends it.
func (c *Client) Raw(ctx context.Context, selector string, window time.Duration, at time.Time, each func(labels map[string]string, points []Point) error) error {
	if window < time.Second {
		return c.server.Fault(fault.Invalid, fmt.Sprintf("%s is no window", window), "write a second or more")
	}
	values := url.Values{"query": {fmt.Sprintf("%s[%ds]", selector, int(window.Seconds()))}, "time": {moment(at)}, "timeout": {c.limit()}}
	of := reach{at.Add(-window).UnixMilli(), at.UnixMilli()}
	return c.whole(ctx, "query", values, of, func(data json.RawMessage) error { return c.matrix(data, of, each) })
}
