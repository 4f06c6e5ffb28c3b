package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestChangesOfReleases has only what was applied, to what runs, and lately.
func TestChangesOfReleases(t *testing.T) {
	since := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	release := func(phase, trigger string, at time.Time, objects ...string) v1alpha1.Release {
		started := metav1.NewMicroTime(at)
		r := v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-1"}}
		r.Spec = v1alpha1.ReleaseSpec{Application: "shop", Revision: "0123456789abcdef0123456789abcdef01234567", Trigger: trigger, Objects: objects}
		r.Status.Phase = phase
		if !at.IsZero() {
			r.Status.Timings.Started = &started
		}
		return r
	}
	const orders, config = "apps/v1/Deployment/shop/orders", "/v1/ConfigMap/shop/orders"
	named := release("Good", "commit", since.Add(time.Minute), config, orders)
	named.Spec.Commit = &v1alpha1.CommitInfo{Subject: "faster\x1b[31m"}
	nothing := release("Good", "retry", since.Add(time.Minute), config, orders)
	nothing.Spec.Changed = []string{config}
	named.Spec.Changed = []string{orders}
	named.Spec.Objects = append(named.Spec.Objects, "apps/v1/Deployment/shop/web")
	got := changesOf([]v1alpha1.Release{
		named, nothing,
		release("Good", "rollback", since.Add(2*time.Minute), orders, "apps/v1/StatefulSet/shop/db", "nonsense"),
		release("Refused", "commit", since.Add(time.Minute), orders),
		release("Good", "commit", since.Add(-time.Minute), orders),
		release("", "commit", time.Time{}, orders),
		release("Good", "commit", since.Add(time.Minute), config),
	}, since)
	if len(got) != 3 {
		t.Fatalf("%d changes: %+v", len(got), got)
	}
	if c := got[0]; c.Of.Key.Namespace != "shop" || c.Of.Key.Service != "orders" || c.Text != "shop@01234567 (faster?[31m)" || c.Reference != "shop/shop-1" || !c.At.Equal(since.Add(time.Minute)) {
		t.Errorf("%+v", c)
	}
	if c := got[2]; c.Of.Key.Service != "db" || c.Text != "rollback to shop@01234567" {
		t.Errorf("%+v", c)
	}
}

func TestDependenciesOf(t *testing.T) {
	got, err := dependenciesOf([]string{"shop/web=shop/orders", " web = db "})
	if err != nil || len(got) != 2 || got[0].Who.Key.Service != "web" || got[0].On.Key.Namespace != "shop" || got[1].On.Key.Namespace != "" || got[1].On.Key.Service != "db" {
		t.Errorf("%+v %v", got, err)
	}
	for _, bad := range []string{"", "=", "a=", "/a=b", "a/b/c=d", "a", "shop/web=shop/web", "web = web"} {
		if _, err := dependenciesOf([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestDependsOnWhatIsNotMeasured notes each workload once of which there is no signal.
func TestDependsOnWhatIsNotMeasured(t *testing.T) {
	_, errs, _ := surveyOf(t, slowOrders(), "causes", "--depends", "shop/web=shop/orders", "--depends", "shop/web=orders", "--depends", "bank/orders=orders")
	if strings.Count(errs, "nothing is measured of") != 2 || !strings.Contains(errs, "nothing is measured of shop/web,") || !strings.Contains(errs, "nothing is measured of bank/orders,") {
		t.Error(errs)
	}
}

// TestUnknownCommands has every command that groups others refuse a word that is
// none of them.
func TestUnknownCommands(t *testing.T) {
	for _, group := range []string{"app", "release", "audit", "slo", "observe"} {
		var out, errs bytes.Buffer
		s := &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
		if code := Main(t.Context(), nil, s, Build{}, []string{group, "frobnicate"}); code != 2 || out.Len() > 0 || !strings.Contains(errs.String(), `knows no command "frobnicate"`) {
			t.Errorf("%s: code %d\n%s%s", group, code, out.String(), errs.String())
		}
		if code := Main(t.Context(), nil, s, Build{}, []string{group}); code != 0 || !strings.Contains(out.String(), "Examples:") {
			t.Errorf("%s alone: code %d\n%s", group, code, out.String())
		}
	}
}

func TestCallsOfOthers(t *testing.T) {
	of := func(ns string) spans.Party {
		if ns == "outside" {
			return spans.Party{Kind: spans.Outside}
		}
		return spans.Party{Kind: spans.Service, Key: identity.Key{Namespace: ns, Service: "web"}}
	}
	for _, c := range []struct {
		caller, callee string
		want           bool
	}{{"shop", "shop", false}, {"shop", "bank", false}, {"bank", "shop", false}, {"bank", "bank", true}, {"outside", "bank", true}, {"outside", "shop", false}, {"", "", false}} {
		if got := foreign(spans.Edge{Caller: of(c.caller), Callee: of(c.callee)}, "shop"); got != c.want {
			t.Errorf("%s asks %s: %v", c.caller, c.callee, got)
		}
		if foreign(spans.Edge{Caller: of(c.caller), Callee: of(c.callee)}, "") {
			t.Error("without a namespace something is of others")
		}
	}
}
