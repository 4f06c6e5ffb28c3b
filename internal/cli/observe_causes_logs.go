package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// causeLogs are the logs that causes reads.
type causeLogs struct {
	loki LokiSource
}

func (l *causeLogs) add(f *pflag.FlagSet, s *Streams) {
	f.StringVar(&l.loki.URL, "loki", s.Getenv("AEO_LOKI"), "the `URL` of Loki, up to /loki/api/v1 (default $AEO_LOKI)")
	f.StringVar(&l.loki.Query, "logs-query", "", "ask Loki for this `LOGQL` instead of all of --namespace")
	f.StringVar(&l.loki.TokenFile, "logs-token-file", "", "a `FILE` with a bearer token for Loki")
	f.StringVar(&l.loki.Tenant, "logs-tenant", "", "the `TENANT` whose logs are asked for")
}

// everything selects all streams of a cluster.
const everything = `{namespace=~".+"}`

// logMargin is how long before the trouble was seen in the metrics its lines may
// have been written.
const logMargin = time.Minute

// logged adds the templates that are new or more since the trouble began, against
// --before. A Loki that cannot be asked does not keep the rest from being judged;
// it is told.
func (o *causesOptions) logged(ctx context.Context, c *cause.Case) error {
	if o.logs.loki.URL == "" {
		return nil
	}
	begin := cause.Rank(*c).Begin
	if begin.IsZero() || !begin.Before(c.At) {
		begin = c.At.Add(-15 * time.Minute)
	}
	begin = begin.Add(-logMargin)
	source := o.logs.loki
	source.MaxLines = usualLines
	req := LogsRequest{Loki: &source, Namespace: o.request.Namespace, At: c.At, Since: c.At.Sub(begin), Before: o.before, Least: usualScore, Timeout: o.source.Timeout}
	switch {
	case source.Query != "":
		req.Namespace = ""
	case req.Namespace == "":
		source.Query = everything
	}
	found, err := o.backend.CompareLogs(ctx, req)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(o.streams.Err, "blind: logs could not be asked for: %s\n", clean(because(err)))
		return nil
	}
	for _, n := range found.Notes {
		fmt.Fprintln(o.streams.Err, "note: "+clean(n))
	}
	for _, p := range found.Failed {
		fmt.Fprintf(o.streams.Err, "blind: of logs: %s\n", clean(because(p.Err)))
	}
	if !found.comparable() {
		fmt.Fprintf(o.streams.Err, "blind: there is nothing to compare in the logs: %d lines since %s, %d in the %s before\n", found.Counted.After, instant(begin), found.Counted.Before, o.before)
	}
	c.Logs = causeLogsOf(found.Changes)
	return nil
}

// causeLogsOf are the changes that speak of something wrong, as evidence.
func causeLogsOf(all []logs.Change) (out []cause.Log) {
	for i := range all {
		x := &all[i]
		if x.Template.Level < logs.Warn || x.Kind != logs.Appeared && x.Kind != logs.More {
			continue
		}
		word := x.Source
		if _, rest, ok := strings.Cut(word, ":"); ok {
			word = rest // without the environment
		}
		of, ok := component(word)
		if !ok {
			continue
		}
		s := logs.Signal{Kind: logs.NewTemplate, Template: x.Template, Since: x.Since, Lines: x.After}
		if x.Kind == logs.More {
			s.Kind, s.Expected, s.Score = logs.SurgingTemplate, x.Expected, x.Score
		}
		out = append(out, cause.Log{Of: of, Signal: s})
	}
	return out
}
