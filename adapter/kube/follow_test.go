package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
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

// TestWatchesThatAreRefused lists less and less often where lists go well and watches do
// not, be they refused or expired at once.
func TestWatchesThatAreRefused(t *testing.T) {
	for name, refuse := range map[string]func(w http.ResponseWriter){
		"refused": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"no","code":403}`)
		},
		"expired": func(w http.ResponseWriter) { fmt.Fprint(w, `{"type":"ERROR","object":{"code":410}}`) },
		"garbage": func(w http.ResponseWriter) { fmt.Fprint(w, `{"type":"ADDED","object":"x"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lists atomic.Int64
			c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Query().Get("watch") == "true" {
					refuse(w)
					return
				}
				lists.Add(1)
				fmt.Fprint(w, `{"metadata":{"resourceVersion":"5"},"items":[]}`)
			}))
			store := NewObjectives(c, "", func(types.NamespacedName) {})
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			store.Run(ctx)
			if n := lists.Load(); n < 2 || n > 9 {
				t.Errorf("%d lists in four seconds", n)
			}
			if err := store.Err(); (err != nil) != (name != "expired") {
				t.Errorf("told: %v", err)
			}
		})
	}
}
