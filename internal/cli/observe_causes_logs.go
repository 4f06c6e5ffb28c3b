package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// causeLogs are the logs that causes and explain read.
type causeLogs struct {
	loki LokiSource
	// recall has a look at what goes on read what is new only.
	recall *logs.Recall
}

// follow has what is read be kept for the next look, if there is one.
func (l *causeLogs) follow(watch bool) {
	if watch {
		l.recall = &logs.Recall{}
	}
}

func (l *causeLogs) add(f *pflag.FlagSet, s *Streams) {
	f.StringVar(&l.loki.URL, "loki", s.Getenv("AEO_LOKI"), "the `URL` of Loki, up to /loki/api/v1 (default $AEO_LOKI)")
	f.StringVar(&l.loki.Query, "logs-query", "", "ask Loki for this `LOGQL` instead of all of --namespace")
	l.loki.AddFlags(f, "logs-", "Loki")
}

// everything selects all streams of a cluster.
const everything = `{namespace=~".+"}`

// logMargin is how long before the trouble was seen in the metrics its lines may
// have been written.
const logMargin = time.Minute

// logsSince says which lines are compared: those since trouble began against those of the
// time before.
type logsSince struct {
	begin, at time.Time
	before    time.Duration
	// namespace limits it to one, "" for all; a query of the user's own says it itself.
	namespace string
	timeout   time.Duration
}

// compare asks Loki. notes say what one should know, and what is not; found is nil if it
// could not be asked. The error is that it was stopped.
func (l *causeLogs) compare(ctx context.Context, b Backend, x logsSince) (found *ComparedLogs, notes []string, err error) {
	source := l.loki
	source.MaxLines = usualLines
	begin := x.begin.Add(-logMargin)
	req := LogsRequest{Loki: &source, Namespace: x.namespace, At: x.at, Since: x.at.Sub(begin), Before: x.before, Least: usualScore, Timeout: x.timeout, Recall: l.recall}
	switch {
	case source.Query != "":
		req.Namespace = ""
	case req.Namespace == "":
		source.Query = everything
	}
	found, err = b.CompareLogs(ctx, req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, err
		}
		return nil, []string{"blind: logs could not be asked for: " + clean(because(err))}, nil
	}
	for _, n := range found.Notes {
		notes = append(notes, "note: "+clean(n))
	}
	for _, p := range found.Failed {
		notes = append(notes, "blind: of logs: "+clean(because(p.Err)))
	}
	if !found.comparable() {
		notes = append(notes, fmt.Sprintf("blind: there is nothing to compare in the logs: %d lines since %s, %d in the %s before", found.Counted.After, instant(begin), found.Counted.Before, x.before))
	}
	return found, notes, nil
}

// checkBefore refuses what is too short or too long to compare with.
func checkBefore(d time.Duration) error {
	if d < time.Minute || d > 7*24*time.Hour {
		return fault.New(fault.Invalid, "read the command line", "--before "+d.String(), "too little or too much to compare with", "write a duration from 1m to 168h")
	}
	return nil
}

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
	found, notes, err := o.logs.compare(ctx, o.backend, logsSince{begin: begin, at: c.At, before: o.before, namespace: o.request.Namespace, timeout: o.source.Timeout})
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(o.streams.Err, n)
	}
	if found != nil {
		c.Logs = causeLogsOf(found.Changes)
	}
	return nil
}

// causeLogsOf are the changes that speak of something wrong, as evidence.
func causeLogsOf(all []logs.Change) (out []cause.Log) {
	for i := range all {
		x := &all[i]
		if x.Template.Level < logs.Warn || x.Kind != logs.Appeared && x.Kind != logs.More {
			continue
		}
		of, ok := componentOfLog(x.Source)
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

// componentOfLog is the service that the source of lines names.
func componentOfLog(source string) (cause.Component, bool) {
	if _, rest, ok := strings.Cut(source, ":"); ok {
		source = rest // without the environment
	}
	return component(source)
}
