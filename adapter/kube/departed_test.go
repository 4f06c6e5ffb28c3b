package kube

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestDepartures tells of whom pods were ended where, by what kubelets say: of a
// Deployment and a StatefulSet, but not of what nobody
// knows any more, nor of what others than a kubelet say.
func TestDepartures(t *testing.T) {
	event := func(pod, reason, by, node string) string {
		return fmt.Sprintf(`{"metadata":{"creationTimestamp":"2026-03-01T11:00:00Z"},"involvedObject":{"kind":"Pod","namespace":"shop","name":%q},"reason":%q,"message":"Stopping container","source":{"component":%q,"host":%q}}`, pod, reason, by, node)
	}
	status := http.StatusOK
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if w.WriteHeader(status); status != http.StatusOK {
			fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"no","code":403}`)
			return
		}
		if q := r.URL.Query().Get("fieldSelector"); r.URL.Path != "/api/v1/namespaces/shop/events" || q != "involvedObject.kind=Pod,reason=Killing" {
			t.Errorf("asked for %s", r.URL)
		}
		fmt.Fprintf(w, `{"metadata":{},"items":[%s]}`, strings.Join([]string{
			event("orders-7c9d5b8f6d-x1k2p", "Killing", "kubelet", "n1"), event("orders-7c9d5b8f6d-abcde", "Killing", "kubelet", "n1"), event("orders-7c9d5b8f6d-zzzzz", "Killing", "kubelet", "n2"),
			event("db-0", "Killing", "kubelet", "n1"), event("gone-7c9d5b8f6d-x1k2p", "Killing", "kubelet", "n1"), event("job", "Killing", "kubelet", "n1"),
			event("db-1", "Killing", "somebody", "n3"), event("db-1", "Pulled", "kubelet", "n3"), event("db-1", "Killing", "kubelet", ""),
		}, ","))
	}))
	d := Desk{Client: c}
	placed := []Placed{
		{Of: identity.Key{Namespace: "shop", Service: "orders-api"}, Namespace: "shop", Owner: "orders"},
		{Of: identity.Key{Namespace: "shop", Service: "db"}, Namespace: "shop", Owner: "db"},
		{Of: identity.Key{Namespace: "other", Service: "gone"}, Namespace: "other", Owner: "gone"},
	}
	since := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	all, err := d.Departures(t.Context(), "shop", since, placed)
	var got []string
	for _, x := range all {
		got = append(got, x.Of.Service+" on "+x.Node+" "+x.At.UTC().Format("15:04"))
	}
	if want := []string{"orders-api on n1 11:00", "orders-api on n2 11:00", "db on n1 11:00"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, want %q, %v", got, want, err)
	}
	if all, err := d.Departures(t.Context(), "shop", since.Add(2*time.Hour), placed); err != nil || len(all) != 0 {
		t.Errorf("of long ago: %+v %v", all, err)
	}
	status = http.StatusForbidden
	if _, err := d.Departures(t.Context(), "shop", since, placed); fault.KindOf(err) != fault.Denied {
		t.Errorf("%v", err)
	}
}
