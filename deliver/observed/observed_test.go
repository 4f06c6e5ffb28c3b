package observed

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

const (
	argoType = `"apiVersion":"argoproj.io/v1alpha1","kind":"Application"`
	ksType   = `"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","metadata":{"generation":2}`
	helmType = `"apiVersion":"helm.toolkit.fluxcd.io/v2","kind":"HelmRelease","metadata":{"generation":2}`
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		body                string
		synced, healthy     Answer
		reason              string
		revision, attempted string
	}{
		"argo, all well":         {argoType + `,"status":{"sync":{"status":"Synced","revision":"abc"},"health":{"status":"Healthy"},"reconciledAt":"2026-11-25T11:59:00Z","operationState":{"phase":"Succeeded","syncResult":{"revision":"abc"}}}`, Yes, Yes, "Synced", "abc", ""},
		"argo, stopped":          {argoType + `,"status":{"sync":{"status":"Synced","revision":"abc"},"health":{"status":"Healthy"},"reconciledAt":"2026-11-25T10:00:00Z"}`, Unknown, Unknown, "Stale", "abc", ""},
		"argo, stopped and bad":  {argoType + `,"status":{"sync":{"status":"OutOfSync"},"health":{"status":"Degraded"},"reconciledAt":"2026-11-25T10:00:00Z"}`, No, No, "OutOfSync", "", ""},
		"argo, comparison error": {argoType + `,"status":{"sync":{"status":"Synced"},"health":{"status":"Healthy"},"conditions":[{"type":"ComparisonError","message":"no repo"}]}`, Unknown, Yes, "ComparisonError", "", ""},
		"argo, sync error":       {argoType + `,"status":{"sync":{"status":"Synced"},"conditions":[{"type":"OrphanedResourceWarning"},{"type":"SyncError","message":"x"}]}`, No, Unknown, "SyncError", "", ""},
		"argo, failed sync":      {argoType + `,"status":{"sync":{"status":"Synced","revision":"abc"},"operationState":{"phase":"Failed","message":"no","syncResult":{"revision":"def"}}}`, No, Unknown, "SyncFailed", "abc", "def"},
		"argo, several sources":  {argoType + `,"status":{"sync":{"status":"Synced","revisions":["a","b"]},"health":{"status":"Progressing"}}`, Yes, No, "Synced", "a,b", ""},
		"argo, nothing":          {argoType, Unknown, Unknown, "Unknown", "", ""},
		"argo, nonsense":         {argoType + `,"status":{"sync":[],"health":7,"conditions":{"type":"x"},"reconciledAt":"yesterday"}`, Unknown, Unknown, "Unknown", "", ""},

		"kustomization, all well":  {ksType + `,"spec":{"interval":"10m"},"status":{"observedGeneration":2,"lastAppliedRevision":"main@sha1:abc","lastAttemptedRevision":"main@sha1:abc","history":[{"lastReconciled":"2026-11-25T11:50:00Z"}],"conditions":[{"type":"Ready","status":"True"},{"type":"Healthy","status":"True"}]}`, Yes, Yes, "Ready", "abc", ""},
		"kustomization, stale":     {ksType + `,"spec":{"interval":"10m"},"status":{"observedGeneration":2,"history":[{"lastReconciled":"2026-11-25T11:00:00Z"}],"conditions":[{"type":"Ready","status":"True"},{"type":"Healthy","status":"True"}]}`, Unknown, Unknown, "Stale", "", ""},
		"kustomization, attempted": {ksType + `,"status":{"observedGeneration":2,"lastAppliedRevision":"abc","lastAttemptedRevision":"main@sha256:def","conditions":[{"type":"Ready","status":"True"}]}`, No, Unknown, "Attempted", "abc", "def"},
		"kustomization, failed":    {ksType + `,"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"False","reason":"Build Failed!","message":"x"},{"type":"Healthy","status":"False","reason":"HealthCheckFailed"}]}`, No, No, "BuildFailed", "", ""},
		"kustomization, older":     {ksType + `,"status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]}`, Unknown, Unknown, "NotSeen", "", ""},
		"kustomization, suspended": {ksType + `,"spec":{"suspend":true},"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"}]}`, Unknown, Unknown, "Suspended", "", ""},
		"kustomization, stalled":   {ksType + `,"status":{"observedGeneration":2,"conditions":[{"type":"Stalled","status":"True","reason":"9"}]}`, No, Unknown, "Unknown", "", ""},
		"kustomization, at work":   {ksType + `,"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"Unknown"}]}`, Unknown, Unknown, "Reconciling", "", ""},

		"helm, all well":      {helmType + `,"spec":{"driftDetection":{"mode":"enabled"}},"status":{"observedGeneration":2,"history":[{"chartVersion":"1.2.3"}],"lastAttemptedRevision":"1.2.3","conditions":[{"type":"Ready","status":"True"}]}`, Yes, Yes, "Ready", "1.2.3", ""},
		"helm, does not wait": {helmType + `,"spec":{"upgrade":{"disableWait":true}},"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"}]}`, Yes, Unknown, "Ready", "", ""},
		"helm, taken back":    {helmType + `,"status":{"observedGeneration":2,"history":[{"chartVersion":"1"}],"lastAttemptedRevision":"2","conditions":[{"type":"Ready","status":"False","reason":"X"},{"type":"Remediated","status":"True","message":"m"}]}`, No, No, "Remediated", "1", "2"},
		"helm, drifted":       {helmType + `,"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"},{"type":"Drifted","status":"True"}]}`, No, No, "Drifted", "", ""},
		"helm, test failed":   {helmType + `,"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"},{"type":"TestSuccess","status":"False"}]}`, Yes, No, "Ready", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var body map[string]any
			if err := json.Unmarshal([]byte("{"+c.body+"}"), &body); err != nil {
				t.Fatal(err)
			}
			r, ok := Read(body, now)
			if !ok || r.Synced.Answer != c.synced || r.Healthy.Answer != c.healthy || r.Synced.Reason != c.reason || r.Revision != c.revision || r.Attempted != c.attempted {
				t.Errorf("%+v", r)
			}
			if r.Synced.Reason == "" || r.Healthy.Reason == "" {
				t.Errorf("a verdict without a reason: %+v", r)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, body := range []map[string]any{nil, {}, {"apiVersion": "v1", "kind": "Pod"}, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}, {"apiVersion": 7, "kind": true}} {
		if r, ok := Read(body, now); ok {
			t.Errorf("%v: %+v", body, r)
		}
	}
	if Readable("argoproj.io", "Rollout") || !Readable("helm.toolkit.fluxcd.io", "HelmRelease") {
		t.Error("the wrong kinds can be read")
	}
}

func TestWordsOfOthersAreBounded(t *testing.T) {
	long := strings.Repeat("é", 2000)
	if s := clip(long); len(s) > 510 {
		t.Errorf("%d bytes", len(s))
	}
	for in, want := range map[string]string{"": "Unknown", "9x": "Unknown", "_x": "Unknown", "A b-C_": "AbC", "Ok1": "Ok1"} {
		if got := word(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
