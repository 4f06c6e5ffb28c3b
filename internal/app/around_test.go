package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
)

// TestAroundInPart tells where pods run, and what configures them, to who may not read
// events, with the refusal; Secrets are asked for only if a pod has one.
func TestAroundInPart(t *testing.T) {
	secret := ""
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/pods"):
			fmt.Fprint(w, `{"metadata":{},"items":[{"metadata":{"namespace":"shop","name":"web"},"spec":{"nodeName":"n1","volumes":[{"configMap":{"name":"settings"}}`+secret+`]}}]}`)
			return
		case strings.HasSuffix(r.URL.Path, "/configmaps"):
			fmt.Fprint(w, `{"metadata":{},"items":[{"metadata":{"namespace":"shop","name":"settings","creationTimestamp":"2026-03-01T09:00:00Z","managedFields":[{"manager":"kubectl-edit","time":"2026-03-01T10:00:00Z"}]}}]}`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"events is forbidden","code":403}`)
	}))
	defer cluster.Close()
	client, err := kube.New(&rest.Config{Host: cluster.URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"", `,{"secret":{"secretName":"keys"}}`} {
		secret = more
		a, err := desk{Desk: kube.Desk{Client: client}}.Around(t.Context(), "shop", time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC), nil)
		if fault.KindOf(err) != fault.Denied || len(a.Placements) != 1 || a.Placements[0].Node != "n1" || len(a.Edits) != 1 || a.Edits[0].By != "kubectl-edit" {
			t.Errorf("%+v %v", a, err)
		}
		if told := strings.Contains(err.Error(), "secrets"); told != (more != "") {
			t.Errorf("%q: %v", more, err)
		}
	}
}

// TestAroundASlowCluster gives what it told within the time, says of which lists not all
// came, and asks for the others all the same.
func TestAroundASlowCluster(t *testing.T) {
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/pods"):
			fmt.Fprint(w, `{"items":[{"metadata":{"namespace":"shop","name":"web"},"spec":{"nodeName":"n1"}}]}`)
		case r.URL.Query().Get("continue") == "":
			fmt.Fprint(w, `{"metadata":{"continue":"more"},"items":[{"metadata":{"creationTimestamp":"2026-03-01T10:00:00Z"},"involvedObject":{"kind":"Node"},"reason":"R"}]}`)
		default:
			<-r.Context().Done()
		}
	}))
	defer cluster.Close()
	client, err := kube.New(&rest.Config{Host: cluster.URL})
	if err != nil {
		t.Fatal(err)
	}
	var lists []int
	a, err := desk{Desk: kube.Desk{Client: client}}.around(t.Context(), "shop", time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC), 300*time.Millisecond, func(done, total int) {
		if lists = append(lists, done); total != 5 {
			t.Errorf("%d of %d", done, total)
		}
	})
	if !slices.Equal(lists, []int{0, 1, 2}) { // nobody's configuration is to be read
		t.Errorf("progress %v", lists)
	}
	if fault.KindOf(err) != fault.TimedOut || !strings.Contains(err.Error(), "not all was told within 300ms") || len(a.Happenings) != 1 || len(a.Placements) != 1 {
		t.Errorf("%+v %v", a, err)
	}
}
