package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

func newObserveTop(b Backend, s *Streams) *cobra.Command {
	o := &observeOptions{backend: b, streams: s}
	c := &cobra.Command{
		Use:   "top",
		Short: "Show rate, errors, duration and saturation of each workload",
		Long: `Show how each workload does: the rate of its requests, the share that failed,
how long they took, the processor time and the memory it uses. What is abnormal
is marked with "!", what is silent or cannot be right with "?"; those come first. "-" is what nobody
measures. ALSO has the monitors, and what else is abnormal.`,
		Example: `  aeo observe top --prometheus http://prometheus:9090
  aeo observe top --prometheus http://prometheus:9090 -n shop --watch`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.top(c.Context()) },
	}
	o.add(c)
	return c
}

func (o *observeOptions) top(ctx context.Context) error {
	survey, err := o.open(ctx)
	if err != nil {
		return err
	}
	write := topTable
	if o.output == "json" {
		write = topJSON
	}
	if err := o.follow(ctx, survey, write); err != nil {
		return err
	}
	return o.remarks(survey.Told())
}

// workload is a row of top.
type workload struct {
	name     string
	abnormal int
	unseen   int // silent, or not to be right
	cells    [5]string
	others   []string // monitors, and abnormal signals that have no column
}

// column is where a signal is shown, -1 for nowhere.
func column(s observe.Signal) int {
	switch s.Watch.Golden {
	case watch.Rate:
		return 0
	case watch.Errors:
		return 1
	case watch.Duration:
		return 2
	case watch.Saturation:
		switch s.Watch.Unit {
		case "cores":
			return 3
		case "bytes":
			return 4
		}
	}
	return -1
}

// workloads makes the rows, the abnormal ones first.
func workloads(t Surveyed) []workload {
	index := map[string]int{}
	var rows []workload
	for _, s := range t.Report.Signals {
		name := s.Signal.Of()
		i, ok := index[name]
		if !ok {
			i = len(rows)
			index[name] = i
			rows = append(rows, workload{name: name})
		}
		w := &rows[i]
		mark, value := "", observe.Quantity(s.Value, s.Signal.Watch.Unit)
		switch s.State {
		case observe.Abnormal:
			mark = " !"
			w.abnormal++
		case observe.Silent:
			mark = " ?"
			w.unseen++
		case observe.Unknown:
			mark, value = " ?", "unknown"
			w.unseen++
		}
		if c := column(s.Signal); c >= 0 && (w.cells[c] == "" || mark == " !") {
			w.cells[c] = value + mark
		} else if mark == " !" || s.Signal.Watch.Golden == watch.Monitor {
			w.others = append(w.others, signalName(s.Signal)+" "+value+mark)
		}
	}
	slices.SortStableFunc(rows, func(a, b workload) int {
		return cmp.Or(cmp.Compare(b.abnormal, a.abnormal), cmp.Compare(b.unseen, a.unseen), cmp.Compare(a.name, b.name))
	})
	return rows
}

func topTable(out io.Writer, t Surveyed) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "WORKLOAD\tRATE\tERRORS\tDURATION\tCPU\tMEMORY\tALSO")
	for _, r := range workloads(t) {
		fmt.Fprint(w, clean(r.name))
		for _, c := range r.cells {
			fmt.Fprint(w, "\t"+or(c, "-"))
		}
		also := ""
		for i, x := range r.others {
			if i > 0 {
				also += ", "
			}
			also += x
		}
		fmt.Fprintln(w, "\t"+also)
	}
	return w.Flush()
}

// jsonStanding is the JSON of how a signal stands.
type jsonStanding struct {
	Signal   jsonSignal `json:"signal"`
	State    string     `json:"state"`
	Value    *float64   `json:"value"`
	Low      *float64   `json:"expectedLow"`
	High     *float64   `json:"expectedHigh"`
	Surprise float32    `json:"surprise"`
	// Impossible is a sample that cannot be right; it is left out otherwise.
	Impossible *float64 `json:"impossible,omitempty"`
	// Recurred is when it did last what comes at that hour of other days, which is no
	// anomaly; it is left out if it did not.
	Recurred time.Time `json:"recurred,omitzero"`
}

func standingJSON(s *observe.Standing) jsonStanding {
	out := jsonStanding{signalJSON(s.Signal), s.State.String(), number(s.Value), number(s.Low), number(s.High), s.Surprise, nil, s.Recurred}
	if s.State == observe.Unknown {
		out.Impossible = number(s.Wrong)
	}
	return out
}

func topJSON(w io.Writer, t Surveyed) error {
	out := struct {
		Signals []jsonStanding `json:"signals"`
		Survey  jsonCounts     `json:"survey"`
	}{[]jsonStanding{}, countsOf(t)}
	for i := range t.Report.Signals {
		out.Signals = append(out.Signals, standingJSON(&t.Report.Signals[i]))
	}
	return structured(w, "json", out)
}
