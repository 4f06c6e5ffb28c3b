package daemon

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
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
	tells.tell(observe.Anomaly{Signal: observe.Signal{Watch: all[0], Labels: map[string]string{"namespace": "kube-system"}}, Value: 5 << 20, High: 2048}, true)
	var told string
	for range 3 {
		select {
		case e := <-got:
			told += e + "\n"
		case <-time.After(10 * time.Second):
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
