package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	source "github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/stream"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// eventsOf writes events to a cluster of the test, which hands over the path and the body
// of each.
func eventsOf(t *testing.T) (*kube.Events, chan string) {
	t.Helper()
	got := make(chan string, 10)
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			got <- r.URL.Path + " " + string(text)
		}
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(cluster.Close)
	client, err := kube.New(&rest.Config{Host: cluster.URL})
	if err != nil {
		t.Fatal(err)
	}
	events := kube.NewEvents(client, "test")
	go events.Run(t.Context())
	return events, got
}

// TestMonitorsAreTheirApplications: what Applications name is followed until they go, and
// what becomes of it are their events, whatever labels the series have.
func TestMonitorsAreTheirApplications(t *testing.T) {
	events, got := eventsOf(t)
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Monitors: []v1alpha1.Monitor{{Name: "queue", Expr: "sum(queue)", Unit: "bytes"}, {Name: "none", Expr: "x", LeastChange: "1e999"}}}}
	app.Namespace, app.Name = "shop", "orders"
	apps := []*v1alpha1.Application{app, {}}
	tells := &anomalies{
		events: events, log: slog.New(slog.DiscardHandler),
		all: func() []*v1alpha1.Application { return apps },
		app: func(k deliver.AppKey) *v1alpha1.Application {
			for _, a := range apps {
				if a.Namespace == k.Namespace && a.Name == k.Name {
					return a
				}
			}
			return nil
		},
	}
	if first := tells.monitors(); len(first) != 0 {
		t.Errorf("they come before the first look: %v", first)
	}
	all := tells.monitors()
	if len(all) != 1 || all[0].What != "queue" {
		t.Fatalf("%+v", all)
	}
	tells.troubled(all[0], fault.New(fault.Invalid, "ask", "", "it is none", ""))
	tells.troubled(all[0], nil)
	tells.tell(observe.Anomaly{Signal: observe.Signal{Watch: all[0], Labels: map[string]string{"namespace": "kube-system"}}, Value: 5 << 20, High: 2048}, began)
	var told string
	for range 3 {
		select {
		case e := <-got:
			told += e + "\n"
		case <-time.After(time.Minute):
			t.Fatalf("three events were to come: %s", told)
		}
	}
	for _, w := range []string{"/namespaces/shop/events", `"kind":"Application"`, `"reason":"MonitorFailed"`, "mend spec.monitors", `"reason":"MonitorFollowed"`, `"reason":"Anomaly"`, "explain --applications", "queue of shop/orders is 5 MiB, expected 0 B to 2 KiB, since"} {
		if !strings.Contains(told, w) {
			t.Errorf("%q is missing in %s", w, told)
		}
	}
	if strings.Contains(told, "kube-system") {
		t.Errorf("an event where none belongs: %s", told)
	}
	apps = nil
	tells.troubled(all[0], nil) // its Application is gone
	if len(tells.monitors()) != 0 || len(got) != 0 {
		t.Error("what is gone is still followed or told")
	}
	if (&anomalies{}).monitors() != nil {
		t.Error("nobody's monitors")
	}
}

// TestSilenceIsAnEvent tells of workloads that fall silent, and of anomalies of which
// nobody knows whether they ended, in events of their own.
func TestSilenceIsAnEvent(t *testing.T) {
	events, got := eventsOf(t)
	tells := &anomalies{events: events, log: slog.New(slog.DiscardHandler)}
	at := time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC)
	tells.quiet(metrics.Quiet{Namespace: "../x", Workload: "cart", Since: at}, true)
	tells.quiet(metrics.Quiet{Namespace: "shop", Workload: "cart", Since: at}, true)
	tells.quiet(metrics.Quiet{Namespace: "shop", Workload: "cart", Since: at}, false)
	s := observe.Signal{Watch: watch.Watch{What: "share of failed requests", Unit: "share"}, Labels: map[string]string{"namespace": "shop", "workload": "cart"}}
	tells.tell(observe.Anomaly{Signal: s, Value: 0.2}, unknown)
	told := map[string]string{}
	for range 3 {
		select {
		case e := <-got:
			_, rest, _ := strings.Cut(e, `"reason":"`)
			reason, _, _ := strings.Cut(rest, `"`)
			told[reason] = e
		case <-time.After(time.Minute):
			t.Fatalf("three events were to come: %v", told)
		}
	}
	for reason, all := range map[string][]string{
		"Silent":         {"/namespaces/shop/events", `"type":"Normal"`, "nothing of shop/cart is measured since 2 Mar 09:05:00"},
		"Heard":          {`"type":"Normal"`, "shop/cart is measured again"},
		"AnomalyUnknown": {`"type":"Warning"`, "share of failed requests of shop/cart was 20%, and is not measured", s.ID()},
	} {
		for _, w := range all {
			if !strings.Contains(told[reason], w) {
				t.Errorf("%s: %q is missing in %q", reason, w, told[reason])
			}
		}
	}
}

// TestAnomaliesNeedGoodSettings refuses what cannot be followed, with the flag to change.
func TestAnomaliesNeedGoodSettings(t *testing.T) {
	good := Anomalies{Kept: true, History: time.Hour}
	for flag, c := range map[string]struct {
		spoil       func(*Anomalies)
		kept, asked bool
	}{
		"":                       {func(*Anomalies) {}, true, true},
		"anomalies-history":      {func(a *Anomalies) { a.History = time.Minute }, true, false},
		"prometheus-anomalies":   {func(a *Anomalies) { a.Asked = true }, true, true},
		"anomalies-alertmanager": {func(a *Anomalies) { a.Alerts = true }, false, true},
	} {
		a := good
		c.spoil(&a)
		var bad []string
		a.problems(c.kept, c.asked, func(ok bool, flag, _ string) {
			if !ok {
				bad = append(bad, flag)
			}
		})
		if strings.Join(bad, " ") != flag {
			t.Errorf("%s: %v", flag, bad)
		}
	}
	tells := &anomalies{log: slog.New(slog.DiscardHandler)}
	for flag, a := range map[string]Anomalies{"--anomalies-time-zone": {Zone: "Mars/North"}, "--anomalies-holidays": {Holidays: "/none"}} {
		if _, err := a.follow(tells, time.Minute, ""); err == nil || !strings.Contains(fmt.Sprintf("%#v", err), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// TestFollowAsked follows a Prometheus that somebody else keeps, with a monitor.
func TestFollowAsked(t *testing.T) {
	questions := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = r.ParseForm()
		switch {
		case strings.HasSuffix(r.URL.Path, "/values"):
			_, _ = w.Write([]byte(`{"status":"success","data":["http_requests_total"]}`))
		case strings.HasSuffix(r.URL.Path, "/query_range"):
			select {
			case questions <- r.Form.Get("query"):
			default:
			}
			_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"namespace":"shop","workload":"cart"},"values":[[1795694400,"1"],[1795694460,"2"]]}]}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	client, err := source.New(source.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	a := asked{client}
	var at []int64
	var values []float64
	from := time.Unix(1795694400, 0)
	err = a.Range(t.Context(), "up", from, from.Add(time.Minute), time.Minute, func(_ map[string]string, times []int64, v []float64) error {
		at, values = append(at, times...), append(values, v...)
		return nil
	})
	if err != nil || fmt.Sprint(at, values) != "[1795694400000 1795694460000] [1 2]" {
		t.Errorf("%v %v %v", at, values, err)
	}
	d := &daemon{opts: Default(), log: slog.New(slog.DiscardHandler), reg: prometheus.NewRegistry()}
	d.opts.CacheDir = t.TempDir()
	d.opts.Signals.Anomalies = Anomalies{Asked: true, History: time.Hour}
	if err := d.followAsked(client); err != nil || len(d.signals.receivers) != 1 {
		t.Fatalf("%v, %d", err, len(d.signals.receivers))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.signals.receivers[0](ctx) }()
	for q := ""; !strings.Contains(q, "http_requests_total"); {
		select {
		case q = <-questions:
		case <-time.After(time.Minute):
			t.Fatal("it was never asked")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestEventsOfProxies: what is in no namespace is told in the daemon's own, by its name; what
// names none that there can be is told nowhere.
func TestEventsOfProxies(t *testing.T) {
	events, got := eventsOf(t)
	tells := &anomalies{events: events, log: slog.New(slog.DiscardHandler), own: "autoecoops"}
	of := func(labels map[string]string) observe.Anomaly {
		return observe.Anomaly{Signal: observe.Signal{Watch: watch.Watch{Name: "traefik/errors", Golden: watch.Errors, What: "share of requests that failed", Unit: "share"}, Labels: labels}, Value: 0.2}
	}
	tells.tell(of(map[string]string{"namespace": "../x", "workload": "cart"}), began)
	tells.quiet(metrics.Quiet{Workload: "shop-cart-80@kubernetes"}, true)
	tells.tell(of(map[string]string{"service": "shop-cart-80@kubernetes", "proxy": "traefik"}), began)
	told := ""
	for range 2 {
		select {
		case e := <-got:
			told += e + "\n"
		case <-time.After(time.Minute):
			t.Fatalf("two events were to come: %s", told)
		}
	}
	for _, w := range []string{"share of requests that failed of shop-cart-80@kubernetes is 20%", "nothing of shop-cart-80@kubernetes is measured since", `"regarding":{"apiVersion":"v1","kind":"Namespace","name":"autoecoops","namespace":"autoecoops"}`} {
		if !strings.Contains(told, w) {
			t.Errorf("%q is missing in %s", w, told)
		}
	}
	if strings.Count(told, "/namespaces/autoecoops/events ") != 2 || len(got) != 0 {
		t.Error(told)
	}
	(&anomalies{events: events, log: tells.log}).tell(of(nil), began) // it has no namespace itself
	if len(got) != 0 {
		t.Error("an event of nobody")
	}
}

// TestWatchedIsNews: what becomes of the series of a workload is one event, which says how
// many they are and where to look; and none where no namespace is.
func TestWatchedIsNews(t *testing.T) {
	events, got := eventsOf(t)
	tells := &anomalies{events: events, log: slog.New(slog.DiscardHandler)}
	worst := observe.Anomaly{
		Signal: observe.Signal{Watch: watch.Watch{Golden: watch.Series, What: "rate of http_requests_total", Unit: "/s", Expr: `rate({__name__="http_requests_total"}[5m])`}, Labels: map[string]string{"namespace": "shop", "workload": "cart"}},
		Value:  140, Low: 5, High: 7,
	}
	for what, of := range map[stream.What]string{
		stream.Began:   "37 series of shop/cart are unlike before; clearest is rate of http_requests_total: 140 /s, expected 5 /s to 7 /s, since",
		stream.Ended:   "shop/cart: all series that are watched are as usual again",
		stream.Unknown: "shop/cart: series that were unlike before, as rate of http_requests_total, are not measured any more",
	} {
		tells.news(stream.News{Namespace: "../x", Workload: "cart", What: what, Worst: worst, Series: 37})
		tells.news(stream.News{Namespace: "shop", Workload: "cart", What: what, Worst: worst, Series: 37})
		e := <-got
		kind := map[stream.What]string{stream.Began: `"reason":"Anomaly"`, stream.Ended: `"reason":"AnomalyEnded"`, stream.Unknown: `"reason":"AnomalyUnknown"`}[what]
		if !strings.Contains(e, "/namespaces/shop/events") || !strings.Contains(e, kind) || !strings.Contains(e, of) || (what == stream.Began) != strings.Contains(e, `see `+"`"+`rate(`) {
			t.Errorf("%q is missing in %s", of, e)
		}
	}
	one := newsText(stream.News{What: stream.Began, Worst: worst, Series: 1})
	if !strings.HasPrefix(one, "rate of http_requests_total of shop/cart is 140 /s, expected 5 /s to 7 /s, since") {
		t.Error(one)
	}
	if len(got) != 0 {
		t.Errorf("an event where none belongs: %s", <-got)
	}
}

// TestWatchHasHabits: who watches goes by the same clock as who follows, and keeps what it
// learned beside the metrics.
func TestWatchHasHabits(t *testing.T) {
	tells := &anomalies{log: slog.New(slog.DiscardHandler), planned: func() func(observe.Signal) func(time.Time) bool { return nil }}
	a := Anomalies{Zone: "Europe/Berlin", History: time.Hour}
	o, err := a.watch(Watch{Selectors: []string{"up"}, MaxSeries: 7, Only: true}, tells, "/metrics")
	if err != nil || o.Location.String() != "Europe/Berlin" || o.Planned == nil || o.MaxSeries != 7 || !o.Alone || o.Keep != "/metrics/watched.kept" {
		t.Errorf("%+v, error %v", o, err)
	}
	if o, err := a.watch(Watch{}, tells, ""); o != nil || err != nil {
		t.Errorf("nobody watches: %+v, error %v", o, err)
	}
	if _, err := (&Anomalies{Zone: "Mars/North"}).watch(Watch{Selectors: []string{"up"}}, tells, ""); err == nil {
		t.Error("a zone that is none")
	}
	m := Metrics{Dir: t.TempDir(), Retention: "1d", RetentionSize: "1GiB", Watch: Watch{options: &metrics.WatchOptions{Selectors: []string{"{"}}}}
	if _, err := openMetrics(m, nil, prometheus.NewRegistry(), tells.log); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "pick the series {") {
		t.Errorf("no selector: %v", err)
	}
}
