package controller

import (
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

func TestObserve(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	good := map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"status": map[string]any{"sync": map[string]any{"status": "Synced", "revision": "abc"}, "health": map[string]any{"status": "Healthy"}, "reconciledAt": "2026-11-25T11:59:00Z"},
	}
	starting := map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "status": map[string]any{"sync": map[string]any{"status": "Synced"}, "health": map[string]any{"status": "Progressing"}}}
	for name, c := range map[string]struct {
		ref                    v1alpha1.ObjectReference
		body                   map[string]any
		known, across          bool
		err                    error
		synced, ready, healthy string
		reason                 string
	}{
		"good":          {ref: ref("argoproj.io/v1alpha1", "Application", ""), body: good, known: true, synced: "True", ready: "True", healthy: "healthy", reason: "Healthy"},
		"starting":      {ref: ref("argoproj.io/v1alpha1", "Application", ""), body: starting, known: true, synced: "True", ready: "False", healthy: "progressing", reason: "Progressing"},
		"not asked yet": {ref: ref("argoproj.io/v1alpha1", "Application", "")},
		"gone":          {ref: ref("argoproj.io/v1alpha1", "Application", ""), known: true, synced: "Unknown", ready: "Unknown", healthy: "unknown", reason: "NotFound"},
		"no such kind":  {ref: ref("argoproj.io/v1alpha1", "Application", ""), known: true, err: fault.New(fault.NotFound, "find the kind", "Application", "not served", ""), synced: "Unknown", ready: "Unknown", healthy: "unknown", reason: "NotFound"},
		"down":          {ref: ref("argoproj.io/v1alpha1", "Application", ""), known: true, err: fault.New(fault.Unavailable, "read", "x", "down", ""), synced: "Unknown", ready: "Unknown", healthy: "unknown", reason: "Unavailable"},
		"elsewhere":     {ref: ref("argoproj.io/v1alpha1", "Application", "argocd"), body: good, known: true, synced: "Unknown", ready: "Unknown", healthy: "unknown", reason: "Denied"},
		"allowed":       {ref: ref("argoproj.io/v1alpha1", "Application", "argocd"), body: good, known: true, across: true, synced: "True", ready: "True", healthy: "healthy", reason: "Healthy"},
		"a Secret":      {ref: ref("v1", "Secret", ""), body: good, known: true, synced: "Unknown", ready: "Unknown", healthy: "unknown", reason: "Invalid"},
		"another kind":  {ref: ref("argoproj.io/v1alpha1", "Application", ""), body: map[string]any{}, known: true, synced: "Unknown", ready: "Unknown", healthy: "unknown", reason: "Invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Observe: &c.ref}}
			app.Namespace, app.Name, app.Generation = "shop", "web", 3
			o := &Observed{Now: func() time.Time { return now }, AcrossNamespaces: c.across, Look: func(_ deliver.AppKey, g deliver.GVK, k deliver.Key) (map[string]any, bool, error) {
				if g.Kind == "Secret" || k.Namespace != "shop" && !c.across {
					t.Errorf("looks at %v", k)
				}
				return c.body, c.known, c.err
			}}
			out, err := o.Observe(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, x := range out.Status.Conditions {
				got[x.Type] = string(x.Status)
				if x.Type == v1alpha1.ConditionReady && x.Reason != c.reason {
					t.Errorf("%+v", x)
				}
			}
			if got[v1alpha1.ConditionSynced] != c.synced || got[v1alpha1.ConditionReady] != c.ready || out.Status.Health.Status != c.healthy {
				t.Errorf("%v, %+v", got, out.Status.Health)
			}
			if (c.healthy == "healthy") != (out.Status.Observed != nil && out.Status.Observed.VerifiedAt != nil) {
				t.Errorf("%+v", out.Status.Observed)
			}
			if name == "good" && out.Again != 29*time.Minute {
				t.Errorf("looks again after %s", out.Again)
			}
			// A second look changes no time of a condition.
			app.Status, now = *out.Status, now.Add(time.Second)
			again, _ := o.Observe(t.Context(), app)
			for i, x := range again.Status.Conditions {
				if !x.LastTransitionTime.Equal(&out.Status.Conditions[i].LastTransitionTime) {
					t.Errorf("%+v", x)
				}
			}
			now = now.Add(-time.Second)
		})
	}
}

func ref(apiVersion, kind, namespace string) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: "shop"}
}
