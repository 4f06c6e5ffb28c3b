package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// TestTracesOfAnotherTime has a Jaeger that tells of a month ago whatever it is asked for.
func TestTracesOfAnotherTime(t *testing.T) {
	now := time.Now()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/services" {
			fmt.Fprint(w, `{"data":["cart"]}`)
			return
		}
		var all []string
		for i, at := range []time.Time{now.Add(-30 * 24 * time.Hour), now.Add(-5 * time.Minute)} {
			all = append(all, fmt.Sprintf(`{"traceID":"%d","spans":[{"traceID":"%d","spanID":"2","operationName":"GET","startTime":%d,"duration":5000,"processID":"p1"}],"processes":{"p1":{"serviceName":"cart"}}}`, i+1, i+1, at.UnixMicro()))
		}
		fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(all, ","))
	}))
	defer s.Close()
	costs, err := backend{}.CallCosts(t.Context(), cli.CostsRequest{Source: cli.TracesSource{Jaeger: s.URL}, From: now.Add(-time.Hour), Mid: now.Add(-15 * time.Minute), To: now, Sample: 10})
	if err != nil {
		t.Fatal(err)
	}
	if costs.Before.Traces != 0 || costs.After.Traces != 1 || len(costs.Notes) != 2 || !strings.HasSuffix(costs.Notes[1], "the time since, and are left out: 1") {
		t.Errorf("%d before, %d after: %q", costs.Before.Traces, costs.After.Traces, costs.Notes)
	}
}
