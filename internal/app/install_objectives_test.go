package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// TestInstallWithObjectives renders and judges the chart as it follows Objectives:
// the flags, the tokens, the rights and the way out.
func TestInstallWithObjectives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "autoecoops")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "values.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, objectives, ok := strings.Cut(string(text), "\nobjectives:\n")
	if !ok {
		t.Fatal("there are no values for objectives")
	}
	for old, value := range map[string]string{`url: ""`: "url: http://prometheus.monitoring:9090", "urls: []": "urls: [http://a.monitoring:9093, http://b.monitoring:9093]"} {
		objectives = strings.Replace(objectives, old, value, 1)
	}
	objectives = strings.Replace(objectives, `tokenSecret: ""`, "tokenSecret: prometheus", 1)
	objectives = strings.Replace(objectives, `tenant: ""`, "tenant: shop|web", 1)
	objectives = strings.Replace(objectives, `caSecret: ""`, "caSecret: authority", 1)
	prometheus, alertmanager, _ := strings.Cut(objectives, "  alertmanager:\n")
	alertmanager = strings.Replace(alertmanager, `user: ""`, "user: aeod", 1)
	alertmanager = strings.Replace(alertmanager, `passwordSecret: ""`, "passwordSecret: alertmanager", 1)
	objectives = prometheus + "  alertmanager:\n" + alertmanager
	if err := os.WriteFile(file, []byte(before+"\nobjectives:\n"+objectives), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (backend{}).Render(context.Background(), dir, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{
		"--prometheus=http://prometheus.monitoring:9090\n": 1, "--prometheus-scrape-interval=1m\n": 1, "--alertmanager=http://a.monitoring:9093\n": 1, "--alertmanager=http://b.monitoring:9093\n": 1,
		"--prometheus-token-file=/etc/aeod/prometheus/token\n": 1, `"--prometheus-tenant=shop|web"`: 1, "--prometheus-ca-file=/etc/aeod/prometheus-ca/ca.crt\n": 1, "prometheus-user": 0,
		`"--alertmanager-user=aeod"`: 1, "--alertmanager-password-file=/etc/aeod/alertmanager-password/password\n": 1, "alertmanager-token": 0,
		"secret: {secretName: prometheus, defaultMode: 0440}\n": 1, "secret: {secretName: alertmanager, defaultMode: 0440}\n": 1, "secret: {secretName: authority, defaultMode: 0440}\n": 1,
		"mountPath: /etc/aeod/prometheus,": 1, "mountPath: /etc/aeod/prometheus-ca,": 1, "mountPath: /etc/aeod/alertmanager-password,": 1,
		"resources: [objectives/status]\n": 1, "resources: [objectives]\n": 1, "port: 9093, protocol: TCP}": 1,
	} {
		if got := strings.Count(out.String(), want); got != n {
			t.Errorf("%q stands there %d times, want %d", want, got, n)
		}
	}
	mustPass(t, dir)
}

// TestInstallTellsAnomalies tells Alertmanagers of what is abnormal in the metrics that are
// kept, without a Prometheus: the flags, and the way out.
func TestInstallTellsAnomalies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "autoecoops")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "values.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, metrics, _ := strings.Cut(string(text), "\nmetrics:\n")
	metrics = strings.Replace(metrics, "enabled: false", "enabled: true", 1)
	metrics = strings.Replace(metrics, "urls: []\n", "urls: [http://a.monitoring:9093]\n", 1)
	for wanted, n := range map[string]int{"anomalies: false\n    # As of": 0, "anomalies: true\n    # As of": 1} {
		values := strings.Replace(metrics, "anomalies: false\n    # As of", wanted, 1)
		if err := os.WriteFile(file, []byte(before+"\nmetrics:\n"+values), 0o644); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (backend{}).Render(context.Background(), dir, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"--alertmanager=http://a.monitoring:9093\n", "--anomalies-alertmanager\n", "port: 9093, protocol: TCP}"} {
			if got := strings.Count(out.String(), want); got != n {
				t.Errorf("%s: %q stands there %d times, want %d", wanted, want, got, n)
			}
		}
	}
	mustPass(t, dir)
}
