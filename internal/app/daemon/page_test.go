package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/deliver"
)

// TestReadinessOfApplications names what is refused: the list keeps aeod from being ready,
// a watch does not once the applications are known.
func TestReadinessOfApplications(t *testing.T) {
	var lists, watches atomic.Bool
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verb, allowed := "list", &lists
		if r.URL.Query().Has("watch") {
			verb, allowed = "watch", &watches
		}
		w.Header().Set("Content-Type", "application/json")
		switch {
		case !allowed.Load():
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":403,"reason":"Forbidden","message":"applications.autoecoops.io is forbidden: User \"aeod\" cannot %s resource"}`, verb)
		case verb == "watch":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			fmt.Fprint(w, `{"apiVersion":"autoecoops.io/v1alpha1","kind":"ApplicationList","metadata":{"resourceVersion":"7"},"items":[]}`)
		}
	}))
	defer api.Close()
	client, err := kube.New(&rest.Config{Host: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	store := kube.NewApplications(client, "", func(deliver.AppKey) {})
	p := newPages(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	p.ready.Store(true)
	p.applications(store)
	tells := func(code int, want string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			w := httptest.NewRecorder()
			p.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz?verbose", nil))
			if w.Code == code && strings.Contains(w.Body.String(), want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d %q lacks %q", w.Code, w.Body, want)
			}
		}
	}
	tells(http.StatusServiceUnavailable, "[-] applications: list applications: not done yet")
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { store.Run(ctx) })
	defer running.Wait()
	defer cancel()
	tells(http.StatusServiceUnavailable, `[-] applications: list applications: applications.autoecoops.io is forbidden: User "aeod" cannot list resource`)
	lists.Store(true)
	tells(http.StatusOK, `[!] following applications: watch applications: applications.autoecoops.io is forbidden: User "aeod" cannot watch resource`)
	watches.Store(true)
	tells(http.StatusOK, "[+] following applications\n")
}
