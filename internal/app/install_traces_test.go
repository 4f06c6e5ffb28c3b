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

// TestInstallWithTraces renders and judges the chart as it takes traces of
// workloads in: the ports, who may reach them, and the token.
func TestInstallWithTraces(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "autoecoops")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "values.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, traces, ok := strings.Cut(string(text), "\ntraces:\n")
	if !ok {
		t.Fatal("there are no values for traces")
	}
	for old, value := range map[string]string{"enabled: false": "enabled: true", `tokenSecret: ""`: `tokenSecret: "aeod-traces"`, "namespaces: []": "namespaces: [shop]"} {
		traces = strings.Replace(traces, old, value, 1)
	}
	if err := os.WriteFile(file, []byte(before+"\ntraces:\n"+traces), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (backend{}).Render(context.Background(), dir, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{
		"--otlp-grpc=:4317\n": 1, "--otlp-http=:4318\n": 1, "--otlp-token-file=/etc/aeod/traces/token\n": 1, "secret: {secretName: aeod-traces, defaultMode: 0440}\n": 1,
		"containerPort: 4317": 1, "port: 4318, targetPort: otlp-http": 1, "kubernetes.io/metadata.name: shop}": 1, "port: otlp-grpc, protocol: TCP}": 1,
	} {
		if got := strings.Count(out.String(), want); got != n {
			t.Errorf("%q stands there %d times, want %d", want, got, n)
		}
	}
	mustPass(t, dir)
}
