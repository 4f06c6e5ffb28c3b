// Package jaegertest builds and runs a real Jaeger for tests.
package jaegertest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Jaeger is a running server that keeps traces in memory.
type Jaeger struct {
	// Query is the address of its HTTP API, OTLP that of its receiver of
	// OTLP over HTTP, both as HOST:PORT.
	Query, OTLP string
}

// Start builds Jaeger, if that was not done before, and runs it until the test
// ends. Where AEO_BUILD_STORES is not set it is not built, which takes minutes, and
// the test is skipped: `make test-stores` sets it.
func Start(t testing.TB) Jaeger {
	t.Helper()
	program, err := find(t.Context(), os.Getenv("AEO_BUILD_STORES") == "")
	if err != nil {
		t.Skip(err)
	}
	var ports [7]string
	for i := range ports {
		if ports[i], err = free(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	j := Jaeger{Query: ports[0], OTLP: ports[1]}
	cmd := exec.Command(program,
		"--query.http-server.host-port="+ports[0], "--collector.otlp.http.host-port="+ports[1], "--collector.otlp.grpc.host-port="+ports[2],
		"--query.grpc-server.host-port="+ports[3], "--collector.http-server.host-port="+ports[4], "--collector.grpc-server.host-port="+ports[5],
		"--admin.http.host-port="+ports[6], "--collector.otlp.enabled=true", "--log-level=error")
	cmd.Env = []string{"SPAN_STORAGE_TYPE=memory", "HOME=" + t.TempDir()}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("Jaeger ended: %s", text)
		default:
		}
		if answers(t.Context(), "http://"+j.Query+"/api/services") && listens(j.OTLP) {
			return j
		}
	}
	t.Fatal("Jaeger does not answer")
	return Jaeger{}
}

func listens(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func answers(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
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

// free returns an address that nobody listened to just now.
func free(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// find returns the program; with built it must be there already.
func find(ctx context.Context, built bool) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	program := filepath.Join(dir, "aeo-test", "jaeger", "all-in-one")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if built {
		return "", fmt.Errorf("there is no %s; `make test-stores` builds it, in some minutes", program)
	}
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/jaegertracing/jaeger/cmd/all-in-one")
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "jaeger")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("Jaeger could not be built: %w: %s", err, out)
	}
	return program, nil
}
