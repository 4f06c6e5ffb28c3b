package kube

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
)

// TestTold reads what was told, the oldest first, and asks for nothing of others.
func TestTold(t *testing.T) {
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("fieldSelector") != "reportingComponent=autoecoops.io/aeod,involvedObject.kind=Application" {
			t.Errorf("it asks for %s", r.URL)
		}
		event := func(reason, at string) string {
			return fmt.Sprintf(`{"metadata":{"creationTimestamp":"2026-03-01T09:00:00Z"},"involvedObject":{"kind":"Application","namespace":"shop","name":"orders"},"reason":%q,"eventTime":"2026-03-01T09:00:%sZ"}`, reason, at)
		}
		switch {
		case r.URL.Path == "/api/v1/namespaces/odd/events":
			fmt.Fprint(w, `{"items":7}`)
		case r.URL.Path != "/api/v1/namespaces/shop/events":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"events is forbidden","code":403}`)
		case r.URL.Query().Get("continue") == "":
			fmt.Fprintf(w, `{"metadata":{"continue":"more"},"items":[%s]}`, event("AnomalyEnded", "00.500000"))
		default:
			fmt.Fprintf(w, `{"metadata":{},"items":[%s]}`, event("Anomaly", "00.100000"))
		}
	}))
	e := NewEvents(c, "test")
	told, err := e.Told(t.Context(), "shop")
	if err != nil || len(told) != 2 || told[0].Reason != "Anomaly" || told[1].Reason != "AnomalyEnded" || told[0].Name != "orders" {
		t.Errorf("%+v %v", told, err)
	}
	for namespace, kind := range map[string]fault.Kind{"none": fault.Denied, "odd": fault.Unavailable} {
		if _, err := e.Told(t.Context(), namespace); fault.KindOf(err) != kind {
			t.Errorf("%s: %v", namespace, err)
		}
	}
}
