package gitops

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

const burningObjective = `
apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: availability, namespace: slos}
spec:
  service: shop
  target: 99%
  period: {rolling: 1h}
  indicator: {total: 'shop_requests_total', bad: 'shop_requests_total{code="500"}'}
  labels: {team: cart}
  alerting:
    blindAfter: 10s
    tiers:
      - {name: page, severity: Page, long: 40s, short: 10s, factor: "10"}
      - {name: ticket, severity: Ticket, long: 60s, short: 20s, factor: "5"}
`

// shop counts requests, of which all fail while it is broken.
type shop struct {
	broken   atomic.Bool
	good     atomic.Int64
	bad      atomic.Int64
	requests *time.Ticker
}

func (s *shop) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, "# TYPE shop_requests_total counter\nshop_requests_total{code=\"200\"} %d\nshop_requests_total{code=\"500\"} %d\n", s.good.Load(), s.bad.Load())
}

func (s *shop) serve() {
	for range s.requests.C {
		if s.broken.Load() {
			s.bad.Add(1)
		} else {
			s.good.Add(1)
		}
	}
}

// TestObjectives has aeod follow an Objective with a real Prometheus, and tell a
// real Alertmanager: through a burn, a crash of aeod, a time without Prometheus,
// and the end of the burn.
func TestObjectives(t *testing.T) {
	manager := prometheustest.NeedAlertmanager(t)
	programs := prometheustest.Need(t)
	s := newSuite(t)
	objectives := schema.GroupVersionResource{Group: "autoecoops.io", Version: "v1alpha1", Resource: "objectives"}
	text, err := os.ReadFile("../../deploy/crds/autoecoops.io_objectives.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.create(t, resources["CustomResourceDefinition"], "", parse(t, string(text)))
	s.create(t, resources["Namespace"], "", obj("v1", "Namespace", "", "slos"))

	x := &shop{requests: time.NewTicker(10 * time.Millisecond)}
	go x.serve()
	target := httptest.NewServer(x)
	t.Cleanup(target.Close)
	config := "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: shop, static_configs: [{targets: [" + strings.TrimPrefix(target.URL, "http://") + "]}]}]\n"
	dir := t.TempDir()
	prom, err := prometheustest.Start(t.Context(), programs, dir, config)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = prom.Stop() // the test is over
		}
	})
	alerts, err := prometheustest.StartAlertmanager(t.Context(), manager, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = alerts.Stop() })

	own := filepath.Join(s.dir, "slos")
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := launch(s.exe, own, s.config, "--watch-namespace", "slos", "--leader-elect=false", "--prometheus", prom.URL, "--prometheus-scrape-interval", "1s", "--alertmanager", alerts.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.end)
	d.logged(t, `"working"`)
	s.create(t, objectives, "slos", parse(t, burningObjective))

	says := func(what string, f func(st *v1alpha1.ObjectiveStatus) bool) {
		t.Helper()
		await(t, scenarioTime, what, func() string {
			o, err := s.client.Resource(objectives).Namespace("slos").Get(t.Context(), "availability", metav1.GetOptions{})
			if err != nil {
				return err.Error()
			}
			var now v1alpha1.Objective
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &now); err != nil {
				return err.Error()
			}
			if f(&now.Status) {
				return ""
			}
			return fmt.Sprintf("%s, %s, %+v\n%s", now.Status.State, now.Status.Reason, now.Status.Incident, d.tail())
		})
	}
	told := func(what string, f func(all []prometheustest.Told) bool) (last []prometheustest.Told) {
		t.Helper()
		await(t, scenarioTime, what, func() string {
			var err error
			if last, err = alerts.Alerts(t.Context()); err != nil {
				return err.Error()
			}
			if f(last) {
				return ""
			}
			return fmt.Sprint(last)
		})
		return last
	}
	burn := func(all []prometheustest.Told) (found []prometheustest.Told) {
		for _, a := range all {
			if a.Labels["alertname"] == "ErrorBudgetBurn" {
				found = append(found, a)
			}
		}
		return found
	}
	pages := func(all []prometheustest.Told) bool {
		return len(burn(all)) == 1 && burn(all)[0].Labels["severity"] == "page"
	}

	says("it is measured", func(st *v1alpha1.ObjectiveStatus) bool {
		return st.State == "measured" && st.Incident == nil && st.Budget.Remaining != ""
	})
	x.broken.Store(true)
	says("it burns", func(st *v1alpha1.ObjectiveStatus) bool { return st.Incident != nil && st.Incident.Severity == "page" })
	first := burn(told("the alert arrives", pages))[0]
	if first.Labels["team"] != "cart" || first.Labels["objective"] != "availability" || first.Labels["namespace"] != "slos" {
		t.Errorf("%v", first.Labels)
	}

	// A crash of aeod neither resolves nor doubles it.
	d.kill()
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	if again := burn(told("it is still there", pages))[0]; again.Fingerprint != first.Fingerprint || again.StartsAt.After(first.StartsAt) {
		t.Errorf("it is another one: %v instead of %v", again, first)
	}

	// Without Prometheus it is blind, and the alert is kept.
	if err := prom.Stop(); err != nil {
		t.Fatal(err)
	}
	stopped = true
	says("it is blind", func(st *v1alpha1.ObjectiveStatus) bool { return st.State == "blind" && st.Incident != nil })
	told("both alerts", func(all []prometheustest.Told) bool { return pages(all) && len(all) == 2 })

	// Prometheus is back elsewhere with what it knew; the service is healed.
	x.broken.Store(false)
	again, err := prometheustest.Start(t.Context(), programs, dir, config, "--web.enable-lifecycle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Stop() })
	d.end()
	for i, arg := range d.args {
		if arg == prom.URL {
			d.args[i] = again.URL
		}
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	says("it is healed", func(st *v1alpha1.ObjectiveStatus) bool { return st.State == "measured" && st.Incident == nil })
	told("nothing is left", func(all []prometheustest.Told) bool { return len(all) == 0 })

	// One that is deleted while it burns is resolved.
	x.broken.Store(true)
	told("it burns again", pages)
	if err := s.client.Resource(objectives).Namespace("slos").Delete(t.Context(), "availability", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	told("it is gone", func(all []prometheustest.Told) bool { return len(all) == 0 })
}
