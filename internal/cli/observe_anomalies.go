package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/watch"
)

func newObserveAnomalies(b Backend, s *Streams) *cobra.Command {
	o := &observeOptions{backend: b, streams: s}
	c := &cobra.Command{
		Use:   "anomalies",
		Short: "List what is abnormal, and since when",
		Long: `List what is abnormal now and what was within --since: whose signal it is, since
when, what was expected and what was seen.

The exit code is 1 if something is abnormal now, and 3 if nothing is, but not all
could be judged.`,
		Example: `  aeo observe anomalies --prometheus http://prometheus:9090
  aeo observe anomalies --prometheus http://prometheus:9090 -n shop --since 1d --history 14d
  aeo observe anomalies --prometheus http://prometheus:9090 --monitor 'queue=sum(queue_length)' --watch`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.anomalies(c.Context()) },
	}
	o.add(c)
	return c
}

func (o *observeOptions) anomalies(ctx context.Context) error {
	survey, err := o.open(ctx)
	if err != nil {
		return err
	}
	write := o.anomalyTable
	switch {
	case o.output == "json":
		write = anomalyJSON
	case o.watch && !o.streams.OutTerminal:
		write = newLines()
	}
	if err := o.follow(ctx, survey, write); err != nil {
		return err
	}
	return o.remarks(survey.Told())
}

// expectation writes what was expected, as one value if the bounds are as good as
// one.
func expectation(a observe.Anomaly) string {
	unit := a.Signal.Watch.Unit
	if math.IsNaN(a.Low) || math.IsNaN(a.High) {
		return "-"
	}
	low := a.Low
	if unit != "" && low < 0 { // no unit that is watched goes below zero
		low = 0
	}
	from, to := observe.Quantity(low, unit), observe.Quantity(a.High, unit)
	if from == to {
		return to
	}
	return from + " to " + to
}

func (o *observeOptions) anomalyTable(out io.Writer, t Surveyed) error {
	all := t.Report.Anomalies()
	if why := o.unseen(t.Report); why != "" && len(all) == 0 {
		_, err := fmt.Fprintf(out, "Nothing can be said: %s\n", why)
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(out, "Nothing abnormal in %s.\n", age(o.request.Since))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWORKLOAD\tSIGNAL\tSINCE\tLASTED\tSEEN\tEXPECTED\tSURE")
	for _, a := range all {
		lasted := "goes on"
		if !a.Open() {
			lasted = age(a.Until.Sub(a.Since))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f%%\n", a.Signal.ID(), clean(a.Signal.Of()), signalName(a.Signal),
			a.Since.In(o.request.Location).Format("2 Jan 15:04:05"), lasted, observe.Quantity(a.Value, a.Signal.Watch.Unit), expectation(a), a.Probability*100)
	}
	return w.Flush()
}

// unseen says why nothing can be said of what is abnormal, "" if something can.
func (o *observeOptions) unseen(r observe.Report) string {
	switch {
	case len(r.Signals) == 0 && o.request.Namespace != "":
		return "no signal of namespace " + clean(o.request.Namespace)
	case len(r.Signals) == 0:
		return "no signal was found"
	case r.Count(observe.Normal)+r.Count(observe.Abnormal) == 0:
		return "of " + count(len(r.Signals), "signal") + " none could be judged"
	}
	return ""
}

// signalName names a signal with what tells it from others of the workload.
func signalName(s observe.Signal) string {
	name := s.Watch.Golden.String()
	if _, short, ok := strings.Cut(s.Watch.Name, "/"); ok && short != name {
		name = short
	}
	if s.Watch.Golden == watch.Monitor {
		name = s.Watch.What // whose it is stands beside it
	}
	for _, r := range s.Rest() {
		name += " " + r
	}
	return clean(name)
}

// jsonSignal is the JSON of a signal.
type jsonSignal struct {
	ID        string            `json:"id"`
	Watch     string            `json:"watch"`
	Kind      string            `json:"kind"`
	What      string            `json:"what"`
	Unit      string            `json:"unit,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Workload  string            `json:"workload,omitempty"`
	Labels    map[string]string `json:"labels"`
	Query     string            `json:"query"`
}

func signalJSON(s observe.Signal) jsonSignal {
	return jsonSignal{s.ID(), s.Watch.Name, s.Watch.Golden.String(), s.Watch.What, s.Watch.Unit, s.Namespace(), s.Workload(), s.Labels, s.Watch.Expr}
}

// number is a value in JSON, null if it is not known.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// jsonAnomaly is the JSON of an anomaly.
type jsonAnomaly struct {
	Signal      jsonSignal     `json:"signal"`
	Since       time.Time      `json:"since"`
	Until       *time.Time     `json:"until,omitempty"`
	Probability float32        `json:"probability"`
	Direction   string         `json:"direction"`
	Value       *float64       `json:"value"`
	Low         *float64       `json:"expectedLow"`
	High        *float64       `json:"expectedHigh"`
	Why         string         `json:"why"`
	Evidence    []jsonEvidence `json:"evidence"`
	// Nearest is left out if nothing like it was ever seen.
	Nearest *jsonNearest `json:"nearest,omitempty"`
}

// jsonNearest is the JSON of the known pattern most like what was seen: levels of blocks
// of so many samples, and how often it was seen, up to 15.
type jsonNearest struct {
	Levels []*float64 `json:"levels"`
	Block  int        `json:"blockSamples"`
	Seen   int        `json:"seen"`
}

// jsonEvidence is the JSON of a channel of the detector.
type jsonEvidence struct {
	Channel  string  `json:"channel"`
	Surprise float32 `json:"surprise"`
	Share    float32 `json:"share"`
}

func anomalyOf(a observe.Anomaly) jsonAnomaly {
	out := jsonAnomaly{
		Signal: signalJSON(a.Signal), Since: a.Since.UTC(), Probability: a.Probability, Direction: a.Direction.String(),
		Value: number(a.Value), Low: number(a.Low), High: number(a.High), Why: a.Explanation.String(), Evidence: []jsonEvidence{},
	}
	if !a.Open() {
		until := a.Until.UTC()
		out.Until = &until
	}
	if x := &a.Explanation; x.Seen > 0 {
		out.Nearest = &jsonNearest{Block: x.Block, Seen: x.Seen}
		for _, v := range x.Nearest {
			out.Nearest.Levels = append(out.Nearest.Levels, number(v))
		}
	}
	for _, e := range a.Explanation.Evidence {
		if e.Share > 0 {
			out.Evidence = append(out.Evidence, jsonEvidence{e.Channel.String(), e.Surprise, e.Share})
		}
	}
	return out
}

// jsonCounts is the JSON of what could be judged.
type jsonCounts struct {
	At          time.Time `json:"at"`
	Signals     int       `json:"signals"`
	Abnormal    int       `json:"abnormal"`
	Normal      int       `json:"normal"`
	Learning    int       `json:"learning"`
	Silent      int       `json:"silent"`
	Unknown     int       `json:"unknown"`
	NotFollowed int       `json:"notFollowed"`
	Conventions []string  `json:"conventions"`
	Empty       []string  `json:"empty"`
	Failed      []string  `json:"failed"`
	Notes       []string  `json:"notes"`
}

func countsOf(t Surveyed) jsonCounts {
	r := &t.Report
	out := jsonCounts{r.At.UTC(), len(r.Signals), r.Count(observe.Abnormal), r.Count(observe.Normal), r.Count(observe.Learning), r.Count(observe.Silent), r.Count(observe.Unknown), r.Left,
		some(t.Conventions), some(t.Empty), []string{}, some(t.Notes)}
	for _, f := range t.Failed {
		out.Failed = append(out.Failed, f.Watch.Name+": "+f.Err.Error())
	}
	return out
}

// some is a list that JSON writes as one even if it is empty.
func some(list []string) []string { return append([]string{}, list...) }

func anomalyJSON(w io.Writer, t Surveyed) error {
	out := struct {
		Anomalies []jsonAnomaly `json:"anomalies"`
		Survey    jsonCounts    `json:"survey"`
	}{[]jsonAnomaly{}, countsOf(t)}
	for _, a := range t.Report.Anomalies() {
		out.Anomalies = append(out.Anomalies, anomalyOf(a))
	}
	return structured(w, "json", out)
}

// pick finds the signals that a word means: the one with an ID that begins so,
// or the abnormal ones of a workload.
func pick(t Surveyed, word string) ([]observe.Standing, error) {
	var by, of []observe.Standing
	for _, s := range t.Report.Signals {
		if strings.HasPrefix(s.Signal.ID(), word) {
			by = append(by, s)
		}
		if (s.Signal.Workload() == word || s.Signal.Of() == word) && len(s.Anomalies) > 0 {
			of = append(of, s)
		}
	}
	switch {
	case len(by) == 1:
		return by, nil
	case len(of) > 0:
		return of, nil
	case len(by) == 0:
		return nil, fault.New(fault.NotFound, "find a signal", clean(word), "none has this ID, and no workload of this name has an abnormal one", "see `aeo observe anomalies` or `aeo observe top`")
	}
	return nil, ambiguous(word, by)
}

// ambiguous says that a word means several signals where one is needed.
func ambiguous(word string, all []observe.Standing) error {
	var names []string
	for _, s := range all[:min(len(all), 8)] {
		names = append(names, s.Signal.ID()+" ("+s.Signal.Of()+" "+signalName(s.Signal)+")")
	}
	return fault.New(fault.Invalid, "find a signal", clean(word), "it may mean "+clean(strings.Join(names, ", ")), "write one of these IDs")
}

// sideOf is the direction of an anomaly in words.
func sideOf(d anomaly.Direction) string {
	switch d {
	case anomaly.Above:
		return "higher than"
	case anomaly.Below:
		return "lower than"
	}
	return "unlike"
}
