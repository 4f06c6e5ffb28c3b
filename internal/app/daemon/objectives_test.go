package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
	source "github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// TestNotes tells of what fails beside the work, and stays ready.
func TestNotes(t *testing.T) {
	p := newPages(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	p.ready.Store(true)
	p.notes["objectives"] = func() error { return fault.New(fault.Denied, "list", "objectives", "forbidden", "") }
	for query, want := range map[string]string{"": "ok\n", "?verbose": "[!] objectives: "} {
		w := httptest.NewRecorder()
		p.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz"+query, nil))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%q: %d %q", query, w.Code, w.Body)
		}
	}
	p.checks["applications"] = func() error { return errors.New("no") }
	w := httptest.NewRecorder()
	p.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "[!] objectives") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// TestSnapshots keeps a file for each, drops what is old, and takes no path for an
// identity.
func TestSnapshots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "slo")
	s, err := openSnapshots(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save("u-1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if text, ok := s.Load("u-1"); !ok || string(text) != "x" {
		t.Errorf("%q %v", text, ok)
	}
	for _, uid := range []types.UID{"", "../u", "a/b", types.UID(strings.Repeat("a", 65))} {
		if _, ok := s.Load(uid); ok || fault.KindOf(s.Save(uid, nil)) != fault.Invalid {
			t.Errorf("%q is taken", uid)
		}
	}
	old := time.Now().Add(-oldSnapshot - time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "u-1.slo"), old, old); err != nil {
		t.Fatal(err)
	}
	if s, err = openSnapshots(dir); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Load("u-1"); ok {
		t.Error("what is old is kept")
	}
	if _, err := openSnapshots(filepath.Join(os.DevNull, "x")); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

// TestObjectiveMetrics can be gathered, with Alertmanagers on the same host too.
func TestObjectiveMetrics(t *testing.T) {
	sender, err := alertmanager.New(alertmanager.Options{URLs: []string{"http://x/a", "http://x/b"}})
	if err != nil {
		t.Fatal(err)
	}
	m := newObjectiveMetrics(nil)
	reg := prometheus.NewRegistry()
	reg.MustRegister(m, alertMetrics{sender})
	k := types.NamespacedName{Namespace: "shop", Name: "a"}
	s := slo.Status{State: slo.Blind, Budget: slo.Budget{Known: true, Remaining: 0.5}, Incident: &slo.Incident{Severity: slo.Page}, Burns: []slo.Burn{{Window: time.Hour, Rate: 2, Known: true}, {Window: 5 * time.Minute}}}
	m.Evaluated(k, &s, time.Unix(5, 0), fault.New(fault.TimedOut, "ask", "x", "y", ""))
	m.Unwritten(k, nil)
	count := func() map[string]int {
		all, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for _, f := range all {
			out[f.GetName()] = len(f.GetMetric())
		}
		return out
	}
	if n := count(); n["aeo_slo_burn_rate"] != 1 || n["aeo_slo_incident"] != 1 || n["aeo_slo_alerts_waiting"] != 2 || n["aeo_slo_failures_total"] != 1 {
		t.Errorf("%v", n)
	}
	m.Gone(k)
	if n := count(); n["aeo_slo_state"] != 0 || n["aeo_slo_evaluations_total"] != 1 {
		t.Errorf("what is gone is told: %v", n)
	}
}

// TestBegin finds where samples begin in few parts, and never after the first.
func TestBegin(t *testing.T) {
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	first := noon // zero for no samples
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/query_range" {
			http.NotFound(w, r) // it has no stores, as a Thanos does
			return
		}
		q, metric := r.FormValue("query"), "{}"
		switch {
		case strings.HasPrefix(q, "count by (s) (last_over_time(n{a=\"b\"}["):
			metric = `{"s":"x"}`
		case !strings.HasPrefix(q, "count(last_over_time(n{a=\"b\"}["):
			t.Errorf("asked for %s", q)
		}
		number := func(name string) int64 {
			v, err := strconv.ParseFloat(r.FormValue(name), 64)
			if err != nil {
				t.Error(err)
			}
			return int64(v)
		}
		var points []string
		for at := number("start"); at <= number("end"); at += number("step") {
			if !first.IsZero() && at >= first.Unix() {
				points = append(points, fmt.Sprintf(`[%d,"1"]`, at))
			}
		}
		if n := (number("end") - number("start")) / number("step"); n > beginSteps+1 {
			t.Errorf("%d steps", n)
		}
		series := ""
		if len(points) > 0 {
			series = `{"metric":` + metric + `,"values":[` + strings.Join(points, ",") + `]}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, series)
	}))
	defer server.Close()
	client, err := source.New(source.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		first time.Time
		found bool
	}{
		"none": {time.Time{}, false}, "all the time": {noon.Add(-40 * 24 * time.Hour), true}, "an hour": {noon.Add(-time.Hour), true},
		"two weeks": {noon.Add(-14 * 24 * time.Hour), true}, "later": {noon.Add(30 * 24 * time.Hour), false},
	} {
		first = c.first
		from := noon.Add(-30 * 24 * time.Hour)
		for label, value := range map[string]string{"": "", "s": "x"} {
			var at time.Time
			ok := false
			err := samples{client}.Begin(t.Context(), `n{a="b"}`, label, from, noon, func(of string, begin time.Time) error {
				if of != value {
					t.Errorf("%s: the value of %q is %q", name, label, of)
				}
				at, ok = begin, true
				return nil
			})
			if err != nil || ok != c.found {
				t.Errorf("%s: %v %v", name, ok, err)
			}
			if ok && (at.Before(from) || at.After(c.first) && at.After(from) || c.first.Sub(at) > 9*time.Hour && at.After(from)) {
				t.Errorf("%s: %s for %s", name, at, c.first)
			}
		}
	}
}

// TestObjectivesFlags refuses what is said of nobody, and half of a user.
func TestObjectivesFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"--prometheus-token-file: it is for --prometheus,":                        {"--prometheus-token-file=x"},
		"--prometheus-tenant: it is for --prometheus,":                            {"--prometheus-tenant=x"},
		"--alertmanager-ca-file: it is for --alertmanager,":                       {"--prometheus=http://x", "--alertmanager-ca-file=x"},
		"--alertmanager: there is nothing to tell without":                        {"--alertmanager=http://x"},
		"--anomalies-alertmanager: it is for --alertmanager,":                     {"--metrics-dir=x", "--anomalies-alertmanager"},
		"--anomalies-alertmanager: nothing is followed":                           {"--alertmanager=http://x", "--anomalies-alertmanager"},
		"--prometheus-user: its password is missing":                              {"--prometheus=http://x", "--prometheus-user=x"},
		"--alertmanager-password-file: it is not said whose password it is: give": {"--prometheus=http://x", "--alertmanager=http://x", "--alertmanager-password-file=x"},
	} {
		c := command(io.Discard)
		c.SetArgs(args)
		if err := c.ExecuteContext(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
