package tempo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// MaxSampledSpans is how many spans of a sample are kept; of more it says so.
const MaxSampledSpans = 500_000

// together is how many traces of a sample are asked for at a time.
const together = 4

// Client gives whole traces.
var _ trace.Store = (*Client)(nil)

// Sample implements trace.Store. Tempo is not asked for each service: it cannot
// tell which there are by all its versions.
func (c *Client) Sample(ctx context.Context, from, to time.Time, n int) ([][]trace.Span, error) {
	found, err := c.search(ctx, ask{by: identity.None}, trace.Query{Since: from, Until: to.Add(-time.Second), Limit: min(n, MaxTraces)})
	if err != nil {
		return nil, err
	}
	answers, errs := make([][]trace.Span, len(found)), make([]error, len(found))
	var wg sync.WaitGroup
	slots := make(chan struct{}, together)
	for i := range found {
		slots <- struct{}{}
		c.progress(i, len(found))
		wg.Go(func() {
			defer func() { <-slots }()
			answers[i], errs[i] = c.Get(ctx, found[i].ID)
		})
	}
	wg.Wait()
	var all [][]trace.Span
	var partial error
	left := MaxSampledSpans
	for i, spans := range answers {
		switch err := errs[i]; {
		case err == nil:
		case fault.KindOf(err) == fault.Partial:
			partial = err
		case fault.KindOf(err) == fault.NotFound:
			partial = c.server.Fault(fault.Partial, "a trace went meanwhile: "+err.Error(), "")
		default:
			return nil, err
		}
		if len(spans) > left {
			partial = c.server.Fault(fault.Partial, fmt.Sprintf("the traces have more than %d spans", MaxSampledSpans), "ask for fewer")
			break
		}
		if left -= len(spans); len(spans) > 0 {
			all = append(all, spans)
		}
	}
	return all, partial
}
