package daemon

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// TestAnomalyAlerts tells of what goes on once a minute, resolves what is over, and leaves
// alone what nobody measures any more, and what another aeod tells.
func TestAnomalyAlerts(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var sent []follow.Alert
	muted := false
	alerts := &anomalyAlerts{
		send: func(all []follow.Alert) { sent = append(sent, all...) }, muted: func() bool { return muted },
		now: func() time.Time { return now }, said: map[string]time.Time{},
	}
	of := func(workload string) observe.Anomaly {
		s := observe.Signal{Watch: watch.Watch{Name: "otel-http/errors", Golden: watch.Errors, What: "share of requests that failed", Unit: "share"}, Labels: map[string]string{"namespace": "shop", "workload": workload}}
		return observe.Anomaly{Signal: s, Since: now.Add(-time.Minute), Value: 0.25, Low: 0, High: 0.01, Probability: 0.9}
	}
	cart, mail := of("cart"), of("mail")
	over := of("over")
	over.Until = now
	report := observe.Report{Signals: []observe.Standing{{Signal: cart.Signal, Anomalies: []observe.Anomaly{cart}}, {Signal: mail.Signal, Anomalies: []observe.Anomaly{mail}}, {Signal: over.Signal, Anomalies: []observe.Anomaly{over}}}}
	look := func(after time.Duration, want int) {
		t.Helper()
		now, sent = now.Add(after), nil
		alerts.look(report)
		if len(sent) != want {
			t.Errorf("%d alerts, want %d: %+v", len(sent), want, sent)
		}
	}
	look(0, 2)
	a := sent[0]
	want := map[string]string{"alertname": "Anomaly", "severity": "ticket", "namespace": "shop", "workload": "cart", "quantity": "errors", "signal": "otel-http/errors", "id": cart.Signal.ID()}
	if a.Labels["workload"] == "mail" {
		a = sent[1]
	}
	if fmt.Sprint(a.Labels) != fmt.Sprint(want) || !a.Starts.Equal(cart.Since) || !a.Ends.Equal(now.Add(follow.Lifetime)) ||
		a.Annotations["summary"] != "share of requests that failed of shop/cart is out of the ordinary: 25%" ||
		a.Annotations["description"] != "It was expected from 0% to 1%; that something began is 90 % sure. See `aeo observe explain "+cart.Signal.ID()+"`." {
		t.Errorf("%+v", a)
	}
	look(30*time.Second, 0)
	look(30*time.Second, 2)
	sent = nil
	alerts.turned(mail, unknown)
	alerts.turned(over, ended) // nobody was told of it
	if len(sent) != 0 {
		t.Errorf("%+v", sent)
	}
	alerts.turned(cart, began)
	alerts.turned(cart, ended)
	alerts.turned(cart, ended)
	if len(sent) != 1 || !sent[0].Ends.Equal(now) || sent[0].Labels["workload"] != "cart" || !sent[0].Starts.Equal(cart.Since) {
		t.Errorf("%+v", sent)
	}
	muted = true
	look(time.Hour, 0)
	muted = false
	look(0, 2) // who leads now begins anew
	(*anomalyAlerts)(nil).look(report)
	(*anomalyAlerts)(nil).turned(cart, ended)
}

// TestAlertmanagersAreToldOfAnomalies goes from what a follower tells to what an Alertmanager
// gets, without a Prometheus.
func TestAlertmanagersAreToldOfAnomalies(t *testing.T) {
	got := make(chan []map[string]any, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var all []map[string]any
		if err := json.NewDecoder(r.Body).Decode(&all); err != nil || r.URL.Path != "/api/v2/alerts" {
			t.Errorf("%s: %v", r.URL, err)
		}
		got <- all
	}))
	defer server.Close()
	d := &daemon{opts: Default(), log: slog.New(slog.DiscardHandler), reg: prometheus.NewRegistry(), events: kube.NewEvents(nil, "test")}
	d.opts.Objectives.Alertmanagers = []string{server.URL}
	for _, wanted := range []bool{false, true} {
		d.opts.Signals.Anomalies.Alerts = wanted
		if wanted {
			if err := d.openAlerts(); err != nil {
				t.Fatal(err)
			}
			go d.signals.alerts.Run(t.Context())
		}
		o, err := d.opts.Signals.Anomalies.follow(d.newAnomalies(), time.Minute, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := observe.Signal{Watch: watch.Watch{Name: "a/errors", Golden: watch.Errors, Unit: "share"}, Labels: map[string]string{"namespace": "shop", "workload": "cart"}}
		a := observe.Anomaly{Signal: s, Since: time.Now().Add(-time.Minute)}
		o.Looked(observe.Report{Signals: []observe.Standing{{Signal: s, Anomalies: []observe.Anomaly{a}}}})
		if !wanted {
			continue
		}
		for _, resolved := range []bool{false, true} {
			if resolved {
				o.Closed(a)
			}
			select {
			case all := <-got:
				ends, err := time.Parse(time.RFC3339, fmt.Sprint(all[0]["endsAt"]))
				if err != nil || len(all) != 1 || ends.After(time.Now()) == resolved {
					t.Errorf("resolved %v: %v", resolved, all)
				}
			case <-time.After(time.Minute):
				t.Fatal("nobody is told")
			}
		}
	}
	if len(got) != 0 {
		t.Error("somebody is told who is not to be")
	}
}
