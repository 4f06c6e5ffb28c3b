package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
)

// TestAroundInPart tells where pods run to who may not read events, with the refusal.
func TestAroundInPart(t *testing.T) {
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/pods") {
			fmt.Fprint(w, `{"metadata":{},"items":[{"metadata":{"namespace":"shop","name":"web"},"spec":{"nodeName":"n1"}}]}`)
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
	a, err := desk{Desk: kube.Desk{Client: client}}.Around(t.Context(), "shop", time.Now())
	if fault.KindOf(err) != fault.Denied || len(a.Placements) != 1 || a.Placements[0].Node != "n1" {
		t.Errorf("%+v %v", a, err)
	}
}
