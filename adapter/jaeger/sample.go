package jaeger

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// Sample's bounds: of more services, and of more spans, it says so.
const (
	MaxSampledServices = 100
	MaxSampledSpans    = 500_000
)

// Client gives whole traces.
var _ trace.Store = (*Client)(nil)

// Sample implements trace.Store. Jaeger finds traces by the name of a service, so
// every service is asked for, and what several have part in comes once. Those that
// Options.SampleTime is not enough for, or that it does not tell of, are left out, and it
// says so; nothing is asked any more after three such in a row.
func (c *Client) Sample(ctx context.Context, from, to time.Time, n int) ([][]trace.Span, error) {
	services, partial := c.Services(ctx)
	if partial != nil && fault.KindOf(partial) != fault.Partial {
		return nil, partial
	}
	if len(services) > MaxSampledServices {
		partial = c.server.Fault(fault.Partial, fmt.Sprintf("it has %d services, of which %d were asked for", len(services), MaxSampledServices), "")
		services = services[:MaxSampledServices]
	}
	short, cancel := context.WithTimeout(ctx, c.sampleTime)
	defer cancel()
	var all [][]trace.Span
	seen, left := map[trace.ID]bool{}, MaxSampledSpans
	var failed error
	told, row := 0, 0
	for i, service := range services {
		c.progress(i, len(services))
		text, err := c.get(short, "api/traces", url.Values{
			"service": {service}, "limit": {strconv.Itoa(min(n, MaxTraces))},
			"start": {strconv.FormatInt(from.UnixMicro(), 10)}, "end": {strconv.FormatInt(to.UnixMicro()-1, 10)},
		})
		if err != nil && (ctx.Err() != nil || !passes(err)) {
			return nil, err
		}
		if err != nil {
			failed = cmp.Or(failed, err)
			if row++; row == 3 || short.Err() != nil {
				break
			}
			continue
		}
		told, row = told+1, 0
		var traces jsonTraces
		missing, err := c.read(text, &traces)
		if err != nil {
			return nil, err
		}
		if missing != nil {
			partial = missing
		}
		for i := range traces {
			spans, err := c.spans(&traces[i], min(MaxSpans, left))
			if len(spans) == 0 && err != nil && fault.KindOf(err) != fault.Partial {
				return nil, err
			}
			if err != nil {
				partial = err
			}
			if len(spans) == 0 || seen[spans[0].Trace] {
				continue
			}
			seen[spans[0].Trace] = true
			left -= len(spans)
			all = append(all, spans)
		}
	}
	switch {
	case failed != nil && told == 0:
		return nil, failed
	case short.Err() != nil && told < len(services):
		partial = c.server.Fault(fault.Partial, fmt.Sprintf("it told the traces of %d of %d services within %s", told, len(services), c.sampleTime), "ask for fewer traces")
	case failed != nil:
		partial = c.server.Fault(fault.Partial, fmt.Sprintf("it told the traces of %d of %d services", told, len(services)), "")
	}
	return all, partial
}

// passes tells whether an error may be of one question alone.
func passes(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.TimedOut || kind == fault.Unavailable
}
