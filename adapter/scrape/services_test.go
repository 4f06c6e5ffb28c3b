package scrape

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTargetsOfServices follows what Services say of pods: a pod that says it itself is
// believed, and no place is scraped twice.
func TestTargetsOfServices(t *testing.T) {
	ports := []Port{{"app", "http", 8080}, {"app", "admin", 9000}, {"proxy", "proxy-metrics", 15090}}
	labels := map[string]string{"app": "cart", "tier": "back"}
	yes := func(more ...string) map[string]string {
		out := map[string]string{"scrape": "true"}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	web := []ServicePort{{"web", 80, "http"}, {"admin", 81, "9000"}}
	service := func(name string, notes map[string]string, ports []ServicePort) Service {
		return Service{Namespace: "shop", Name: name, Notes: notes, Selector: map[string]string{"app": "cart"}, Ports: ports}
	}
	for name, c := range map[string]struct {
		pod      map[string]string
		services []Service
		want     string
	}{
		"the first port":                        {nil, []Service{service("a", yes(), web)}, "http :8080 /metrics app"},
		"a port named metrics by the Service":   {nil, []Service{service("a", yes(), append(web, ServicePort{"http-metrics", 82, "admin"}))}, "http :9000 /metrics app"},
		"a port named metrics by the pod":       {nil, []Service{service("a", yes(), []ServicePort{{"x", 80, "http"}, {"y", 81, "proxy-metrics"}})}, "http :15090 /metrics proxy"},
		"port, path and scheme":                 {nil, []Service{service("a", yes("port", "9000", "path", "/m", "scheme", "https"), web)}, "https :9000 /m app"},
		"the Service's number of a port":        {nil, []Service{service("a", yes("port", "81"), web)}, "http :9000 /metrics app"},
		"the Service's name of a port":          {nil, []Service{service("a", yes("port", "web"), web)}, "http :8080 /metrics app"},
		"a port that is not declared":           {nil, []Service{service("a", yes(), []ServicePort{{"", 7000, ""}})}, "http :7000 /metrics "},
		"a number that nobody declares":         {nil, []Service{service("a", yes("port", "7001"), web)}, "http :7001 /metrics "},
		"a port that the pod does not have":     {nil, []Service{service("a", yes(), []ServicePort{{"web", 80, "nothing"}})}, "http :15090 /metrics proxy"},
		"found by its own annotations, too":     {yes("port", "9000"), []Service{service("a", yes("port", "8080"), web)}, "http :9000 /metrics app"},
		"refused by the pod":                    {map[string]string{"scrape": "false"}, []Service{service("a", yes(), web)}, ""},
		"two Services of the same":              {nil, []Service{service("a", yes(), web), service("headless", yes("port", "8080"), web)}, "http :8080 /metrics app"},
		"two Services of different ports":       {nil, []Service{service("a", yes("port", "8080"), web), service("b", yes("port", "9000"), web)}, "http :8080 /metrics app; http :9000 /metrics app"},
		"of another namespace":                  {nil, []Service{{Namespace: "back", Notes: yes(), Selector: map[string]string{"app": "cart"}, Ports: web}}, "http :15090 /metrics proxy"},
		"one that selects others":               {nil, []Service{{Namespace: "shop", Notes: yes(), Selector: map[string]string{"app": "cart", "x": ""}, Ports: web}}, "http :15090 /metrics proxy"},
		"one that selects by two of the labels": {nil, []Service{{Namespace: "shop", Notes: yes(), Selector: labels, Ports: web}}, "http :8080 /metrics app"},
	} {
		var got []string
		for _, l := range targetsOf(Pod{Namespace: "shop", Name: "cart-1", Workload: "cart", Address: "10.0.0.1", Notes: c.pod, Labels: labels, Ports: ports}, c.services) {
			got = append(got, fmt.Sprintf("%s %s %s %s", l["__scheme__"], strings.TrimPrefix(string(l["__address__"]), "10.0.0.1"), l["__metrics_path__"], l["container"]))
			if l["job"] != "shop/cart" || l["pod"] != "cart-1" {
				t.Errorf("%s: %v", name, l)
			}
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

// TestServicesComeAndGo has a Service come after its pod, lose its annotation and go.
func TestServicesComeAndGo(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Pods()
	// targets counts them if they may be others than before, which must be so if woken.
	targets := func(woken bool) (n int) {
		t.Helper()
		select {
		case <-p.changed:
			if !woken {
				t.Error("woken for nothing")
			}
		case <-time.After(10 * time.Millisecond):
			if woken {
				t.Error("nobody is told")
			}
		}
		for _, g := range p.groups() {
			n += len(g.Targets)
		}
		return n
	}
	pod := Pod{Namespace: "shop", Name: "cart-1", Address: "10.0.0.1", Labels: map[string]string{"app": "cart"}, Ports: []Port{{"app", "http", 8080}}}
	p.Changed(pod)
	if n := targets(true); n != 0 {
		t.Errorf("%d targets of a pod that says nothing", n)
	}
	p.Changed(pod)
	targets(false)
	service := Service{Namespace: "shop", Name: "cart", Notes: map[string]string{"scrape": "true"}, Selector: pod.Labels, Ports: []ServicePort{{"http", 80, "http"}}}
	p.ServiceChanged(service)
	if n := targets(true); n != 1 {
		t.Errorf("%d targets of a Service that says so", n)
	}
	service.Notes = nil
	p.ServiceChanged(service)
	if n := targets(true); n != 0 {
		t.Errorf("%d targets of a Service that says so no more", n)
	}
	p.ServiceChanged(service)
	p.ServiceChanged(Service{Namespace: "shop", Name: "outside", Notes: map[string]string{"scrape": "true"}})
	p.ServiceGone("shop", "never")
	targets(false)
	service.Notes = map[string]string{"scrape": "true"}
	p.ServiceChanged(service)
	targets(true)
	p.ServiceGone("shop", "cart")
	if n := targets(true); n != 0 {
		t.Errorf("%d targets of a Service that is gone", n)
	}
}
