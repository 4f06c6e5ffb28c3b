package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/test/prometheustest"
	"github.com/autoecoops/autoecoops/test/storetest"
)

// TestSurveyOfARealThanos finds in a Thanos what is in the Prometheus that it reads from,
// and nothing at all when one of its stores is gone.
func TestSurveyOfARealThanos(t *testing.T) {
	storetest.ThanosProgram.Need(t)
	end := time.Now().Truncate(time.Minute)
	th := storetest.StartThanos(t, requestsOf(t, end, "web"), requestsOf(t, end, "web", "orders"))
	loose := th.Query(t, false)
	run := func(address string) (int, string, string) {
		var out, errs bytes.Buffer
		code := cli.Main(t.Context(), backend{clock: func() time.Time { return end }}, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{},
			[]string{"observe", "anomalies", "--prometheus", address, "--history", "4h", "--since", "20m", "-o", "json"})
		return code, out.String(), errs.String()
	}
	var surveyed [2]observeJSON
	for i, address := range []string{th.Prometheus[1], loose} {
		code, out, errs := run(address)
		if err := json.Unmarshal([]byte(out), &surveyed[i]); err != nil || code > 1 || len(surveyed[i].Survey.Failed) > 0 {
			t.Fatalf("%s: code %d, %v\n%s%s", address, code, err, out, errs)
		}
	}
	if a, b := surveyed[0].Survey, surveyed[1].Survey; a.Signals == 0 || fmt.Sprint(a) != fmt.Sprint(b) || len(surveyed[0].Anomalies) != len(surveyed[1].Anomalies) {
		t.Errorf("Prometheus: %+v, Thanos: %+v", surveyed[0], surveyed[1])
	}
	th.Sidecars[1].Stop()
	for _, when := range []string{"at once", "when it is noticed"} {
		if code, out, errs := run(loose); code != 2 || out != "" || !strings.Contains(errs, "may not be whole") && !strings.Contains(errs, "a store that it reads from failed") {
			t.Errorf("%s: code %d\n%s%s", when, code, out, errs)
		}
		storetest.Dropped(t, loose)
	}
}

// requestsOf writes four hours of requests of services to a new folder that a Prometheus
// can start in.
func requestsOf(t *testing.T, end time.Time, services ...string) (dir string) {
	t.Helper()
	text := "# TYPE http_requests counter\n"
	for n, service := range services {
		for i := range 481 {
			text += fmt.Sprintf("http_requests_total{namespace=\"shop\",job=\"shop\",app=%q,code=\"200\"} %d %d\n", service, 300*i+n*i+i*i%7, end.Add(time.Duration(i-480)*30*time.Second).Unix())
		}
	}
	dir = t.TempDir()
	file := filepath.Join(dir, "history")
	if err := os.WriteFile(file, []byte(text+"# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), prometheustest.Need(t).Promtool, "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}
