package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/bubble"
	"github.com/autoecoops/autoecoops/observe"
)

// look is what a survey comes to know at the next samples, or why it does not.
type look struct {
	told Surveyed
	err  error
}

// following is a backend whose survey goes on look by look, a step apart, until there is
// none any more: then it is stopped as by the user.
type following struct {
	*surveying
	looks []look
	stop  context.CancelFunc
	at    []time.Duration // when was asked for samples
	began time.Time
}

func (f *following) Survey(context.Context, SurveyRequest) (Survey, error) {
	f.began = time.Now()
	return f, nil
}

func (f *following) Advance(ctx context.Context) error {
	time.Sleep(f.told.Step)
	f.at = append(f.at, time.Since(f.began))
	if len(f.looks) == 0 {
		f.stop()
		return fault.New(fault.Interrupted, "survey", "", "it was stopped", "")
	}
	next := f.looks[0]
	f.looks = f.looks[1:]
	if next.err == nil {
		f.told = next.told
	}
	return next.err
}

func (f *following) Told() Surveyed { return f.told }

func (f *following) Plot(w io.Writer, req PlotRequest) error {
	f.plotted = append(f.plotted, req)
	_, err := io.WriteString(w, "(plot at "+req.Signal.At.Format("15:04:05")+")\n")
	return err
}

// away is a source of metrics that does not answer for now.
var away = fault.New(fault.Unavailable, "ask Prometheus", "p", "connection refused", "")

// recovering are the looks at orders that are slow, while the source goes away twice, and
// then are well again.
func recovering(s Surveyed) []look {
	later, well := s, s
	report := func(t *Surveyed, after time.Duration) *observe.Standing {
		t.Report.At = t.Report.At.Add(after)
		t.Report.Signals = []observe.Standing{s.Report.Signals[0]}
		x := &t.Report.Signals[0]
		x.At = t.Report.At
		x.Anomalies = []observe.Anomaly{x.Anomalies[0]}
		return x
	}
	report(&later, time.Minute)
	x := report(&well, 2*time.Minute)
	x.State, x.Value, x.Anomalies[0].Until = observe.Normal, 0.02, well.Report.At
	return []look{{err: away}, {err: fault.New(fault.TimedOut, "ask Prometheus", "p", "it takes too long", "")}, {told: later}, {told: well}}
}

// watchOf runs a command that follows, in a bubble, until all looks were taken.
func watchOf(t *testing.T, looks func(Surveyed) []look, terminal bool, args ...string) (f *following, out, errs string) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		f = &following{surveying: slowOrders(), stop: stop}
		f.told.Report.Signals[0].Anomalies[0].Signal = f.told.Report.Signals[0].Signal
		f.looks = looks(f.told)
		var o, e bytes.Buffer
		s := &Streams{Out: &o, Err: &e, OutTerminal: terminal, Getenv: func(string) string { return "" }}
		Main(ctx, f, s, Build{}, append([]string{"observe"}, append(args, "--watch", "--prometheus", "http://p")...))
		if len(f.looks) > 0 {
			t.Errorf("it ended before %d looks were taken: %s", len(f.looks), &e)
		}
		out, errs = o.String(), e.String()
	})
	return f, out, errs
}

// TestFollowing has each command tell anew at each look, and go on after its source of
// metrics was away, which it tells, a step later.
func TestFollowing(t *testing.T) {
	const clear = "\x1b[H\x1b[2J"
	for _, c := range []struct {
		args string
		// first is in what is told before the source went, and last at the end.
		first, last string
	}{
		{"anomalies", "goes on", "4m00s"},
		{"top", "400 ms !", " 20 ms  "},
		{"explain shop/orders", "now 400 ms, abnormal", "now 20 ms, normal"},
		{"causes", "Nothing can be said", "Nothing can be said"},
	} {
		t.Run(strings.Fields(c.args)[0], func(t *testing.T) {
			f, out, errs := watchOf(t, recovering, true, strings.Fields(c.args)...)
			screens := strings.Split(out, clear)
			if len(screens) != 6 || screens[0] != "" || !strings.Contains(screens[1], c.first) || !strings.Contains(screens[5], c.last) {
				t.Fatalf("%d screens\n%s\n%s", len(screens), strings.Join(screens, "\n-----\n"), errs)
			}
			for _, i := range []int{2, 3} {
				if screens[i] != screens[1] {
					t.Errorf("while the source is away it tells\n%s\nand not\n%s", screens[i], screens[1])
				}
			}
			if strings.Count(errs, "connection refused") != 1 || strings.Count(errs, "it takes too long") != 1 {
				t.Errorf("standard error: %s", errs)
			}
			want := []time.Duration{30 * time.Second, 90 * time.Second, 150 * time.Second, 180 * time.Second, 210 * time.Second}
			for i, at := range f.at {
				if i >= len(want) || at != want[i] {
					t.Errorf("it asked after %v, want %v", f.at, want)
					break
				}
			}
		})
	}
}

// TestFollowingAsJSON writes one document a look, and nothing that clears a screen.
func TestFollowingAsJSON(t *testing.T) {
	for args, part := range map[string]string{"anomalies": "anomalies", "top": "signals", "explain shop/orders": "signals", "causes": "causes"} {
		t.Run(strings.Fields(args)[0], func(t *testing.T) {
			_, out, errs := watchOf(t, recovering, true, append(strings.Fields(args), "-o", "json")...)
			d := json.NewDecoder(strings.NewReader(out))
			n := 0
			for ; ; n++ {
				var x map[string]json.RawMessage
				if err := d.Decode(&x); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if _, ok := x[part]; !ok {
					t.Errorf("there is no %q in %v", part, x)
				}
			}
			if n != 5 || strings.Contains(out, "\x1b") || !strings.Contains(errs, "connection refused") {
				t.Errorf("%d documents\n%s\n%s", n, out, errs)
			}
		})
	}
}

// TestFollowingInLines writes a line for what begins and one for what ends, once each,
// where nobody looks at a screen.
func TestFollowingInLines(t *testing.T) {
	_, out, errs := watchOf(t, recovering, false, "anomalies")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "2026-03-01T12:00:00Z begins shop/orders ") || !strings.HasPrefix(lines[1], "2026-03-01T12:02:00Z ends shop/orders ") {
		t.Errorf("%s\n%s", out, errs)
	}
}

// TestFollowingEnds where the source says what waiting does not mend.
func TestFollowingEnds(t *testing.T) {
	refused := func(Surveyed) []look {
		return []look{{err: fault.New(fault.Denied, "ask Prometheus", "p", "it may not", "give a token")}}
	}
	for _, args := range []string{"anomalies", "top", "explain shop/orders", "causes"} {
		f, out, errs := watchOf(t, refused, false, strings.Fields(args)...)
		if len(f.at) != 1 || strings.Count(errs, "it may not") != 1 {
			t.Errorf("%s asked %d times: %s%s", args, len(f.at), out, errs)
		}
	}
}

// TestThePlotFollows has the file drawn anew at each look, whole: who reads it never sees
// none, and half of one neither.
func TestThePlotFollows(t *testing.T) {
	file := filepath.Join(t.TempDir(), "why.svg")
	looks := func(s Surveyed) []look {
		all := recovering(s)
		// Another signal of the workload becomes abnormal: the first is drawn on.
		more := all[2].told.Report.Signals[0]
		more.Signal.Watch.Name = "http-other"
		all[2].told.Report.Signals = append([]observe.Standing{more}, all[2].told.Report.Signals...)
		return all
	}
	f, out, errs := watchOf(t, looks, false, "explain", "shop/orders", "--plot", file)
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "(plot at 12:02:00)\n" {
		t.Errorf("%q %v\n%s%s", text, err, out, errs)
	}
	drawn := 0
	for _, p := range f.plotted {
		if p.Format == SVG {
			drawn++
			if p.Signal.Signal.Watch.Name != "http-duration" {
				t.Errorf("it draws %s", p.Signal.Signal.Watch.Name)
			}
		}
	}
	if drawn != 5 {
		t.Errorf("it was drawn %d times", drawn)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}

// TestExplainGoesOn has a workload be watched on when its last anomaly is longer ago than
// --since, and be explained again when it is abnormal once more.
func TestExplainGoesOn(t *testing.T) {
	looks := func(s Surveyed) []look {
		var all []look
		for i, abnormal := range []bool{false, false, true} {
			t := s
			t.Report.At = s.Report.At.Add(time.Duration(i+1) * time.Hour)
			x := s.Report.Signals[0]
			x.At = t.Report.At
			if !abnormal {
				x.State, x.Value, x.Anomalies = observe.Normal, 0.02, nil
			}
			t.Report.Signals = []observe.Standing{x}
			all = append(all, look{told: t})
		}
		return all
	}
	_, out, errs := watchOf(t, looks, false, "explain", "shop/orders")
	const note = "note: nothing of shop/orders was abnormal in the last 1h00m; it is watched on\n"
	if strings.Count(out, "now 20 ms, normal") != 2 || strings.Count(out, "Nothing abnormal in 1h00m.") != 2 || strings.Count(out, "now 400 ms, abnormal") != 2 || strings.Count(errs, note) != 2 {
		t.Errorf("%s\n%s", out, errs)
	}
	// What was never abnormal is no workload to watch.
	b := slowOrders()
	b.told.Report.Signals[0].Anomalies = nil
	if _, errs, code := explainOf(t, b, "--watch"); code == 0 || !strings.Contains(errs, "no workload of this name has an abnormal one") {
		t.Errorf("code %d: %s", code, errs)
	}
}
