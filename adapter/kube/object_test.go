package kube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// TestObjectsOnAServer follows an Argo CD Application on a real API server: the
// kind absent, the object absent, made, changed, deleted. It needs the address
// of a server to write to in AEO_TEST_KUBECONFIG.
func TestObjectsOnAServer(t *testing.T) {
	file := os.Getenv("AEO_TEST_KUBECONFIG")
	if file == "" {
		t.Skip("AEO_TEST_KUBECONFIG names no cluster to write to")
	}
	config, err := Load(Options{Kubeconfig: file, UserAgent: "aeo-test"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprint(time.Now().UnixNano())
	group, namespace := "a"+id+".argoproj.io", "observe-"+id
	g := deliver.GVK{Group: group, Version: "v1alpha1", Kind: "Application"}
	k := deliver.Key{Group: group, Kind: "Application", Namespace: namespace, Name: "shop"}
	app := deliver.AppKey{Namespace: namespace, Name: "shop"}
	call := func(verb, path string, body any) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.do(t.Context(), request{verb: verb, path: path, body: text}); err != nil {
			t.Fatal(err)
		}
	}
	woken := make(chan deliver.AppKey, 1000)
	o := NewObjects(c, func(k deliver.AppKey) { woken <- k })
	defer o.Close()
	until := func(what string, ok func(Seen) bool) {
		t.Helper()
		late := time.NewTimer(time.Minute)
		defer late.Stop()
		for !ok(o.Look(app, g, k)) {
			select {
			case who := <-woken:
				if who != app {
					t.Fatalf("woke %v", who)
				}
			case <-late.C:
				t.Fatalf("never: %s: %+v", what, o.Look(app, g, k))
			}
		}
	}
	until("the kind is absent", func(s Seen) bool { return s.Known && fault.KindOf(s.Err) == fault.NotFound && s.Body == nil })

	call(http.MethodPost, "/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}})
	crd := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	call(http.MethodPost, crd, map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "applications." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "applications", "kind": "Application"},
			"versions": []any{map[string]any{"name": "v1alpha1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{
				"type": "object", "properties": map[string]any{
					"spec":   map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
					"status": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
				},
			}}}},
		},
	})
	defer func() {
		_, _ = c.do(t.Context(), request{verb: http.MethodDelete, path: crd + "/applications." + group})
		_, _ = c.do(t.Context(), request{verb: http.MethodDelete, path: "/api/v1/namespaces/" + namespace})
	}()
	until("the object is absent", func(s Seen) bool { return s.Known && s.Err == nil && s.Body == nil })

	where := "/apis/" + group + "/v1alpha1/namespaces/" + namespace + "/applications"
	object := func(name, revision, version string) map[string]any {
		meta := map[string]any{"name": name, "namespace": namespace}
		if version != "" {
			meta["resourceVersion"] = version
		}
		return map[string]any{
			"apiVersion": group + "/v1alpha1", "kind": "Application", "metadata": meta,
			"status": map[string]any{"sync": map[string]any{"status": "Synced", "revision": revision}},
		}
	}
	revision := func(s Seen) string {
		status, _ := s.Body["status"].(map[string]any)
		sync, _ := status["sync"].(map[string]any)
		r, _ := sync["revision"].(string)
		return r
	}
	call(http.MethodPost, where, object("other", "z", ""))
	call(http.MethodPost, where, object("shop", "r1", ""))
	until("it is made", func(s Seen) bool { return revision(s) == "r1" && s.Body["kind"] == "Application" })
	meta, _ := o.Look(app, g, k).Body["metadata"].(map[string]any)
	version, _ := meta["resourceVersion"].(string)
	call(http.MethodPut, where+"/shop", object("shop", "r2", version))
	until("it is changed", func(s Seen) bool { return revision(s) == "r2" })
	call(http.MethodDelete, where+"/shop", map[string]any{})
	until("it is deleted", func(s Seen) bool { return s.Known && s.Err == nil && s.Body == nil })
	o.Forget(app)
	if len(o.watched) != 0 {
		t.Error("it is watched still")
	}
}
