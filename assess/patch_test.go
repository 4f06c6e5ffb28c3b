package assess_test

import "testing"

// TestADispatcherIsNoPatch: a word in a file's name is not a part of a word.
func TestADispatcherIsNoPatch(t *testing.T) {
	rep := judge(t, files{
		"kustomization.yaml": "resources: [other.yaml]\n",
		"other.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"dispatcher.yaml":    "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: 'x:1', securityContext: {privileged: true}}]}\n",
		"web-patch.yaml":     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
	})
	if found := of(rep, "k8s-privileged-container"); len(found) != 1 || found[0].File != "dispatcher.yaml" {
		t.Errorf("found %v", found)
	}
	for _, in := range rep.Inputs {
		if in.File == "web-patch.yaml" && in.Status != "skipped" || in.File == "dispatcher.yaml" && in.Status != "evaluated" {
			t.Errorf("%s is %s: %s", in.File, in.Status, in.Reason)
		}
	}
}
