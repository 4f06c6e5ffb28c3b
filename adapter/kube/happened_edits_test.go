package kube

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// TestEdits tells who changed what last, of what was there before, and asks for nothing
// that the objects hold.
func TestEdits(t *testing.T) {
	item := func(name string, times ...string) string {
		var fields []string
		for i, at := range times {
			fields = append(fields, fmt.Sprintf(`{"manager":"m%d","time":"2026-03-01T%sZ"}`, i, at))
		}
		return fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"creationTimestamp":"2026-03-01T09:00:00Z","managedFields":[%s,{"manager":"odd"}]}}`, name, strings.Join(fields, ","))
	}
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList") {
			t.Errorf("%s asks for all: %s", r.URL.Path, r.Header.Get("Accept"))
		}
		switch {
		case r.URL.Path == "/api/v1/namespaces/shop/configmaps" && r.URL.Query().Get("continue") == "":
			fmt.Fprintf(w, `{"metadata":{"continue":"more"},"items":[%s,%s]}`, item("made", "09:00:00"), item("edited", "09:00:00", "10:30:00", "10:20:00"))
		case r.URL.Path == "/api/v1/namespaces/shop/configmaps":
			fmt.Fprintf(w, `{"metadata":{},"items":[%s,%s]}`, item("long-ago", "09:00:00", "09:59:00"), item("just-so", "10:00:00"))
		case r.URL.Path == "/api/v1/secrets":
			fmt.Fprintf(w, `{"metadata":{},"items":[%s]}`, item("keys", "11:00:00"))
		case r.URL.Path == "/api/v1/namespaces/odd/secrets":
			fmt.Fprint(w, `{"items":7}`)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"secrets is forbidden","code":403}`)
		}
	}))
	d, since := Desk{Client: c}, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		kind, namespace string
		want            []string
	}{
		{"ConfigMap", "shop", []string{"ConfigMap shop/edited m1 10:30", "ConfigMap shop/just-so m0 10:00"}},
		{"Secret", "", []string{"Secret shop/keys m0 11:00"}},
	} {
		all, err := d.Edits(t.Context(), x.kind, x.namespace, since)
		var got []string
		for _, e := range all {
			got = append(got, fmt.Sprintf("%s %s/%s %s %s", e.Kind, e.Namespace, e.Name, e.By, e.At.UTC().Format("15:04")))
		}
		if err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%s %q: %q %v", x.kind, x.namespace, got, err)
		}
	}
	if all, err := d.Edits(t.Context(), "ConfigMap", "shop", time.Time{}); err != nil || len(all) != 3 {
		t.Errorf("what was never changed is told: %v %v", all, err)
	}
	for namespace, kind := range map[string]fault.Kind{"none": fault.Denied, "odd": fault.Unavailable} {
		if _, err := d.Edits(t.Context(), "Secret", namespace, since); fault.KindOf(err) != kind {
			t.Errorf("%s: %v", namespace, err)
		}
	}
}

// TestLast takes no time that is yet to come, which anybody may write, for the last.
func TestLast(t *testing.T) {
	day := func(d int) *time.Time { x := time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC); return &x }
	var m editedItem
	for _, x := range []struct {
		by string
		at *time.Time
	}{{"odd", day(9)}, {"real", day(2)}, {"null", nil}, {"zero", new(time.Time)}, {"older", day(1)}} {
		m.ManagedFields = append(m.ManagedFields, struct {
			Manager string
			Time    *time.Time
		}{x.by, x.at})
	}
	if e := m.last("ConfigMap", *day(3)); e.By != "real" || !e.At.Equal(*day(2)) {
		t.Errorf("%+v", e)
	}
	if e := m.last("ConfigMap", *day(9)); e.By != "odd" {
		t.Errorf("%+v", e)
	}
}
