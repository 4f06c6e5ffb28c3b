package kube

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// TestFollowPauses asks an API server that ends each watch at once no more than about once
// a second, and goes on from what it told.
func TestFollowPauses(t *testing.T) {
	var asked atomic.Int64
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("watch") != "true" || q.Get("labelSelector") != "a=b" || q.Get("resourceVersion") != fmt.Sprint(asked.Load()) {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"type":"BOOKMARK","object":{}}`)
		asked.Add(1)
	}))
	began, version := time.Now(), "0"
	for i := range 2 {
		var err error
		version, err = c.follow(t.Context(), "/api/v1/pods", url.Values{"labelSelector": {"a=b"}}, "pods", version, func(typ string, _ []byte, before string) (string, error) {
			if typ != "BOOKMARK" {
				t.Errorf("%s after %s", typ, before)
			}
			return fmt.Sprint(i + 1), nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took < 1900*time.Millisecond || asked.Load() != 2 {
		t.Errorf("asked %d times in %s", asked.Load(), took)
	}
}
