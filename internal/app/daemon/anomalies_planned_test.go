package daemon

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe"
)

// TestPlanned takes the times that an Objective excludes as planned for its service only,
// and a definition that is wrong for nothing.
func TestPlanned(t *testing.T) {
	start, end := metav1.NewTime(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)), metav1.NewTime(time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC))
	o := &v1alpha1.Objective{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}, Spec: v1alpha1.ObjectiveSpec{
		Service: "orders", Target: "99%", Period: v1alpha1.ObjectivePeriod{Rolling: "30d"}, Indicator: v1alpha1.ObjectiveIndicator{Total: "total", Bad: "bad"},
	}}
	if plannedIn([]*v1alpha1.Objective{o}) != nil {
		t.Error("nothing is excluded")
	}
	o.Spec.Exclusions = []v1alpha1.ObjectiveExclusion{{Name: "move", Start: &start, End: &end}}
	wrong := o.DeepCopy()
	wrong.Spec.Service, wrong.Spec.Target = "web", "much"
	planned := plannedIn([]*v1alpha1.Objective{wrong, o})
	of := func(namespace, workload string) observe.Signal {
		return observe.Signal{Labels: map[string]string{"namespace": namespace, "workload": workload}}
	}
	for _, s := range []observe.Signal{of("shop", "web"), of("bank", "orders"), of("", "")} {
		if planned(s) != nil {
			t.Errorf("%s is planned", s.Of())
		}
	}
	in := planned(of("shop", "orders"))
	for at, want := range map[time.Time]bool{start.Add(-time.Second): false, start.Add(30 * time.Minute): true, end.Add(time.Second): false} {
		if in(at) != want {
			t.Errorf("%s: %v", at, !want)
		}
	}
	if (&daemon{}).planned() != nil {
		t.Error("nobody's Objectives")
	}
}
