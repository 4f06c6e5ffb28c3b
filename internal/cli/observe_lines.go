package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/autoecoops/autoecoops/observe"
)

// newLines writes a line for each anomaly that begins or ends, and for signals that fall
// silent and are heard again.
func newLines() func(io.Writer, Surveyed) error {
	told := map[string]bool{}
	var silent map[string]bool // nil before the first look
	return func(out io.Writer, t Surveyed) error {
		before := silent
		silent = map[string]bool{}
		var gone, back []string
		for i := range t.Report.Signals {
			s := &t.Report.Signals[i]
			id, name := s.Signal.ID(), clean(s.Signal.Of())+" "+signalName(s.Signal)
			if silent[id] = s.State == observe.Silent; before == nil || silent[id] == before[id] {
				continue
			}
			if silent[id] {
				gone = append(gone, name)
			} else {
				back = append(back, name)
			}
		}
		if err := errors.Join(turned(out, t.Report.At, "silent", gone), turned(out, t.Report.At, "heard again", back)); err != nil {
			return err
		}
		for _, a := range t.Report.Anomalies() {
			key := a.Signal.ID() + a.Since.String()
			what := "begins"
			if !a.Open() {
				key, what = key+"end", "ends"
			}
			if told[key] {
				continue
			}
			told[key] = true
			if _, err := fmt.Fprintf(out, "%s %s %s %s: %s, expected %s\n", t.Report.At.UTC().Format(time.RFC3339), what, clean(a.Signal.Of()), signalName(a.Signal),
				observe.Quantity(a.Value, a.Signal.Watch.Unit), expectation(a)); err != nil {
				return err
			}
		}
		return nil
	}
}

// maxTurned is how many signals are named that turn at the same look.
const maxTurned = 20

// turned writes a line for each signal that has become something, and how many more have.
func turned(out io.Writer, at time.Time, what string, names []string) error {
	moment := at.UTC().Format(time.RFC3339)
	for _, n := range names[:min(len(names), maxTurned)] {
		if _, err := fmt.Fprintf(out, "%s %s %s\n", moment, what, n); err != nil {
			return err
		}
	}
	if more := len(names) - maxTurned; more > 0 {
		_, err := fmt.Fprintf(out, "%s %s and %s more\n", moment, what, count(more, "signal"))
		return err
	}
	return nil
}
