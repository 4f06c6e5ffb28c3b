// Package lokitest builds and runs a real Loki for tests.
package lokitest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Start builds Loki, if that was not done before, and runs it until the test
// ends, with tenants and structured metadata. It returns the address of its HTTP
// API. Where AEO_BUILD_STORES is not set it is not built, which takes minutes, and
// the test is skipped: `make test-stores` sets it.
func Start(t testing.TB) string {
	t.Helper()
	program, err := find(t.Context(), os.Getenv("AEO_BUILD_STORES") == "")
	if err != nil {
		t.Skip(err)
	}
	http, grpc := free(t), free(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "loki.yaml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(config, http, grpc, dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, "-config.file="+file)
	cmd.Env, cmd.Dir = []string{"HOME=" + dir}, dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	address := fmt.Sprint("http://127.0.0.1:", http)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("Loki ended: %s", text)
		default:
		}
		if ready(t.Context(), address) {
			return address
		}
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("Loki does not become ready: %s", text)
	return ""
}

// config is that of a Loki in one process, on this machine only.
const config = `
auth_enabled: true
server: {http_listen_address: 127.0.0.1, http_listen_port: %[1]d, grpc_listen_address: 127.0.0.1, grpc_listen_port: %[2]d, log_level: error}
common:
  instance_addr: 127.0.0.1
  path_prefix: %[3]s/data
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
  storage: {filesystem: {chunks_directory: %[3]s/chunks, rules_directory: %[3]s/rules}}
schema_config:
  configs: [{from: 2020-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]
ingester: {lifecycler: {min_ready_duration: 0s, final_sleep: 0s}}
limits_config: {allow_structured_metadata: true, reject_old_samples: false, discover_service_name: [], discover_log_levels: false}
analytics: {reporting_enabled: false}
`

func ready(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/ready", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// free returns a port that nobody listened to just now.
func free(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Push writes JSON of streams, as in {"streams": [...]}, for a tenant.
func Push(t testing.TB, address, tenant, streams string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/loki/api/v1/push", strings.NewReader(streams))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Scope-OrgID", tenant)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		text := make([]byte, 500)
		n, _ := res.Body.Read(text)
		t.Fatalf("Loki refuses lines with status %d: %s", res.StatusCode, text[:n])
	}
}

// find returns the program; with built it must be there already.
func find(ctx context.Context, built bool) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	program := filepath.Join(dir, "aeo-test", "loki", "loki")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if built {
		return "", fmt.Errorf("there is no %s; `make test-stores` builds it, in some minutes", program)
	}
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/grafana/loki/v3/cmd/loki")
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "loki")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Loki: %w: %s", err, out)
	}
	return program, nil
}
