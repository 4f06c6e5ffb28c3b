// Package lokitest builds and runs a real Loki for tests and benchmarks.
package lokitest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/test/storetest"
)

// Program is Loki.
var Program = storetest.Program{Name: "Loki", Folder: "loki", Package: "github.com/grafana/loki/v3/cmd/loki", File: "loki", Flags: "-mod=mod"}

// Loki is a running server with tenants and structured metadata.
type Loki struct {
	// URL is the address of its HTTP API.
	URL string
	*storetest.Process
}

// Run runs one in a folder, on this machine only.
func Run(ctx context.Context, dir string) (*Loki, error) {
	var ports [2]string
	address := ""
	for i := range ports {
		a, err := storetest.Free(ctx)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			address = a
		}
		if _, ports[i], err = net.SplitHostPort(a); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(dir, "loki.yaml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(config, ports[0], ports[1], dir)), 0o600); err != nil {
		return nil, err
	}
	l := &Loki{URL: "http://" + address}
	var err error
	l.Process, err = Program.Run(ctx, dir, []string{"-config.file=" + file}, nil, func(ctx context.Context) bool { return storetest.Answers(ctx, l.URL+"/ready") })
	return l, err
}

// Start runs one until the test ends, and returns the address of its HTTP API. Where
// it is not built the test is skipped.
func Start(t testing.TB) string {
	t.Helper()
	Program.Need(t)
	l, err := Run(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	return l.URL
}

// config is that of a Loki in one process, on this machine only.
const config = `
auth_enabled: true
server: {http_listen_address: 127.0.0.1, http_listen_port: %[1]s, grpc_listen_address: 127.0.0.1, grpc_listen_port: %[2]s, log_level: error}
common:
  instance_addr: 127.0.0.1
  path_prefix: %[3]s/data
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
  storage: {filesystem: {chunks_directory: %[3]s/chunks, rules_directory: %[3]s/rules}}
schema_config:
  configs: [{from: 2020-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]
ingester: {lifecycler: {min_ready_duration: 0s, final_sleep: 0s}}
limits_config: {allow_structured_metadata: true, reject_old_samples: false, discover_service_name: [], discover_log_levels: false, ingestion_rate_mb: 500, ingestion_burst_size_mb: 500, per_stream_rate_limit: 500MB, per_stream_rate_limit_burst: 500MB}
analytics: {reporting_enabled: false}
`

// Write writes JSON of streams, as in {"streams": [...]}, for a tenant.
func Write(ctx context.Context, address, tenant string, streams io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/loki/api/v1/push", streams)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Scope-OrgID", tenant)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return fmt.Errorf("Loki refuses lines with status %d: %s", res.StatusCode, text)
	}
	return nil
}
