package cli

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// surveyOf runs a command of observe on what a survey told.
func surveyOf(t *testing.T, b *surveying, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	s := &Streams{Out: &o, Err: &e, Getenv: func(string) string { return "" }}
	code = Main(t.Context(), b, s, Build{}, append([]string{"observe"}, append(args, "--prometheus", "http://p")...))
	return o.String(), e.String(), code
}

// TestWhatIsNotSeenIsNotWell has anomalies say so where there is nothing to judge.
func TestWhatIsNotSeenIsNotWell(t *testing.T) {
	for _, c := range []struct {
		states []observe.State
		args   string
		want   string
		code   int
	}{
		{nil, "anomalies -n nosuch", "Nothing can be said: no signal of namespace nosuch\n", 3},
		{nil, "anomalies", "Nothing can be said: no signal was found\n", 3},
		{[]observe.State{observe.Silent, observe.Learning}, "anomalies", "Nothing can be said: of 2 signals none could be judged\n", 3},
		{[]observe.State{observe.Silent, observe.Normal}, "anomalies", "Nothing abnormal in 1h00m.\n", 3},
		{[]observe.State{observe.Normal}, "anomalies", "Nothing abnormal in 1h00m.\n", 0},
	} {
		b := slowOrders()
		signal := b.told.Report.Signals[0].Signal
		b.told.Report.Signals = nil
		for _, s := range c.states {
			b.told.Report.Signals = append(b.told.Report.Signals, observe.Standing{Signal: signal, State: s, At: traceTime})
		}
		if out, errs, code := surveyOf(t, b, strings.Fields(c.args)...); out != c.want || code != c.code {
			t.Errorf("%s of %v: exit code %d\n%s%s", c.args, c.states, code, out, errs)
		}
	}
}

// TestSinceFitsHistory has only a --since that somebody wrote be too long.
func TestSinceFitsHistory(t *testing.T) {
	for args, want := range map[string]time.Duration{
		"anomalies":                                       time.Hour,
		"anomalies --history 10m --scrape 1s":             10 * time.Minute,
		"anomalies --history 2h":                          time.Hour,
		"anomalies --since 2h":                            2 * time.Hour,
		"anomalies --since 20m --history 10m --scrape 1s": 0,
	} {
		b := slowOrders()
		_, errs, code := surveyOf(t, b, strings.Fields(args)...)
		if want == 0 && (code != 2 || !strings.Contains(errs, "it is more than --history")) || b.wanted.Since != want {
			t.Errorf("%s: exit code %d, since %s: %s", args, code, b.wanted.Since, errs)
		}
	}
}

// TestSignalsWithoutANumber are told as blind, and what is normal beside them is not all.
func TestSignalsWithoutANumber(t *testing.T) {
	b := slowOrders()
	well := b.told.Report.Signals[0]
	well.State, well.Anomalies = observe.Normal, nil
	b.told.Report.Signals = []observe.Standing{well, {Signal: well.Signal, State: observe.Learning}}
	if out, errs, code := surveyOf(t, b, "top"); code != 3 || !strings.Contains(errs, "blind: 1 signal never had a number: shop/orders duration\n") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestSharesThatCannotBeRight are told as unknown, and not as a value.
func TestSharesThatCannotBeRight(t *testing.T) {
	b := slowOrders()
	wrong := observe.Standing{Signal: b.told.Report.Signals[0].Signal, State: observe.Unknown, At: traceTime, Value: math.NaN(), Wrong: 2.5}
	wrong.Signal.Watch.Golden, wrong.Signal.Watch.Unit, wrong.Signal.Watch.Name = watch.Errors, "share", "http/errors"
	b.told.Report.Signals = []observe.Standing{wrong}
	const line = "0 abnormal, 0 normal, 0 still learned, 0 silent, 1 unknown\nblind: 1 signal cannot be right, a share is of 0 to 100%: shop/orders errors 250%\n"
	out, errs, code := surveyOf(t, b, "top")
	if code != 3 || !strings.Contains(errs, line) || !strings.Contains(out, "shop/orders  -     unknown ?  -") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if out, errs, code := surveyOf(t, b, "anomalies"); code != 3 || out != "Nothing can be said: of 1 signal none could be judged\n" {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if out, _, _ := surveyOf(t, b, "top", "-o", "json"); !strings.Contains(out, `"state": "unknown"`) || !strings.Contains(out, `"value": null`) ||
		!strings.Contains(out, `"impossible": 2.5`) || !strings.Contains(out, `"unknown": 1`) {
		t.Error(out)
	}
	if out, _, _ := surveyOf(t, b, "explain", wrong.Signal.ID()); !strings.Contains(out, "now -, unknown (250% cannot be right)") {
		t.Error(out)
	}
}
