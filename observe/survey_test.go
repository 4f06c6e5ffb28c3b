package observe

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/watch"
)

var began = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

const step = 30 * time.Second

// story makes samples of a signal from a moment on.
func story(n int, value func(i int) float64) (at []int64, values []float64) {
	for i := range n {
		at = append(at, began.Add(time.Duration(i)*step).UnixMilli())
		values = append(values, value(i))
	}
	return at, values
}

// noisy is 20 ms with noise, and what a fault makes of it from a sample on.
func noisy(seed uint64, fault int, as float64) func(int) float64 {
	random := rand.New(rand.NewPCG(seed, 7))
	return func(i int) float64 {
		v := 0.020 + 0.001*random.NormFloat64()
		if fault > 0 && i >= fault {
			v *= as
		}
		return v
	}
}

func latency(name string) (watch.Watch, map[string]string) {
	return watch.Watch{Name: "http/duration", Golden: watch.Duration, Unit: "s", Direction: anomaly.Above, MinEffect: 0.005}, map[string]string{"namespace": "shop", "app": name}
}

// TestForget drops the signals of a watch, which makes room for one that was left.
func TestForget(t *testing.T) {
	s := NewSurvey(Options{Step: step, MaxSignals: 2})
	feed := func(w watch.Watch, name string) {
		t.Helper()
		at, values := story(300, noisy(1, 0, 0))
		if err := s.Feed(w, map[string]string{"app": name}, at, values); err != nil {
			t.Fatal(err)
		}
	}
	a, b := watch.MonitorOf("a", "x"), watch.MonitorOf("a/b", "y")
	feed(a, "one")
	feed(b, "two")
	feed(a, "three")
	end := began.Add(300 * step)
	if r := s.Report(end); r.Left != 1 || len(r.Signals) != 2 {
		t.Fatalf("%d signals, %d left", len(r.Signals), r.Left)
	}
	s.Forget(a.Name)
	r := s.Report(end)
	if r.Left != 0 || len(r.Signals) != 1 || r.Signals[0].Signal.Workload() != "two" {
		t.Fatalf("%d signals, %d left", len(r.Signals), r.Left)
	}
	feed(a, "three")
	if r = s.Report(end); len(r.Signals) != 2 || r.Signals[1].Signal.Workload() != "three" || r.Signals[1].State != Normal {
		t.Errorf("%d signals, %d left", len(r.Signals), r.Left)
	}
}

// TestWhoseMonitor leaves the namespace of an Application's monitor to no label, and its
// workload to a label if one says it.
func TestWhoseMonitor(t *testing.T) {
	w := watch.Watch{Name: "monitor/shop/orders/queue", Golden: watch.Monitor, Namespace: "shop", Workload: "orders"}
	for _, c := range []struct {
		labels map[string]string
		of     string
	}{{nil, "shop/orders"}, {map[string]string{"namespace": "kube-system"}, "shop/orders"}, {map[string]string{"namespace": "bank", "app": "worker"}, "shop/worker"}} {
		if got := (Signal{w, c.labels}).Of(); got != c.of {
			t.Errorf("%v is %s, not %s", c.labels, got, c.of)
		}
	}
}

func TestSurvey(t *testing.T) {
	const n = 1000
	end := began.Add((n - 1) * step)
	s := NewSurvey(Options{Step: step, From: end.Add(-time.Hour), MaxSignals: 6, Planned: func(x Signal) func(time.Time) bool {
		if x.Workload() != "planned" {
			return nil
		}
		return func(time.Time) bool { return true }
	}})
	feed := func(name string, n int, value func(int) float64) {
		w, labels := latency(name)
		at, values := story(n, value)
		if err := s.Feed(w, labels, at, values); err != nil {
			t.Fatal(err)
		}
	}
	feed("calm", n, noisy(1, 0, 0))
	feed("slow", n, noisy(2, n-20, 10))
	feed("quick", n, noisy(3, n-20, 0.1)) // below is no matter
	feed("gone", n-20, noisy(4, 0, 0))
	feed("young", 50, noisy(5, 0, 0))
	feed("planned", n, noisy(6, n-20, 10))
	feed("beyond", n, noisy(7, 0, 0))
	feed("beyond", n, noisy(7, 0, 0))
	r := s.Report(end)
	if r.Left != 1 || len(r.Signals) != 6 {
		t.Errorf("%d followed, %d left", len(r.Signals), r.Left)
	}
	want := map[string]State{"calm": Normal, "slow": Abnormal, "quick": Normal, "gone": Silent, "young": Silent, "planned": Normal}
	for _, x := range r.Signals {
		if x.State != want[x.Signal.Workload()] {
			t.Errorf("%s is %s", x.Signal.Of(), x.State)
		}
		if len(x.Points) > 121 {
			t.Errorf("%s keeps %d points", x.Signal.Of(), len(x.Points))
		}
	}
	all := r.Anomalies()
	if len(all) != 1 || all[0].Signal.Workload() != "slow" || !all[0].Open() || all[0].Direction != anomaly.Above || all[0].Value < 0.15 || all[0].Low > 0.02 || all[0].High > 0.05 {
		t.Fatalf("%+v", all)
	}
	if late := all[0].Since.Sub(end.Add(-19 * step)); late < 0 || late > 5*step {
		t.Errorf("it began %s late", late)
	}
	if got := s.Report(began.Add(40 * step)); got.Count(Learning) != 1 {
		t.Errorf("%d learning", got.Count(Learning)) // what was judged once stays judged
	}
}

// TestSurveyEnds sees an anomaly end, and a signal that only begins.
func TestSurveyEnds(t *testing.T) {
	const n = 1400
	s := NewSurvey(Options{Step: step, From: began})
	w, labels := latency("healed")
	value := noisy(1, 0, 0)
	at, values := story(n, func(i int) float64 {
		if i >= 800 && i < 830 {
			return 10 * value(i)
		}
		return value(i)
	})
	values[10], values[11] = math.NaN(), math.Inf(1)
	if err := s.Feed(w, labels, at, values); err != nil {
		t.Fatal(err)
	}
	if err := s.Feed(w, labels, at[n-3:], values[n-3:]); err != nil { // twice
		t.Fatal(err)
	}
	young, labels := latency("young")
	if err := s.Feed(young, labels, at[n-30:], values[n-30:]); err != nil {
		t.Fatal(err)
	}
	r := s.Report(time.UnixMilli(at[n-1]))
	all := r.Anomalies()
	if len(all) == 0 || all[0].Open() || !all[len(all)-1].Until.After(all[len(all)-1].Since) || r.Signals[0].State != Normal || r.Signals[1].State != Learning {
		t.Errorf("%+v %v %v", all, r.Signals[0].State, r.Signals[1].State)
	}
}

func TestSignal(t *testing.T) {
	for i, c := range []struct {
		labels       map[string]string
		of           string
		ns, workload string
	}{
		{map[string]string{"namespace": "shop", "app": "web", "job": "pods"}, "shop/web", "shop", "web"},
		{map[string]string{"job": "shop/web"}, "shop/web", "shop", "web"},
		{map[string]string{"job": "observability/collector", "service_name": "web"}, "web", "", "web"},
		{map[string]string{"job": "shop/web", "service_name": "web", "workload": "collector"}, "shop/web", "shop", "web"},
		{map[string]string{"namespace": "observability", "service_namespace": "shop", "workload": "collector", "service_name": "web"}, "shop/web", "shop", "web"},
		{map[string]string{"namespace": "shop", "workload": "web", "service_name": "unknown_service:java"}, "shop/web", "shop", "web"},
		{map[string]string{"namespace": "shop", "ingress": "all", "service": "web"}, "shop/web", "shop", "web"},
		{map[string]string{"destination_workload": "web", "destination_workload_namespace": "shop", "namespace": "istio-system"}, "shop/web", "shop", "web"},
		{map[string]string{"service": "shop-web-80@kubernetes", "namespace": ""}, "shop-web-80@kubernetes", "", "shop-web-80@kubernetes"},
		{map[string]string{}, "(nobody's)", "", ""},
	} {
		s := Signal{watch.Watch{Name: "x"}, c.labels}
		if s.Of() != c.of || s.Namespace() != c.ns || s.Workload() != c.workload {
			t.Errorf("%d: %q %q %q", i, s.Of(), s.Namespace(), s.Workload())
		}
	}
	a := Signal{watch.Watch{Name: "x"}, map[string]string{"a": "1", "b": ""}}
	b := Signal{watch.Watch{Name: "x"}, map[string]string{"a": "1"}}
	c := Signal{watch.Watch{Name: "x"}, map[string]string{"a": "2"}}
	if a.ID() != b.ID() || a.ID() == c.ID() || len(a.ID()) != 8 {
		t.Error(a.ID(), b.ID(), c.ID())
	}
	if got := fmt.Sprint(Signal{watch.Watch{}, map[string]string{"container": "main", "app": "web", "zone": "a", "ingress": "all"}}.Rest()); got != "[container=main ingress=all zone=a]" {
		t.Error(got)
	}
}

func TestQuantity(t *testing.T) {
	for want, got := range map[string]string{
		"-": Quantity(math.NaN(), "s"), "12 ms": Quantity(0.012, "s"), "1.5 s": Quantity(1.5, "s"), "2.5%": Quantity(0.025, "share"),
		"1.5 MiB": Quantity(1.5*1024*1024, "bytes"), "3": Quantity(3, ""), "10 /s": Quantity(10, "/s"),
		"0%": Quantity(2e-32, "share"), "0 ms": Quantity(-1e-20, "s"), "0 B": Quantity(0, "bytes"), "0": Quantity(0, ""), "0 cores": Quantity(0, "cores"),
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestOver(t *testing.T) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	var r Report
	if _, over := r.Over(); over {
		t.Error("nothing was abnormal")
	}
	r.Signals = []Standing{{}, {Anomalies: []Anomaly{{Until: at}, {Until: at.Add(time.Minute)}}}, {Anomalies: []Anomaly{{Until: at}}}}
	if since, over := r.Over(); !over || !since.Equal(at.Add(time.Minute)) {
		t.Errorf("%v %v", since, over)
	}
	r.Signals[0].Anomalies = []Anomaly{{}}
	if _, over := r.Over(); over {
		t.Error("one goes on")
	}
}

// TestFeedAllocates counts what samples of signals that are known cost: nothing while they
// are only learned. From the time on from which points are kept these take the memory of a
// growing list, and an incident that of its explanation. A new signal takes its track, its
// key, and its places in the map and the order.
func TestFeedAllocates(t *testing.T) {
	const signals = 20
	names := make([]map[string]string, signals)
	for i := range names {
		names[i] = map[string]string{"namespace": "shop", "app": fmt.Sprint("app-", i), "pod": fmt.Sprint("pod-", i), "none": ""}
	}
	w, _ := latency("any")
	value := noisy(1, 0, 0)
	count := func(o Options, samples int) float64 {
		o.Step = step
		s, n := NewSurvey(o), 0
		at, values := make([]int64, samples), make([]float64, samples)
		return testing.AllocsPerRun(1, func() {
			for range 500 {
				for i := range at {
					at[i], values[i] = began.Add(time.Duration(n+i)*step).UnixMilli(), value(n)
				}
				n += len(at)
				for _, labels := range names {
					if err := s.Feed(w, labels, at, values); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
	never := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	no := func(time.Time) bool { return false }
	planned := func(Signal) func(time.Time) bool { return no }
	for name, o := range map[string]Options{"plain": {From: never}, "planned": {From: never, Planned: planned}, "too many": {From: never, MaxSignals: 5}} {
		if n := count(o, 1); n != 0 {
			t.Errorf("%s: %v allocations in %d samples", name, n, 500*signals)
		}
	}
	if n := count(Options{From: began}, 1); n > 12*signals {
		t.Errorf("with points: %v allocations in %d samples", n, 500*signals)
	}
}

// TestWhatNeverWasANumber is not silent, which it can become only after a number.
func TestWhatNeverWasANumber(t *testing.T) {
	s := NewSurvey(Options{Step: step, From: began})
	w, labels := latency("queue")
	at, values := story(300, func(int) float64 { return math.NaN() })
	if err := s.Feed(w, labels, at, values); err != nil {
		t.Fatal(err)
	}
	end := began.Add(300 * step)
	if r := s.Report(end); r.Signals[0].State != Learning || len(r.Numberless()) != 1 || r.Numberless()[0].Workload() != "queue" {
		t.Errorf("%+v", r.Signals[0])
	}
	if err := s.Feed(w, labels, []int64{end.UnixMilli()}, []float64{1}); err != nil {
		t.Fatal(err)
	}
	if r := s.Report(end); r.Signals[0].State != Learning || len(r.Numberless()) != 0 {
		t.Errorf("%+v", r.Signals[0])
	}
	if r := s.Report(end.Add(time.Hour)); r.Signals[0].State != Silent {
		t.Errorf("%+v", r.Signals[0])
	}
}

// TestWrongShares has shares of errors that cannot be right be unknown: they are no value,
// open no anomaly, and leave what was learned as it is.
func TestWrongShares(t *testing.T) {
	const n = 600
	shares := watch.Watch{Name: "http/errors", Golden: watch.Errors, Unit: "share", Direction: anomaly.Above, MinEffect: 0.005}
	of := shares
	of.Name, of.Golden = "monitor/ratio", watch.Monitor
	for _, c := range []struct {
		watch  watch.Watch
		value  float64
		length int // of what cannot be right
		state  State
	}{
		{shares, 2.5, 20, Unknown}, {shares, -0.5, 20, Unknown}, {shares, 2.5, n, Unknown},
		{shares, 0.9, 20, Abnormal}, {of, 2.5, 20, Abnormal},
	} {
		s := NewSurvey(Options{Step: step, From: began})
		random := rand.New(rand.NewPCG(5, 6))
		at, values := story(n, func(i int) float64 {
			if i >= n-c.length {
				return c.value
			}
			return 0.01 + 0.001*random.Float64()
		})
		if err := s.Feed(c.watch, map[string]string{"app": "orders"}, at, values); err != nil {
			t.Fatal(err)
		}
		end := began.Add((n - 1) * step)
		r := s.Report(end)
		x := r.Signals[0]
		if x.State != c.state || !x.At.Equal(end) || r.Count(c.state) != 1 {
			t.Errorf("%s %v: %s at %s", c.watch.Name, c.value, x.State, x.At)
		}
		if c.state != Unknown {
			continue
		}
		if wrong := r.Wrong(); !math.IsNaN(x.Value) || !math.IsNaN(x.High) || len(x.Anomalies) != 0 || len(x.Points) != n-c.length || len(wrong) != 1 || wrong[0].Wrong != c.value || len(r.Numberless()) != 0 {
			t.Errorf("%v: %+v, %d points", c.value, x.Anomalies, len(x.Points))
		}
		// It is as usual again, as if nothing had been between.
		if err := s.Feed(c.watch, map[string]string{"app": "orders"}, []int64{end.Add(step).UnixMilli()}, []float64{0.0105}); err != nil {
			t.Fatal(err)
		}
		if x := s.Report(end.Add(step)).Signals[0]; x.Value != 0.0105 || !math.IsNaN(x.Wrong) || c.length < n && x.State != Normal {
			t.Errorf("after %v: %s %v", c.value, x.State, x.Value)
		}
	}
}

// TestRecurring: what comes each night is told as that once it is known, and is no anomaly.
func TestRecurring(t *testing.T) {
	w, labels := latency("web")
	start := time.Date(2026, 1, 12, 0, 0, 0, 0, time.UTC)
	usual := noisy(3, 0, 1)
	night := func(i int) bool { return i%(24*60) >= 80 && i%(24*60) < 140 }
	for _, nights := range []int{2, 4} {
		s := NewSurvey(Options{Step: time.Minute, From: start.Add(time.Duration(nights-1) * 24 * time.Hour)})
		var at []int64
		var values []float64
		for i := range nights * 24 * 60 {
			v := usual(i)
			if night(i) {
				v *= 6
			}
			at, values = append(at, start.Add(time.Duration(i)*time.Minute).UnixMilli()), append(values, v)
		}
		if err := s.Feed(w, labels, at, values); err != nil {
			t.Fatal(err)
		}
		r := s.Report(time.UnixMilli(at[len(at)-1]))
		recurring := r.Recurring(time.Time{})
		if nights == 2 && (len(r.Anomalies()) == 0 || len(recurring) > 0) {
			t.Errorf("the second night is %v, recurring %v", r.Anomalies(), recurring)
		}
		if nights == 4 && (len(r.Anomalies()) > 0 || len(recurring) != 1 || len(r.Recurring(r.At)) > 0) {
			t.Errorf("the fourth night is %v, recurring %v", r.Anomalies(), recurring)
		}
	}
}
