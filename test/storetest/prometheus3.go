package storetest

import (
	"testing"

	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// Prometheus3Program is the server of Prometheus 3.9: that of Debian sends remote write
// 1.0 only.
var Prometheus3Program = Program{
	Name: "Prometheus 3", Folder: "prometheus3", Package: "github.com/prometheus/prometheus/cmd/prometheus", File: "prometheus",
	Flags: "-mod=readonly -ldflags=-w", Target: "test-remote-write",
}

// StartPrometheus3 runs a Prometheus 3 in a folder with a configuration, and more
// arguments if given. The caller stops it. Where it is not built the test is skipped.
func StartPrometheus3(t testing.TB, dir, config string, more ...string) *prometheustest.Server {
	t.Helper()
	Prometheus3Program.Need(t)
	s, err := prometheustest.Start(t.Context(), prometheustest.Programs{Prometheus: Prometheus3Program.Path()}, dir, config, more...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
