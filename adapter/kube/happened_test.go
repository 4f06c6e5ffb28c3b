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

// TestHappenings reads the events of a namespace and those of nodes, with the last time
// that each was told, and leaves out what is older.
func TestHappenings(t *testing.T) {
	event := func(kind, name, reason, times string) string {
		return fmt.Sprintf(`{"metadata":{"creationTimestamp":"2026-03-01T09:00:00Z"},"involvedObject":{"kind":%q,"namespace":"shop","name":%q},"reason":%q,"message":"it did","source":{"component":"teller"}%s}`, kind, name, reason, times)
	}
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api/v1/namespaces/shop/events":
			fmt.Fprintf(w, `{"metadata":{},"items":[%s,%s,%s,%s]}`,
				event("Deployment", "orders", "ScalingReplicaSet", `,"reportingComponent":"deployment-controller","firstTimestamp":"2026-03-01T11:00:00Z","lastTimestamp":"2026-03-01T12:00:00Z"`),
				event("Deployment", "old", "ScalingReplicaSet", ""),
				event("Pod", "web-1", "BackOff", `,"lastTimestamp":"2026-03-01T12:02:00Z"`),
				event("StatefulSet", "db", "SuccessfulDelete", `,"lastTimestamp":null,"eventTime":"2026-03-01T11:30:00.000000Z","series":{"lastObservedTime":"2026-03-01T12:01:00.000000Z"}`))
		case "/api/v1/namespaces/default/events":
			fmt.Fprintf(w, `{"metadata":{},"items":[%s,%s]}`, event("Node", "n1", "NodeNotReady", `,"lastTimestamp":"2026-03-01T12:02:00Z"`), event("Pod", "other", "BackOff", `,"lastTimestamp":"2026-03-01T12:02:00Z"`))
		case "/api/v1/events":
			fmt.Fprintf(w, `{"metadata":{},"items":[%s]}`, event("StatefulSet", "db", "SuccessfulDelete", `,"lastTimestamp":"2026-03-01T12:02:00Z"`))
		case "/api/v1/namespaces/odd/events":
			fmt.Fprint(w, `{"items":7}`)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"events is forbidden","code":403}`)
		}
	}))
	d, since := Desk{Client: c}, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for namespace, want := range map[string][]string{
		"shop": {"teller: Node shop/n1 NodeNotReady 12:02", "deployment-controller: Deployment shop/orders ScalingReplicaSet 12:00", "teller: StatefulSet shop/db SuccessfulDelete 12:01"},
		"":     {"teller: Node shop/n1 NodeNotReady 12:02", "teller: StatefulSet shop/db SuccessfulDelete 12:02"},
	} {
		all, err := d.Happenings(t.Context(), namespace, since, "Node", "Deployment", "StatefulSet")
		var got []string
		for _, h := range all {
			got = append(got, fmt.Sprintf("%s: %s %s/%s %s %s", h.By, h.Kind, h.Namespace, h.Name, h.Reason, h.At.UTC().Format("15:04")))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v", namespace, got, err)
		}
	}
	for namespace, kind := range map[string]fault.Kind{"none": fault.Denied, "odd": fault.Unavailable} {
		if _, err := d.Happenings(t.Context(), namespace, since, "Deployment"); fault.KindOf(err) != kind {
			t.Errorf("%s: %v", namespace, err)
		}
	}
}

// TestPlacements tells where workloads run and what configures them, in all the ways in
// which a pod may name it.
func TestPlacements(t *testing.T) {
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/api/v1/pods" {
			fmt.Fprint(w, `{"items":[7]}`)
			return
		}
		fmt.Fprint(w, `{"metadata":{},"items":[
		 {"metadata":{"namespace":"shop","name":"done"},"status":{"phase":"Succeeded"}},
		 {"metadata":{"namespace":"shop","name":"orders-0","ownerReferences":[{"kind":"StatefulSet","name":"orders","controller":true}]},
		  "spec":{"nodeName":"n1",
		   "volumes":[{"configMap":{"name":"files"}},{"secret":{"secretName":"keys"}},{"emptyDir":{}},{"projected":{"sources":[{"configMap":{"name":"ca"}},{"secret":{"name":"token"}},{}]}}],
		   "initContainers":[{"envFrom":[{"configMapRef":{"name":"settings"}},{"secretRef":{"name":"keys"}}]}],
		   "containers":[{"env":[{"name":"A","value":"b"},{"valueFrom":{"configMapKeyRef":{"name":"one"}}},{"valueFrom":{"secretKeyRef":{"name":"password"}}}]}]}}]}`)
	}))
	d := Desk{Client: c}
	all, err := d.Placements(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v %v", all, err)
	}
	p := all[0]
	if p.Of.String() != "shop/orders" || p.Node != "n1" || !slices.Equal(p.ConfigMaps, []string{"ca", "files", "one", "settings"}) || !slices.Equal(p.Secrets, []string{"keys", "password", "token"}) {
		t.Errorf("%+v", p)
	}
	if _, err := d.Placements(t.Context(), "odd"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

// TestListsThatAreNone refuses what is no list, which is not an empty one, and a list that
// does not end, of which it gives what it read.
func TestListsThatAreNone(t *testing.T) {
	answer, asked := "", 0
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		asked++
		fmt.Fprint(w, strings.Replace(answer, "PAGE", fmt.Sprint(asked), 1))
	}))
	d, since := Desk{Client: c}, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	const items = `"items":[{"involvedObject":{"kind":"Node"},"metadata":{"namespace":"shop","name":"x","creationTimestamp":"2026-03-01T10:00:00Z","managedFields":[{"time":"2026-03-01T11:00:00Z"}]}}]`
	for _, x := range []struct {
		answer, why string
		asked, most int
	}{
		{`null`, "it is no list", 1, 0},
		{`<html>`, "it is no list", 1, 0},
		{`{"kind":"Status","status":"Failure"}`, "it is no list", 1, 0},
		{`{"metadata":{"continue":"same"},` + items + `}`, "it does not end: 2 pages", 2, 2},
		{`{"metadata":{"continue":"PAGE"},` + items + `}`, "it does not end: 1000 pages", maxPages, maxPages},
		{`{"items":null}`, "", 1, 0},
		{`{` + items + `}`, "", 1, 1},
	} {
		answer = x.answer
		for name, read := range map[string]func() (int, error){
			"events":     func() (int, error) { all, err := d.Happenings(t.Context(), "", since, "Node"); return len(all), err },
			"pods":       func() (int, error) { all, err := d.Placements(t.Context(), ""); return len(all), err },
			"configmaps": func() (int, error) { all, err := d.Edits(t.Context(), "ConfigMap", "", since); return len(all), err },
		} {
			asked = 0
			n, err := read()
			if asked != x.asked || n != x.most || (err != nil) != (x.why != "") || err != nil && !strings.Contains(err.Error(), x.why) {
				t.Errorf("%s of %.60s: asked %d times, %d, %v", name, x.answer, asked, n, err)
			}
		}
	}
}

// TestHappeningsAreBounded asks for the events of each kind by itself, and gives no more
// than a few of a flood, which it says.
func TestHappeningsAreBounded(t *testing.T) {
	var asked []string
	page := `{"metadata":{"continue":"PAGE"},"items":[` + strings.TrimSuffix(strings.Repeat(`{"metadata":{"creationTimestamp":"2026-03-01T10:00:00Z"},"involvedObject":{"kind":"Node","name":"n"}},`, 700), ",") + `]}`
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		asked = append(asked, r.URL.Query().Get("fieldSelector"))
		fmt.Fprint(w, strings.Replace(page, "PAGE", fmt.Sprint(len(asked)), 1))
	}))
	all, err := Desk{Client: c}.Happenings(t.Context(), "", time.Time{}, "Node")
	if len(all) != MaxHappenings || fault.KindOf(err) != fault.Partial || !strings.Contains(err.Error(), "more than 20000 of a Node") {
		t.Errorf("%d, %v", len(all), err)
	}
	if n := MaxHappenings/700 + 1; len(asked) != n || asked[n-1] != "involvedObject.kind=Node" {
		t.Errorf("asked %d times: %v", len(asked), asked)
	}
}

// TestHappeningsInPart has what is told of nodes read where a namespace's own events may
// not be, and both refusals told.
func TestHappeningsInPart(t *testing.T) {
	nodes := true
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if nodes && r.URL.Path == "/api/v1/namespaces/default/events" {
			fmt.Fprint(w, `{"items":[{"involvedObject":{"kind":"Node","name":"n1"}}]}`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"no %s","code":403}`, r.URL.Path)
	}))
	d := Desk{Client: c}
	if all, err := d.Happenings(t.Context(), "shop", time.Time{}, "Node", "Deployment"); len(all) != 1 || fault.KindOf(err) != fault.Denied {
		t.Errorf("%+v %v", all, err)
	}
	nodes = false
	if _, err := d.Happenings(t.Context(), "shop", time.Time{}, "Node", "Deployment"); err == nil || !strings.Contains(err.Error(), "shop/events") || !strings.Contains(err.Error(), "default/events") {
		t.Errorf("%v", err)
	}
}

// TestPageIsBounded reads no answer of any size, and keeps what the API server says of an error.
func TestPageIsBounded(t *testing.T) {
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/denied" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"not you","code":403}`)
			return
		}
		fmt.Fprint(w, strings.Repeat("x", 1000))
	}))
	var codes []int
	c.Count(func(_, _ string, code int) { codes = append(codes, code) })
	for most, refused := range map[int]bool{999: true, 1000: false, 5000: false} {
		text, err := c.page(t.Context(), request{verb: http.MethodGet, path: "/x"}, most)
		if (err != nil) != refused || len(text) > most+1 || refused && !strings.Contains(err.Error(), "more than 999 bytes") {
			t.Errorf("%d: %d bytes, %v", most, len(text), err)
		}
	}
	_, err := c.page(t.Context(), request{verb: http.MethodGet, path: "/denied"}, 10)
	if err = classify(err, "list", "x", false); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "not you") {
		t.Error(err)
	}
	if want := []int{200, 200, 200, 403}; !slices.Equal(codes, want) {
		t.Errorf("counted %v", codes)
	}
}
