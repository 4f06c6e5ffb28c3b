package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/diff"
)

func at(seconds int) *metav1.MicroTime {
	t := metav1.NewMicroTime(time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC))
	return &t
}

func TestManaged(t *testing.T) {
	app := &v1alpha1.Application{Status: v1alpha1.ApplicationStatus{Inventory: []v1alpha1.InventoryEntry{
		{ID: "apps/v1/Deployment/shop/web"}, {ID: "/v1/Service/a/web"}, {ID: "/v1/Service/b/web"}, {ID: "networking.k8s.io/v1/NetworkPolicy/shop/deny"}, {ID: "odd"},
	}}}
	for text, want := range map[string]string{
		"deployment/web": "Deployment.apps shop/web", "deploy/web": "Deployment.apps shop/web", "deployments.apps/shop/web": "Deployment.apps shop/web",
		"networkpolicies/deny": "NetworkPolicy.networking.k8s.io shop/deny", "svc/b/web": "Service b/web",
		"svc/web": "!2 objects", "svc/c/web": "!has no such object", "deployment/wep": "!has no such object", "web": "!not KIND/NAME", "a/b/c/d": "!not KIND/NAME",
	} {
		_, k, err := managed(app, text)
		got := k.String()
		if err != nil {
			got = "!" + err.Error()
		}
		if words, refused := strings.CutPrefix(want, "!"); refused && !strings.Contains(got, words) || !refused && got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestChain(t *testing.T) {
	r := &v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Name: "r"}, Spec: v1alpha1.ReleaseSpec{Trigger: "commit"}}
	app := &v1alpha1.Application{Status: v1alpha1.ApplicationStatus{Active: &v1alpha1.ActiveRelease{Name: "r", Phase: v1alpha1.PhaseObserving, Seen: at(5), Applied: at(7)}}}
	text := func(steps []traceStep) string {
		var out []string
		for _, s := range steps {
			out = append(out, strings.TrimSpace(s.Name+" "+s.After.String()+" "+s.Text))
		}
		return strings.Join(out, "; ")
	}
	when := metav1.NewTime(at(1).Time)
	r.Spec.Commit = &v1alpha1.CommitInfo{Author: "Ann", Subject: "cart", Time: &when}
	if got, want := text(chain(app, r)), "committed 0s cart, Ann; seen 4s by the operator, commit; rendered 0s not recorded; gated 0s not asked: the objects were judged before; applied 2s; healthy 0s not yet; ended 0s not yet: observing"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	r.Status.Phase, r.Status.Timings.Finished = v1alpha1.PhaseRefused, at(6)
	if got := text(chain(&v1alpha1.Application{}, r)); !strings.Contains(got, "gated 0s not recorded; applied 0s never: it was refused; healthy 0s never: it was refused; ended 5s refused") {
		t.Error(got)
	}
	r.Status.Phase, r.Spec.Commit = v1alpha1.PhaseFailed, nil
	if got := text(chain(&v1alpha1.Application{}, r)); !strings.Contains(got, "committed 0s not recorded") || !strings.Contains(got, "healthy 0s never, or not recorded; ended 0s failed") {
		t.Error(got)
	}
	if chain(app, nil) != nil {
		t.Error("no release has steps")
	}
}

func TestChangedBy(t *testing.T) {
	release := func(name string, begin, end int, phase string) v1alpha1.Release {
		r := v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(at(begin).Time)}, Spec: v1alpha1.ReleaseSpec{Revision: "abc"}, Status: v1alpha1.ReleaseStatus{Phase: phase}}
		if end > 0 {
			r.Status.Timings.Applied = at(end)
		}
		return r
	}
	all := []v1alpha1.Release{release("new", 40, 0, v1alpha1.PhaseApplying), release("bad", 30, 0, v1alpha1.PhaseRefused), release("old", 10, 20, v1alpha1.PhaseGood)}
	for when, want := range map[int]string{45: "release new", 35: "outside of any release", 20: "release old", 10: "release old", 5: "older than the releases"} {
		name, unknown := changedBy(&ObjectTrace{Applied: at(when).Time}, all)
		if !strings.Contains(name+unknown, want) {
			t.Errorf("%d: %q, %q, want %q", when, name, unknown, want)
		}
	}
	if _, why := changedBy(&ObjectTrace{Unknown: "no right"}, all); !strings.Contains(why, "cannot be read") {
		t.Error(why)
	}
	if _, why := changedBy(&ObjectTrace{}, all); !strings.Contains(why, "no apply") {
		t.Error(why)
	}
}

func TestTheReleaseInFlightIsKnownBeforeItsObject(t *testing.T) {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u"}}
	if got := withActive(app, nil); got != nil {
		t.Errorf("nothing is in flight: %v", got)
	}
	app.Status.Active = &v1alpha1.ActiveRelease{Name: "web-1", Revision: "abc", Phase: v1alpha1.PhaseWatching, Seen: at(10), Applied: at(12)}
	all := withActive(app, []v1alpha1.Release{{ObjectMeta: metav1.ObjectMeta{Name: "web-0"}}})
	if len(all) != 2 || all[0].Name != "web-1" || all[0].Annotations[v1alpha1.AnnotationTraceID] == "" {
		t.Fatalf("%+v", all)
	}
	if name, _ := changedBy(&ObjectTrace{Applied: at(11).Time}, all); !strings.Contains(name, "web-1") {
		t.Error(name)
	}
	if again := withActive(app, all); len(again) != 2 {
		t.Errorf("%d releases", len(again))
	}
}

func TestPreviewCode(t *testing.T) {
	for name, c := range map[string]struct {
		p    Preview
		want int
	}{
		"nothing": {Preview{Objects: []diff.ObjectDiff{{Action: diff.None}}}, 0},
		"change":  {Preview{Objects: []diff.ObjectDiff{{Action: diff.Unknown}, {Action: diff.Update}}}, 1},
		"refused": {Preview{Objects: []diff.ObjectDiff{{Action: diff.Refuse}}}, 1},
		"gate":    {Preview{Gate: GatePreview{Refused: true}}, 1},
		"unknown": {Preview{Objects: []diff.ObjectDiff{{Action: diff.Unknown}}}, 3},
		"no gate": {Preview{Gate: GatePreview{Unknown: "why"}}, 3},
	} {
		if got := c.p.code(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestPreviewIsHarmless(t *testing.T) {
	evil := "\x1b[2J</details>@team `x`"
	p := &Preview{Application: "a/b", Folder: evil, Hooks: []Hook{{Object: evil, When: "before"}}, Notes: []string{evil},
		Gate: GatePreview{Refused: true, Findings: []v1alpha1.Finding{{File: evil, Message: evil}}}}
	var text, md strings.Builder
	if err := previewText(&text, p, &v1alpha1.Application{}, diff.Style{}); err != nil {
		t.Fatal(err)
	}
	if err := previewMarkdown(&md, p, &v1alpha1.Application{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String()+md.String(), "\x1b") || strings.Contains(md.String(), "</details>") || strings.Contains(md.String(), "@team") || strings.Contains(md.String(), "`") {
		t.Errorf("%q, %q", text.String(), md.String())
	}
}
