package daemon

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
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
	m := newObjectiveMetrics(nil, sender)
	reg := prometheus.NewRegistry()
	reg.MustRegister(m)
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
