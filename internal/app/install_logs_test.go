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

// TestInstallWithLogs renders and judges the chart as it keeps lines of pods: the
// port, who may reach it, and the token.
func TestInstallWithLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "autoecoops")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "values.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, logs, ok := strings.Cut(string(text), "\nlogs:\n")
	if !ok {
		t.Fatal("there are no values for logs")
	}
	for old, value := range map[string]string{"enabled: false": "enabled: true", "of: []": "of: [shop]", `tokenSecret: ""`: `tokenSecret: "aeod-logs"`, "namespaces: []": "namespaces: [monitoring]"} {
		logs = strings.Replace(logs, old, value, 1)
	}
	if err := os.WriteFile(file, []byte(before+"\nlogs:\n"+logs), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (backend{}).Render(context.Background(), dir, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{
		"--logs-listen=:3100\n": 1, "--logs-memory=64Mi\n": 1, "--logs-age=1h\n": 1, "--logs-namespace=shop\n": 1, "--logs-token-file=/etc/aeod/logs/token\n": 1,
		"secret: {secretName: aeod-logs, defaultMode: 0440}\n": 1, "containerPort: 3100": 1, "port: 3100, targetPort: loki": 1, "port: loki, protocol: TCP}": 1,
	} {
		if got := strings.Count(out.String(), want); got != n {
			t.Errorf("%q stands there %d times, want %d", want, got, n)
		}
	}
	mustPass(t, dir)
}
