package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// fading are looks at signals of which all fall silent, at last a watch is blind, and then
// one is heard again.
func fading(n int) func(Surveyed) []look {
	return func(s Surveyed) []look {
		at := func(after time.Duration, state observe.State) Surveyed {
			t := s
			t.Report.At, t.Report.Signals = s.Report.At.Add(after), nil
			for i := range n {
				signal := s.Report.Signals[0].Signal
				signal.Labels = map[string]string{"namespace": "shop", "app": fmt.Sprintf("w%02d", i)}
				t.Report.Signals = append(t.Report.Signals, observe.Standing{Signal: signal, State: state})
			}
			return t
		}
		blind := at(3*time.Minute, observe.Silent)
		blind.Failed = []WatchProblem{{watch.Watch{Name: "queue"}, fault.New(fault.Invalid, "ask Prometheus", "p", "the query is none", "")}}
		blind.Notes = []string{"5 signals are not followed"}
		heard := at(4*time.Minute, observe.Silent)
		heard.Report.Signals[0].State = observe.Normal
		return []look{{told: at(time.Minute, observe.Normal)}, {told: at(2*time.Minute, observe.Silent)}, {told: at(2*time.Minute, observe.Silent)}, {told: blind}, {told: heard}}
	}
}

// TestWatchingTellsWhatIsNotSeen has lines of what fell silent, and the counts at first and
// whenever they change.
func TestWatchingTellsWhatIsNotSeen(t *testing.T) {
	_, out, errs := watchOf(t, fading(2), false, "anomalies")
	for _, want := range []string{"12:02:00Z silent shop/w00 ", "12:02:00Z silent shop/w01 ", "12:04:00Z heard again shop/w00 "} {
		if strings.Count(out, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, out)
		}
	}
	if strings.Contains(out, "heard again shop/w01") {
		t.Error(out)
	}
	for _, want := range []string{"2 normal, 0 still learned, 0 silent\n", "blind: queue could not be asked: ", "note: 5 signals are not followed\n", "1 normal, 0 still learned, 1 silent\n"} {
		if strings.Count(errs, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, errs)
		}
	}
	if n := strings.Count(errs, " 2 silent\n"); n != 2 { // with and without what is blind
		t.Errorf("told %d times that all is silent:\n%s", n, errs)
	}
	if _, out, _ = watchOf(t, fading(50), false, "anomalies"); strings.Count(out, " silent ") != maxTurned+1 || !strings.Contains(out, "silent and 30 signals more\n") {
		t.Error(out)
	}
	for _, terminal := range []bool{false, true} {
		_, _, errs = watchOf(t, fading(2), terminal, "top")
		if strings.Count(errs, "blind: queue") != 1 || strings.Count(errs, "note: 5 signals are not followed") != 1 {
			t.Errorf("top, on a terminal %v:\n%s", terminal, errs)
		}
	}
}
