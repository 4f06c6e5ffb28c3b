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

// TestInstallWithMetrics renders and judges the chart as it keeps metrics: on a volume
// and scraping, and on the node's disk for those who send.
func TestInstallWithMetrics(t *testing.T) {
	all := []string{
		"\nmetrics:\n  enabled: false", "\nmetrics:\n  enabled: true",
		"may ask and send.\n  namespaces: []\n  # A Secret whose token they must show; everybody there may if empty.\n  tokenSecret: \"\"\n  retention", "may ask and send.\n  namespaces: [grafana]\n  tokenSecret: aeod-metrics\n  retention",
	}
	for name, c := range map[string]struct {
		change []string
		want   map[string]int
	}{
		"scraping": {
			append([]string{"network policy.\n    namespaces: []", "network policy.\n    namespaces: [shop, pay]", "    enabled: false\n    cidrs: []", "    enabled: true\n    cidrs: [10.1.0.0/16]"}, all...),
			map[string]int{
				"--metrics-dir=/var/lib/aeod-metrics/data\n": 1, "--metrics-listen=:9090\n": 1, "--metrics-max-series=50000\n": 1, "--metrics-anomalies=true\n": 1, "--metrics-watch": 0, "--metrics-token-file=/etc/aeod/metrics/token\n": 1,
				"--metrics-pods\n": 1, "--metrics-namespace=shop\n": 1, "--metrics-kubelet\n": 1, "resources: [nodes/metrics]\n": 1, "resources: [services]\n": 1, "port: 10250": 1, "cidr: 10.1.0.0/16": 1,
				"name: metrics\n": 1, "storage: 3Gi": 1, "emptyDir:": 1, "port: 9090, targetPort: prometheus": 1, "kubernetes.io/metadata.name: grafana}": 1, "kubernetes.io/metadata.name: pay}": 1,
				"--anomalies-history=72h\n": 1, "--anomalies-time-zone=UTC\n": 1, "calendar": 0,
			},
		},
		"sent to": {
			append([]string{"  persistent: true", "  persistent: false", "ephemeral-storage: 1Gi", "ephemeral-storage: 6Gi"}, all...),
			map[string]int{"--metrics-pods": 0, "--metrics-kubelet": 0, "nodes/metrics": 0, "resources: [services]": 0, "sizeLimit: 3Gi": 1, "emptyDir:": 2, "port: 10250": 0},
		},
		"watching": {
			append([]string{"  anomalies: true\n  # Judge", "  anomalies: false\n  # Judge", "selectors: []", "selectors: ['{__name__=~\"http_.*_total\"}', up]", "only: false", "only: true"}, all...),
			map[string]int{
				"- \"--metrics-watch={__name__=~\\\"http_.*_total\\\"}\"\n": 1, "- \"--metrics-watch=up\"\n": 1, "--metrics-watch-max=20000\n": 1, "--metrics-watch-only\n": 1,
				"--metrics-anomalies=false\n": 1, "--anomalies-time-zone=UTC\n": 1,
			},
		},
		"with holidays": {
			append([]string{"  holidays: []", "  holidays: [2026-04-03, \"12-25\"]", "timeZone: UTC", "timeZone: Europe/Berlin"}, all...),
			map[string]int{"--anomalies-time-zone=Europe/Berlin\n": 1, "--anomalies-holidays=/etc/aeod/calendar/holidays\n": 1, "    2026-04-03\n    12-25\n": 1, "name: aeod-calendar": 2},
		},
		"of another": {
			[]string{"    url: \"\"\n    # How far", "    url: http://prometheus:9090\n    # How far", "    anomalies: false", "    anomalies: true"},
			map[string]int{"--prometheus-anomalies\n": 1, "--anomalies-history=72h\n": 1, "--metrics-dir": 0},
		},
		"off": {nil, map[string]int{"--anomalies": 0, "--metrics": 0, "9090": 0, "aeod-metrics": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "autoecoops")
			if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "values.yaml")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(strings.NewReplacer(c.change...).Replace(string(text))), 0o644); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := (backend{}).Render(context.Background(), dir, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
				t.Fatal(err)
			}
			for want, n := range c.want {
				if got := strings.Count(out.String(), want); got != n {
					t.Errorf("%q stands there %d times, want %d", want, got, n)
				}
			}
			mustPass(t, dir)
		})
	}
}
