package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// causesOptions are those of causes.
type causesOptions struct {
	observeOptions
	changes changeOptions
	depends []string
	// manifests is where it is declared who waits for whom, "" for nowhere.
	manifests string
	traces    TracesSource
	logs      causeLogs
	kept      keptCase
	// before is how long a past traces and logs are compared with.
	before time.Duration
}

func newObserveCauses(b Backend, s *Streams) *cobra.Command {
	o := &causesOptions{observeOptions: observeOptions{backend: b, streams: s}}
	c := &cobra.Command{
		Use:   "causes",
		Short: "Rank the probable causes of what is abnormal now",
		Long: `Rank the probable causes of what is abnormal now, with the evidence for each: when
each signal began to differ, how far, what happens inside of a workload against
what its callers see, and what was released just before.

With --releases the Releases of a cluster are read, as changes. With --events its events
and pods are: what was scaled, what happened to nodes and who runs on them, and whose
ConfigMaps and Secrets somebody edited or a release changed. With --jaeger or --tempo
traces tell who calls whom, and whose part of the calls grew or failed, so
that who only waits for another is not blamed; with --depends you tell it. With
--manifests a workload also waits for those whose Service it has the address of, in its
environment, its arguments or a ConfigMap, unless traces say the contrary. With --loki
lines of the logs that are new or more are evidence. Without any of these it goes by
the metrics alone, and says less surely.

The shares are of one belief: what is missing to 100 % is for causes of which
nothing was measured. What was abnormal within --since and is no more has causes, too,
and a note says so. The exit code is 1 if a cause is named, and 3 if nothing could be
said.

--save-case keeps in a file what the verdict is made of, and --case judges such a file
again, without asking anybody. It holds names of services, values and templates of
logs.`,
		Example: `  aeo observe causes --prometheus http://prometheus:9090 -n shop
  aeo observe causes --prometheus http://prometheus:9090 --releases --events --jaeger http://jaeger:16686
  aeo observe causes --prometheus http://prometheus:9090 -n shop --loki http://loki:3100
  aeo observe causes --prometheus http://prometheus:9090 --depends shop/web=shop/orders
  aeo observe causes --prometheus http://prometheus:9090 --save-case outage.case
  aeo observe causes --case outage.case`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.kept.see(c.Flags()); err != nil {
				return err
			}
			if o.kept.from != "" {
				return o.replay()
			}
			return o.causes(c.Context())
		},
	}
	o.add(c)
	f := c.Flags()
	o.changes.add(f)
	o.traces.add(f, s)
	o.logs.add(f, s)
	f.DurationVar(&o.before, "before", time.Hour, "how long before the trouble traces and logs are compared with what came")
	o.kept.add(f)
	f.StringVar(&o.manifests, "manifests", "", "the `PATH` of manifests, kustomizations and charts that declare who waits for whom")
	f.StringArrayVar(&o.depends, "depends", nil, "`CALLER=CALLEE`, each NAMESPACE/WORKLOAD: the first waits for the second; may be repeated")
	return c
}

func (o *causesOptions) causes(ctx context.Context) error {
	dependencies, err := dependenciesOf(o.depends)
	if err != nil {
		return err
	}
	if err := o.traces.check(); err != nil {
		return err
	}
	if err := checkBefore(o.before); err != nil {
		return err
	}
	if err := o.changes.open(o.backend, o.where); err != nil {
		return err
	}
	declared, err := o.declared(ctx)
	if err != nil {
		return err
	}
	survey, err := o.open(ctx)
	if err != nil {
		return err
	}
	o.logs.follow(o.watch)
	var last cause.Result
	err = o.follow(ctx, survey, func(w io.Writer, t Surveyed) error {
		c := cause.Case{At: t.Report.At, Dependencies: dependencies}
		for _, name := range unmeasured(dependencies, t.Report) {
			fmt.Fprintf(o.streams.Err, "note: nothing is measured of %s, which --depends names: is it the workload's name as in `aeo observe top`?\n", clean(name))
		}
		for _, s := range t.Report.Signals {
			c.Series = append(c.Series, cause.SeriesOf(s))
		}
		if c.Changes, err = o.changes.since(ctx, o.request.Namespace, t.Report.At.Add(-o.request.Since)); err != nil {
			if ctx.Err() != nil {
				return err
			}
			// What was changed is not known: the rest is judged all the same.
			fmt.Fprintf(o.streams.Err, "blind: the Releases could not be read: %s\n", clean(shortly(err)))
		}
		notes, err := o.around(ctx, &o.changes, &c)
		if err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(o.streams.Err, n)
		}
		if err := o.traced(ctx, &c); err != nil {
			return err
		}
		if declared != nil {
			c.Dependencies = append(slices.Clip(c.Dependencies), declared.Needs(&c)...)
		}
		if err := o.logged(ctx, &c); err != nil {
			return err
		}
		whole := c
		if left := whole.Trim(); left > 0 && o.kept.to != "" {
			fmt.Fprintf(o.streams.Err, "note: %d parts of the case are beyond what is judged, and are not kept\n", left)
		}
		if err := o.kept.save(whole); err != nil {
			return err
		}
		last = cause.Rank(c)
		if since, over := t.Report.Over(); over && len(last.Causes) > 0 {
			fmt.Fprintf(o.streams.Err, "note: nothing is abnormal any more since %s: these are causes of what was\n", since.In(o.request.Location).Format("2 Jan 15:04:05"))
		}
		if o.output == "json" {
			counts := countsOf(t)
			return causesJSON(w, last, &counts)
		}
		return o.causesText(w, last)
	})
	if err != nil {
		return err
	}
	if err := o.remarks(survey.Told()); err != nil && len(last.Causes) == 0 {
		return err
	}
	return causesAnswer(last)
}

// declared reads the manifests, before anybody is asked, which takes its time; nil if none
// are named.
func (o *causesOptions) declared(ctx context.Context) (*Manifests, error) {
	if o.manifests == "" {
		return nil, nil
	}
	if o.manifests == "-" && o.watch {
		return nil, fault.New(fault.Invalid, "read the command line", "--manifests -", "standard input can be read only once", "write it to a file, or leave out --watch")
	}
	m, err := o.backend.Manifests(ctx, o.manifests)
	if err != nil {
		return nil, err
	}
	for _, n := range m.Notes {
		fmt.Fprintln(o.streams.Err, "note: "+clean(n))
	}
	return m, nil
}

// sampled is how many traces are asked for, of each service.
const sampled = 100

// traced adds what traces tell: who waits for whom, and what calls cost since the
// trouble began, against --before. A store that cannot be asked does not keep
// the rest from being judged; it is told.
func (o *causesOptions) traced(ctx context.Context, c *cause.Case) error {
	if !o.traces.given() {
		return nil
	}
	begin := cause.Rank(*c).Begin
	if begin.IsZero() || !begin.Before(c.At) {
		begin = c.At.Add(-15 * time.Minute)
	}
	o.traces.Timeout = o.source.Timeout
	to := c.At.Add(-settling)
	if !begin.Before(to) {
		to = c.At // it began just now: better parts than nothing
	}
	progress, end := o.streams.counting("asking for traces")
	costs, err := o.backend.CallCosts(ctx, CostsRequest{Source: o.traces, From: begin.Add(-o.before), Mid: begin, To: to, Gap: min(4*o.source.Scrape, o.before/4), Sample: sampled, Progress: progress})
	end()
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(o.streams.Err, "blind: traces could not be asked for: %s\n", clean(err.Error()))
		return nil
	}
	for _, n := range costs.notes() {
		fmt.Fprintln(o.streams.Err, "note: "+clean(n))
	}
	if costs.After.Traces == 0 {
		fmt.Fprintln(o.streams.Err, "blind: there are no traces since "+begin.UTC().Format(time.RFC3339))
	}
	c.Edges = slices.DeleteFunc(spans.Compare(costs.Before.Totals, costs.After.Totals), func(x spans.Change) bool {
		return foreign(x.Edge, identity.Clean(o.request.Namespace))
	})
	edges := make([]spans.Edge, len(c.Edges))
	for i := range c.Edges {
		edges[i] = c.Edges[i].Edge
	}
	c.Dependencies = append(c.Dependencies[:len(c.Dependencies):len(c.Dependencies)], cause.DependenciesOf(edges)...)
	return nil
}

// foreign tells whether a call has nothing to do with a namespace, as far as is known.
func foreign(e spans.Edge, namespace string) bool {
	caller, callee := e.Caller.Key.Namespace, e.Callee.Key.Namespace
	return namespace != "" && caller+callee != "" && caller != namespace && callee != namespace
}

// dependenciesOf reads CALLER=CALLEE.
func dependenciesOf(words []string) ([]cause.Dependency, error) {
	var out []cause.Dependency
	for _, w := range words {
		caller, callee, ok := strings.Cut(w, "=")
		from, ok1 := component(caller)
		to, ok2 := component(callee)
		if !ok || !ok1 || !ok2 {
			return nil, fault.New(fault.Invalid, "read the command line", "--depends", fmt.Sprintf("%q does not name two workloads", w), "write --depends shop/web=shop/orders")
		}
		if from.Key == to.Key {
			return nil, fault.New(fault.Invalid, "read the command line", "--depends", fmt.Sprintf("%q says that a workload waits for itself", w), "name the one that it waits for: --depends shop/web=shop/orders")
		}
		out = append(out, cause.Dependency{Who: from, On: to, Kind: cause.Calls})
	}
	return out, nil
}

// unmeasured are the workloads of dependencies of which no signal is followed: nothing
// goes by them.
func unmeasured(all []cause.Dependency, r observe.Report) (names []string) {
	known := map[identity.Key]bool{}
	for i := range r.Signals {
		s := &r.Signals[i].Signal
		of := identity.Key{Namespace: identity.Clean(s.Namespace()), Service: identity.Clean(s.Workload())}
		known[of] = true
		known[identity.Key{Service: of.Service}] = true // it was named without its namespace
	}
	for _, d := range all {
		for _, c := range []cause.Component{d.Who, d.On} {
			if !known[c.Key] {
				known[c.Key] = true // it is told once
				names = append(names, c.String())
			}
		}
	}
	return names
}

// component is the service that NAMESPACE/WORKLOAD, or a WORKLOAD alone, names.
func component(word string) (cause.Component, bool) {
	ns, name, ok := strings.Cut(strings.TrimSpace(word), "/")
	if !ok {
		ns, name = "", ns
	}
	if name == "" || ok && ns == "" || strings.Contains(name, "/") {
		return cause.Component{}, false
	}
	return cause.Component{Kind: spans.Service, Key: identity.Key{Namespace: identity.Clean(ns), Service: identity.Clean(name)}}, true
}

func (o *causesOptions) causesText(w io.Writer, r cause.Result) error {
	switch {
	case r.Unknown != "":
		_, err := fmt.Fprintf(w, "Nothing can be said: %s\n", clean(r.Unknown))
		return err
	case len(r.Causes) == 0:
		_, err := fmt.Fprintln(w, "Nothing is out of the ordinary.")
		return err
	}
	for i, c := range r.Causes[:min(len(r.Causes), 5)] {
		fmt.Fprintf(w, "%d. %s, %.0f%%\n   %s\n", i+1, clean(c.Component.String()), c.Score*100, clean(c.Sentence()))
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, e := range c.Evidence {
			sign, at := "+", ""
			if e.Weight < 0 {
				sign = "-"
			}
			if !e.At.IsZero() {
				at = e.At.In(o.request.Location).Format("15:04:05")
			}
			fmt.Fprintf(t, "   %s\t%s\t%s\t%s\t%s\n", sign, e.Kind, at, clean(e.Text), clean(e.Reference))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "Something of which nothing was measured: %.0f%%\n", r.Rest*100)
	return err
}

// jsonCause is the JSON of a probable cause.
type jsonCause struct {
	Component cause.Component  `json:"component"`
	Score     float64          `json:"score"`
	Since     *time.Time       `json:"since,omitempty"`
	Sentence  string           `json:"sentence"`
	Evidence  []jsonCauseProof `json:"evidence"`
}

// jsonCauseProof is the JSON of one reason.
type jsonCauseProof struct {
	Kind      cause.EvidenceKind `json:"kind"`
	Weight    float64            `json:"weight"`
	Text      string             `json:"text"`
	At        *time.Time         `json:"at,omitempty"`
	Reference string             `json:"reference,omitempty"`
}

func causesJSON(w io.Writer, r cause.Result, counts *jsonCounts) error {
	moment := func(at time.Time) *time.Time {
		if at.IsZero() {
			return nil
		}
		at = at.UTC()
		return &at
	}
	out := struct {
		Causes  []jsonCause `json:"causes"`
		Unknown string      `json:"unknown,omitempty"`
		Rest    float64     `json:"rest"`
		Begin   *time.Time  `json:"begin,omitempty"`
		Survey  *jsonCounts `json:"survey,omitempty"`
	}{[]jsonCause{}, r.Unknown, r.Rest, moment(r.Begin), counts}
	for _, c := range r.Causes {
		x := jsonCause{c.Component, c.Score, moment(c.Since), c.Sentence(), []jsonCauseProof{}}
		for _, e := range c.Evidence {
			x.Evidence = append(x.Evidence, jsonCauseProof{e.Kind, e.Weight, e.Text, moment(e.At), e.Reference})
		}
		out.Causes = append(out.Causes, x)
	}
	return structured(w, "json", out)
}
