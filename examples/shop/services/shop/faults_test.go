package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func tell(t *testing.T, f *faults, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/fault", strings.NewReader(body)))
	return w.Code
}

func TestFaults(t *testing.T) {
	ended := make(chan struct{})
	f := newFaults(slog.New(slog.DiscardHandler))
	f.exit = func() { close(ended) }
	ask := func() (int, time.Duration) {
		began, w := time.Now(), httptest.NewRecorder()
		f.around(func(w http.ResponseWriter, _ *http.Request) {})(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Code, time.Since(began)
	}
	for _, bad := range []string{"", "{", `{"fail":1}`, `{"latency":"much"}`} {
		if code := tell(t, f, bad); code != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, code)
		}
	}
	if code, _ := ask(); code != 200 {
		t.Errorf("without a fault: %d", code)
	}
	tell(t, f, `{"failing":1}`)
	if code, _ := ask(); code != 500 {
		t.Errorf("failing: %d", code)
	}
	tell(t, f, `{"latency":50}`)
	if code, took := ask(); code != 200 || took < 5*time.Millisecond {
		t.Errorf("slow: %d after %s", code, took)
	}
	tell(t, f, `{"leak":100,"burn":1}`)
	lost := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.lost)
	}
	for end := time.Now().Add(10 * time.Second); lost() == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if lost() == 0 {
		t.Error("nothing leaks")
	}
	tell(t, f, `{}`)
	if lost() != 0 {
		t.Error("what leaked is still held when it is well again")
	}
	tell(t, f, `{"exit":true}`)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}
