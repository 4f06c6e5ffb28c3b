// Package jaegertest builds and runs a real Jaeger for tests and benchmarks.
package jaegertest

import (
	"context"
	"testing"

	"github.com/autoecoops/autoecoops/test/storetest"
)

// Program is Jaeger in one process.
var Program = storetest.Program{Name: "Jaeger", Folder: "jaeger", Package: "github.com/jaegertracing/jaeger/cmd/all-in-one", File: "all-in-one", Flags: "-mod=readonly"}

// Jaeger is a running server that keeps traces in memory.
type Jaeger struct {
	// Query is the address of its HTTP API, OTLP that of its receiver of
	// OTLP over HTTP, both as HOST:PORT.
	Query, OTLP string
	*storetest.Process
}

// Run runs one in a folder, on this machine only.
func Run(ctx context.Context, dir string) (*Jaeger, error) {
	var ports [7]string
	var err error
	for i := range ports {
		if ports[i], err = storetest.Free(ctx); err != nil {
			return nil, err
		}
	}
	j := &Jaeger{Query: ports[0], OTLP: ports[1]}
	args := []string{
		"--query.http-server.host-port=" + ports[0], "--collector.otlp.http.host-port=" + ports[1], "--collector.otlp.grpc.host-port=" + ports[2],
		"--query.grpc-server.host-port=" + ports[3], "--collector.http-server.host-port=" + ports[4], "--collector.grpc-server.host-port=" + ports[5],
		"--admin.http.host-port=" + ports[6], "--collector.otlp.enabled=true", "--log-level=error",
	}
	j.Process, err = Program.Run(ctx, dir, args, []string{"SPAN_STORAGE_TYPE=memory"}, func(ctx context.Context) bool {
		return storetest.Answers(ctx, "http://"+j.Query+"/api/services") && storetest.Listens(ctx, j.OTLP)
	})
	return j, err
}

// Start runs one until the test ends. Where it is not built the test is skipped.
func Start(t testing.TB) *Jaeger {
	t.Helper()
	Program.Need(t)
	j, err := Run(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Stop)
	return j
}
