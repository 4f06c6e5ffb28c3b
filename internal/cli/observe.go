package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// Telemetry asks for what workloads tell of themselves.
type Telemetry interface {
	Observer
	Tracer
	LogReader
}

// Observer surveys what workloads tell of themselves.
type Observer interface {
	// Survey asks a source of metrics what was, learns it and judges it.
	Survey(ctx context.Context, req SurveyRequest) (Survey, error)
	// Plot draws a signal.
	Plot(w io.Writer, req PlotRequest) error
}

// Survey is what was learned, and goes on.
type Survey interface {
	// Advance waits for the next samples and judges them.
	Advance(ctx context.Context) error
	// Told tells what is known now.
	Told() Surveyed
}

// SurveyRequest says what is asked for.
type SurveyRequest struct {
	Source MetricsSource
	// History is how far back it learns, Since how far back it tells.
	History, Since time.Duration
	// Namespace limits it to one, "" for all.
	Namespace string
	// Monitors are expressions of somebody's own.
	Monitors   []watch.Watch
	MaxSignals int
	Location   *time.Location
	// Holidays is a file of days that are not as usual, "" for none.
	Holidays string
	Progress func(done, total int)
}

// Surveyed is what a survey tells.
type Surveyed struct {
	Report      observe.Report
	Step        time.Duration
	Conventions []string
	// Failed could not be asked, Empty had no sample.
	Failed []WatchProblem
	Empty  []string
	// Notes say what one should know.
	Notes []string
}

// WatchProblem is why a watch could not be asked.
type WatchProblem struct {
	Watch watch.Watch
	Err   error
}

type observeOptions struct {
	backend  Backend
	streams  *Streams
	source   MetricsSource
	history  string
	since    string
	scrape   string
	timeout  string
	zone     string
	monitors []string
	// applications has the monitors of a cluster's Applications followed, too; where is
	// the cluster, also for what else is read of one.
	applications bool
	where        ClusterOptions
	request      SurveyRequest
	output       string
	watch        bool
}

func newObserve(b Backend, s *Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "observe",
		Short: "See what is abnormal in production, since when, and why",
		Long: `See what is abnormal in production, since when, and why.

The metrics of a Prometheus, Thanos or Mimir are read, as far back as --history
says; what to watch is found by itself from the usual conventions. Each signal is
judged by its own past; no threshold is needed. Traces are read from a Jaeger or a
Tempo, logs from a Loki, a cluster or files. Nothing is written anywhere, and nothing is asked but the sources that you
name.`,
		Example: `  aeo observe anomalies --prometheus http://prometheus:9090
  aeo observe top --prometheus http://prometheus:9090 -n shop --watch
  aeo observe explain 3f9a1c02 --prometheus http://prometheus:9090 --plot why.svg
  aeo observe causes --prometheus http://prometheus:9090 --releases
  aeo observe graph --jaeger http://jaeger:16686
  aeo observe logs app.log`,
	}
	c.AddCommand(newObserveAnomalies(b, s), newObserveTop(b, s), newObserveExplain(b, s), newObserveCauses(b, s), newObserveGraph(b, s), newObserveLogs(b, s))
	return c
}

func (o *observeOptions) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.source.URL, "prometheus", o.streams.Getenv("AEO_PROMETHEUS"), "the `URL` of Prometheus, Thanos or Mimir, up to /api/v1 (default $AEO_PROMETHEUS)")
	o.source.AddFlags(f, "", "Prometheus")
	f.StringVar(&o.timeout, "timeout", "30s", "how long one query may take, a `DURATION`")
	f.StringVar(&o.scrape, "scrape", "30s", "how often the series are sampled, a `DURATION`")
	f.StringVar(&o.history, "history", "1d", "how far back to learn, a `DURATION`")
	f.StringVar(&o.since, "since", "", "how far back to tell, a `DURATION` (default 1h, or --history if that is less)")
	f.StringVarP(&o.request.Namespace, "namespace", "n", "", "watch this `NAMESPACE` only")
	f.StringArrayVar(&o.monitors, "monitor", nil, "watch `NAME=EXPR`, PromQL of your own, too; may be repeated")
	f.BoolVar(&o.applications, "applications", false, "watch what Applications of a cluster name in spec.monitors, too")
	f.StringVar(&o.where.Kubeconfig, "kubeconfig", "", "the kubeconfig `FILE` of that cluster (default: $KUBECONFIG, ~/.kube/config, or the cluster this runs in)")
	f.StringVar(&o.where.Context, "context", "", "the `NAME` of a context of the kubeconfig")
	f.IntVar(&o.request.MaxSignals, "max-signals", observe.MaxSignals, "follow at most this `NUMBER` of signals")
	f.StringVar(&o.zone, "time-zone", "UTC", "the `ZONE` in which the users live, whose clock habits follow")
	f.StringVar(&o.request.Holidays, "holidays", "", "a `FILE` of days that are not as usual: a line each, as 2026-12-25, or 12-25 for each year")
	f.StringVarP(&o.output, "output", "o", "table", "the `FORMAT`: table or json")
	f.BoolVarP(&o.watch, "watch", "w", false, "go on as samples come")
}

// open checks the flags and makes the survey.
func (o *observeOptions) open(ctx context.Context) (Survey, error) {
	if err := o.read(); err != nil {
		return nil, err
	}
	if err := o.readApplications(ctx); err != nil {
		return nil, err
	}
	var end func()
	o.request.Progress, end = o.streams.counting("learning")
	defer end()
	return o.backend.Survey(ctx, o.request)
}

func (o *observeOptions) read() (err error) {
	wrong := func(subject, why, hint string) error {
		return fault.New(fault.Invalid, "read the command line", subject, why, hint)
	}
	switch {
	case o.source.URL == "":
		return wrong("", "it does not say whom to ask", "add --prometheus http://HOST:9090, or set AEO_PROMETHEUS")
	case o.output != "table" && o.output != "json":
		return wrong("-o "+o.output, fmt.Sprintf("there is no format %q", o.output), "use table or json")
	case o.request.MaxSignals <= 0:
		return wrong("--max-signals", "it must be more than 0", "leave it out for the default")
	case !namespaceName(o.request.Namespace):
		return wrong("--namespace", fmt.Sprintf("%q is no name of a namespace", o.request.Namespace), "write it as kubectl shows it")
	}
	var errs [4]error
	o.source.Timeout, errs[0] = durationFlag("timeout", o.timeout)
	o.source.Scrape, errs[1] = durationFlag("scrape", o.scrape)
	o.request.History, errs[2] = durationFlag("history", o.history)
	o.request.Since = min(time.Hour, o.request.History)
	if o.since != "" {
		o.request.Since, errs[3] = durationFlag("since", o.since)
	}
	if err := errors.Join(errs[:]...); err != nil {
		for _, e := range errs {
			if e != nil {
				return e
			}
		}
	}
	if o.source.Scrape < time.Second || o.request.History < 200*o.source.Scrape {
		return wrong("--history "+o.history, fmt.Sprintf("at --scrape %s it is too little to learn from", o.scrape), fmt.Sprintf("write %s or more", 200*max(time.Second, o.source.Scrape)))
	}
	if o.request.Since > o.request.History {
		return wrong("--since "+o.since, "it is more than --history", "raise --history")
	}
	if o.request.Location, err = time.LoadLocation(o.zone); err != nil || o.zone == "Local" {
		return wrong("--time-zone", fmt.Sprintf("%q is no time zone", o.zone), "write it as Europe/Berlin")
	}
	for _, m := range o.monitors {
		name, expr, ok := strings.Cut(m, "=")
		if name, expr = strings.TrimSpace(name), strings.TrimSpace(expr); !ok || name == "" || expr == "" {
			return wrong("--monitor", fmt.Sprintf("%q is no name and expression", m), `write --monitor 'queue=sum(queue_length)'`)
		}
		for _, before := range o.request.Monitors {
			if before.What == name {
				return wrong("--monitor", fmt.Sprintf("%q is there twice", name), "give each its own name")
			}
		}
		o.request.Monitors = append(o.request.Monitors, watch.MonitorOf(name, expr))
	}
	o.request.Source = o.source
	return nil
}

// readApplications adds the monitors of Applications.
func (o *observeOptions) readApplications(ctx context.Context) error {
	if !o.applications {
		return nil
	}
	cluster, err := o.backend.Cluster(o.where)
	if err != nil {
		return err
	}
	apps, _, err := cluster.Applications(ctx, o.request.Namespace)
	if err != nil {
		return err
	}
	for i := range apps {
		some, err := watch.MonitorsOf(&apps[i])
		if err != nil {
			return err
		}
		o.request.Monitors = append(o.request.Monitors, some...)
	}
	return nil
}

// namespaceName reports whether a text may name a namespace; "" is for all.
func namespaceName(s string) bool {
	return len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// follow writes what a survey tells, once or again and again. What it cannot judge is told
// on standard error at first and at each change, or with each screen, which wipes it off.
func (o *observeOptions) follow(ctx context.Context, s Survey, write func(io.Writer, Surveyed) error) error {
	told := ""
	for {
		var text bytes.Buffer // nothing is written of an answer that cannot be made
		if o.watch && o.output != "json" && o.streams.OutTerminal {
			text.WriteString("\x1b[H\x1b[2J")
		}
		if err := write(&text, s.Told()); err != nil {
			return err
		}
		if err := writeTo("", o.streams.Out, func(w io.Writer) error {
			_, err := text.WriteTo(w)
			return err
		}); err != nil || !o.watch {
			return err
		}
		if now := sight(s.Told()); now != told || o.streams.OutTerminal && o.output != "json" {
			fmt.Fprint(o.streams.Err, now)
			told = now
		}
		if err := s.Advance(ctx); err != nil {
			if fault.KindOf(err) != fault.Unavailable && fault.KindOf(err) != fault.TimedOut {
				return err
			}
			PrintError(o.streams.Err, err) // the source may come back
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(o.source.Scrape):
			}
		}
	}
}

// sight is what a survey says of what it can judge and what not, for standard error.
func sight(t Surveyed) string {
	var out strings.Builder
	r := &t.Report
	fmt.Fprintf(&out, "%s followed by %s: %d abnormal, %d normal, %d still learned, %d silent%s\n",
		count(len(r.Signals), "signal"), or(strings.Join(t.Conventions, ", "), "monitors"), r.Count(observe.Abnormal), r.Count(observe.Normal), r.Count(observe.Learning), r.Count(observe.Silent), unknown(r))
	for _, n := range t.Notes {
		fmt.Fprintln(&out, "note: "+clean(n))
	}
	if len(t.Empty) > 0 {
		fmt.Fprintln(&out, "note: no sample for "+clean(strings.Join(t.Empty, ", ")))
		if len(r.Signals) == 0 {
			fmt.Fprintf(&out, "note: rates are taken over four times --scrape, %s: does the source sample that often?\n", t.Step)
		}
	}
	if all := r.Numberless(); len(all) > 0 {
		var names []string
		for _, x := range all[:min(len(all), maxTurned)] {
			names = append(names, clean(x.Of())+" "+signalName(x))
		}
		fmt.Fprintf(&out, "blind: %s never had a number: %s\n", count(len(all), "signal"), strings.Join(names, ", "))
	}
	if all := r.Wrong(); len(all) > 0 {
		var names []string
		for _, x := range all[:min(len(all), maxTurned)] {
			names = append(names, clean(x.Signal.Of())+" "+signalName(x.Signal)+" "+observe.Quantity(x.Wrong, x.Signal.Watch.Unit))
		}
		fmt.Fprintf(&out, "blind: %s cannot be right, a share is of 0 to 100%%: %s\n", count(len(all), "signal"), strings.Join(names, ", "))
	}
	if all := r.Recurring(time.Time{}); len(all) > 0 {
		var names []string
		for _, x := range all[:min(len(all), maxTurned)] {
			names = append(names, clean(x.Signal.Of())+" "+signalName(x.Signal))
		}
		fmt.Fprintf(&out, "note: %s did what comes at that hour of other days, which is no anomaly: %s\n", count(len(all), "signal"), strings.Join(names, ", "))
	}
	for _, f := range t.Failed {
		fmt.Fprintf(&out, "blind: %s could not be asked: %s\n", clean(f.Watch.Name), clean(f.Err.Error()))
	}
	return out.String()
}

// unknown counts the signals of which the last sample cannot be right, if there are some.
func unknown(r *observe.Report) string {
	if n := r.Count(observe.Unknown); n > 0 {
		return fmt.Sprintf(", %d unknown", n)
	}
	return ""
}

// remarks tells on standard error what could not be judged. It returns the error
// that makes the exit code.
func (o *observeOptions) remarks(t Surveyed) error {
	r := &t.Report
	fmt.Fprint(o.streams.Err, sight(t))
	switch {
	case len(t.Failed) > 0 || r.Left > 0 || len(r.Signals) == 0 || r.Count(observe.Silent)+r.Count(observe.Unknown) > 0 || len(r.Numberless()) > 0 || r.Count(observe.Learning) == len(r.Signals):
		if r.Count(observe.Abnormal) > 0 {
			return answer{1}
		}
		return answer{3}
	case r.Count(observe.Abnormal) > 0:
		return answer{1}
	}
	return nil
}
