package scrape

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

func TestTargetsOfPods(t *testing.T) {
	ports := []Port{{"app", "http", 8080}, {"app", "metrics", 9090}, {"proxy", "proxy-metrics", 15090}}
	for name, c := range map[string]struct {
		notes map[string]string
		ports []Port
		want  string
	}{
		"named":          {nil, ports, "http 10.0.0.1:9090 /metrics app; http 10.0.0.1:15090 /metrics proxy"},
		"refused":        {map[string]string{"scrape": "false"}, ports, ""},
		"annotated":      {map[string]string{"scrape": "true", "port": "8080", "path": "/m", "scheme": "https"}, ports, "https 10.0.0.1:8080 /m app"},
		"by name":        {map[string]string{"scrape": "true", "port": "http"}, ports, "http 10.0.0.1:8080 /metrics app"},
		"undeclared":     {map[string]string{"scrape": "true", "port": "1234"}, ports, "http 10.0.0.1:1234 /metrics "},
		"no number":      {map[string]string{"scrape": "true", "port": "99999999"}, ports, ""},
		"no port":        {map[string]string{"scrape": "true"}, ports[:1], "http 10.0.0.1:8080 /metrics app"},
		"no ports":       {map[string]string{"scrape": "true"}, nil, ""},
		"a strange path": {map[string]string{"path": "@evil/", "scheme": "file"}, ports[1:2], "http 10.0.0.1:9090 /metrics app"},
		"nothing":        {nil, ports[:1], ""},
	} {
		var got []string
		for _, l := range targetsOf(Pod{Namespace: "shop", Name: "cart-1", Workload: "cart", Address: "10.0.0.1", Notes: c.notes, Ports: c.ports}, nil) {
			got = append(got, fmt.Sprintf("%s %s %s %s", l["__scheme__"], l["__address__"], l["__metrics_path__"], l["container"]))
			if l["job"] != "shop/cart" || l["pod"] != "cart-1" {
				t.Errorf("%s: %v", name, l)
			}
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
	if targetsOf(Pod{Ports: ports}, nil) != nil {
		t.Error("a pod without an address has targets")
	}
}

// TestPods follows what comes and goes, with the nodes' kubelets beside it.
func TestPods(t *testing.T) {
	s, err := New(Options{MaxTargets: 3, Kubelet: &Kubelet{TokenFile: "/token", CAFile: "/ca"}})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Pods()
	for i := range 5 {
		p.Changed(Pod{Namespace: "shop", Name: fmt.Sprint("cart-", i), Node: "n1", NodeAddress: "192.0.2.1", Address: fmt.Sprint("10.0.0.", i), Ports: []Port{{"app", "metrics", 80}}})
	}
	p.Changed(Pod{Namespace: "other", Name: "quiet", Node: "n2", NodeAddress: "192.0.2.2", Address: "10.0.1.1"})
	p.Gone("shop", "cart-4")
	p.Changed(Pod{Namespace: "shop", Name: "cart-3"}) // lost its address
	groups := p.groups()
	if len(groups) != 1 || len(groups[0].Targets) != 3 || groups[0].Labels["namespace"] != "shop" {
		t.Errorf("%v", groups)
	}
	k := p.kubelets()
	if len(k) != 1 || len(k[0].Targets) != 4 || k[0].Targets[1]["__address__"] != "192.0.2.1:10250" || k[0].Targets[1]["__metrics_path__"] != "/metrics/resource" {
		t.Errorf("%v", k)
	}
	s.set(poolKubelet, k)
	s.set(poolPods, groups)
	if s.left[poolKubelet] != 1 || s.left[poolPods] != 0 || len(s.targets) != 1 {
		t.Errorf("%v left, %d to hand over", s.left, len(s.targets))
	}
}

func TestParseTargets(t *testing.T) {
	groups, err := ParseTargets([]byte("- targets: [a:1, '[::1]:2']\n  labels: {job: x}\n- targets: [b:3]\n"), "f")
	if err != nil || len(groups) != 2 || len(groups[0].Targets) != 2 || groups[0].Labels["job"] != "x" || groups[0].Source == groups[1].Source {
		t.Errorf("%v, %v", groups, err)
	}
	if groups, err := ParseTargets(nil, "f"); err != nil || groups != nil {
		t.Errorf("nothing: %v, %v", groups, err)
	}
	for _, text := range []string{"- {targets: [a]}", "- {targets: ['a:0']}", "- {targets: [':1']}", "- {targets: ['a:b']}", "- {goals: []}", "x", "- {labels: {\"\": x}}", "- {targets: ['http://a:80/']}", "[{targets: [\"a:1\"], labels: {a: \"\\xff\"}}"} {
		if _, err := ParseTargets([]byte(text), "f"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe") // of which nobody writes
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(pipe); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := readFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{Interval: time.Millisecond}, {Interval: time.Second, Timeout: time.Minute}} {
		if _, err := New(o); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v", err)
		}
	}
}

func FuzzParseTargets(f *testing.F) {
	f.Add([]byte("- targets: [a:1]\n  labels: {job: x}\n"))
	f.Add([]byte(`[{"targets":["[::1]:9090"]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		groups, err := ParseTargets(text, "f")
		if err != nil && groups != nil {
			t.Error("groups beside an error")
		}
		for _, g := range groups {
			if err := g.Labels.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
