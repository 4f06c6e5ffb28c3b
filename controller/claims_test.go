package controller

import (
	"slices"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// TestClaims says which applications have an object, as their inventories change.
func TestClaims(t *testing.T) {
	var c claims
	web, api := deliver.AppKey{Namespace: "shop", Name: "web"}, deliver.AppKey{Namespace: "shop", Name: "api"}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	if !c.lookedAt(web).IsZero() {
		t.Error("looked at before it was")
	}
	c.look(web, at)
	if !c.lookedAt(web).Equal(at) || !c.lookedAt(api).IsZero() {
		t.Error(c.lookedAt(web), c.lookedAt(api))
	}
	entry := v1alpha1.InventoryEntry{ID: deliver.ID(deliver.GVK{Version: "v1", Kind: "ConfigMap"}, "shop", "x")}
	k := deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "x"}
	has := &v1alpha1.ApplicationStatus{Inventory: []v1alpha1.InventoryEntry{entry}}
	for i, step := range []struct {
		app  deliver.AppKey
		st   *v1alpha1.ApplicationStatus
		gone bool
		want []deliver.AppKey
	}{
		{web, has, false, []deliver.AppKey{web}},
		{api, has, false, []deliver.AppKey{web, api}},
		{web, has, false, []deliver.AppKey{api, web}},
		{api, &v1alpha1.ApplicationStatus{}, false, []deliver.AppKey{web}},
		{web, has, true, nil},
	} {
		c.set(step.app, step.st, step.gone)
		if got := c.of(k); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
