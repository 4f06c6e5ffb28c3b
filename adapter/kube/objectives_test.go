package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// TestObjectivesStore lists in pages, watches, and writes statuses; one that was
// deleted while its status was written does not come back.
func TestObjectivesStore(t *testing.T) {
	one := func(name, uid, version string) string {
		return fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"uid":%q,"resourceVersion":%q,"generation":1}}`, name, uid, version)
	}
	events := make(chan string)
	var mu sync.Mutex
	var patched map[string]any
	answer := one("a", "u1", "7")
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		q := r.URL.Query()
		switch {
		case r.Method == http.MethodPatch:
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewDecoder(r.Body).Decode(&patched) // judged by what is in it
			if patched["metadata"].(map[string]any)["resourceVersion"] == "old" {
				w.WriteHeader(http.StatusConflict)
				fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Conflict","code":409}`)
				return
			}
			fmt.Fprint(w, answer)
		case q.Get("watch") != "":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			for {
				select {
				case <-r.Context().Done():
					return
				case e := <-events:
					fmt.Fprintln(w, e)
					w.(http.Flusher).Flush()
				}
			}
		case q.Get("continue") == "":
			fmt.Fprintf(w, `{"metadata":{"resourceVersion":"5","continue":"more"},"items":[%s]}`, one("a", "u1", "3"))
		default:
			fmt.Fprintf(w, `{"metadata":{"resourceVersion":"5"},"items":[%s]}`, one("b", "u2", "4"))
		}
	}))
	changed := make(chan string, 100)
	s := NewObjectives(c, "shop", func(k types.NamespacedName) { changed <- k.Name })
	if s.Err() == nil {
		t.Error("known before it was read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	expect := func(name string) {
		t.Helper()
		select {
		case got := <-changed:
			if got != name {
				t.Fatalf("told of %s, want %s", got, name)
			}
		case <-time.After(time.Minute):
			t.Fatalf("nobody was told of %s", name)
		}
	}
	expect("a")
	expect("b")
	events <- `{"type":"ADDED","object":` + one("c", "u3", "6") + `}`
	expect("c")
	a := types.NamespacedName{Namespace: "shop", Name: "a"}
	o := s.Get(a)
	if o == nil || s.Err() != nil {
		t.Fatalf("%v %v", o, s.Err())
	}
	if err := s.SetStatus(ctx, o, &v1alpha1.ObjectiveStatus{State: "measured"}); err != nil || s.Get(a).ResourceVersion != "7" {
		t.Errorf("%v %+v", err, s.Get(a))
	}
	mu.Lock()
	if patched["metadata"].(map[string]any)["resourceVersion"] != "3" || patched["status"].(map[string]any)["state"] != "measured" {
		t.Errorf("%v", patched)
	}
	mu.Unlock()
	old := o.DeepCopy()
	old.ResourceVersion = "old"
	if err := s.SetStatus(ctx, old, &v1alpha1.ObjectiveStatus{}); fault.KindOf(err) != fault.Conflict {
		t.Error(err)
	}
	events <- `{"type":"DELETED","object":` + one("a", "u1", "8") + `}`
	expect("a")
	if err := s.SetStatus(ctx, o, &v1alpha1.ObjectiveStatus{}); err != nil || s.Get(a) != nil {
		t.Errorf("it came back: %v %v", err, s.Get(a))
	}
	cancel()
	<-done
}

// TestObjectivesDenied says why there are none.
func TestObjectivesDenied(t *testing.T) {
	for code, kind := range map[int]fault.Kind{http.StatusForbidden: fault.Denied, http.StatusNotFound: fault.NotFound} {
		c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind":"Status","status":"Failure","message":"no","code":%d,"reason":%q}`, code, map[int]string{403: "Forbidden", 404: "NotFound"}[code])
		}))
		s := NewObjectives(c, "", func(types.NamespacedName) {})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx)
		}()
		for range 500 {
			if fault.KindOf(s.Err()) == kind {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		<-done
		if err := s.Err(); fault.KindOf(err) != kind && fault.KindOf(err) != fault.Interrupted {
			t.Errorf("%d: %v", code, err)
		}
	}
}
