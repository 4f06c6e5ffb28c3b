package kube

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
)

// TestPods reads two pages, and what tells the workload of each pod.
func TestPods(t *testing.T) {
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/api/v1/namespaces/none/pods":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"pods is forbidden","code":403}`)
		case r.URL.Path != "/api/v1/namespaces/shop/pods":
			http.NotFound(w, r)
		case r.URL.Query().Get("continue") == "":
			fmt.Fprint(w, `{"metadata":{"continue":"more"},"items":[
			 {"metadata":{"namespace":"shop","name":"web-5d4-x2","labels":{"pod-template-hash":"5d4"},"ownerReferences":[{"kind":"ReplicaSet","name":"web-5d4","controller":true}]},
			  "status":{"initContainerStatuses":[{"name":"setup","state":{"terminated":{}}}],
			   "containerStatuses":[{"name":"app","state":{"running":{}},"lastState":{"terminated":{"finishedAt":"2026-03-01T11:50:00Z"}}},{"name":"side","state":{"waiting":{}}}]}}]}`)
		default:
			fmt.Fprint(w, `{"metadata":{},"items":[
			 {"metadata":{"namespace":"shop","name":"db-0","labels":{"app.kubernetes.io/name":"orders"},"ownerReferences":[{"kind":"StatefulSet","name":"db","controller":true}]}},
			 {"metadata":{"namespace":"shop","name":"alone"}}]}`)
		}
	}))
	pods, err := c.Pods(context.Background(), "shop")
	if err != nil || len(pods) != 3 {
		t.Fatalf("%+v %v", pods, err)
	}
	web := pods[0]
	if web.Of.String() != "shop/web" || len(web.Containers) != 3 || !web.Containers[0].Started || !web.Containers[1].Started || web.Containers[1].Previous.Minute() != 50 || web.Containers[2].Started || !web.Containers[2].Previous.IsZero() {
		t.Errorf("%+v", web)
	}
	if pods[1].Of.String() != "shop/orders" || pods[2].Of.String() != "shop/alone" {
		t.Errorf("%+v", pods[1:])
	}
	if _, err := c.Pods(context.Background(), "none"); fault.KindOf(err) != fault.Denied {
		t.Errorf("%v", err)
	}
	if _, err := c.Pods(context.Background(), ""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}
