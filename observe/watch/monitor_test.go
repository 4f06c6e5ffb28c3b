package watch_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// TestMonitorsOf makes watches of an Application's monitors, each with a name that no
// other Application's has, and leaves out what is none.
func TestMonitorsOf(t *testing.T) {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}, Spec: v1alpha1.ApplicationSpec{Monitors: []v1alpha1.Monitor{
		{Name: "queue", Expr: "sum(queue_length)", Worse: "Higher", LeastChange: "2.5", Unit: "orders"},
		{Name: "broken", Expr: "x", LeastChange: "1e999"},
		{Name: "stock", Expr: "stock", Worse: "Lower"},
		{Name: "price", Expr: "price"},
	}}}
	all, err := watch.MonitorsOf(app)
	if fault.KindOf(err) != fault.Invalid || len(all) != 3 {
		t.Fatalf("%+v %v", all, err)
	}
	for i, want := range []watch.Watch{
		{Name: "monitor/shop/orders/queue", What: "queue", Unit: "orders", Expr: "sum(queue_length)", Direction: anomaly.Above, MinEffect: 2.5},
		{Name: "monitor/shop/orders/stock", What: "stock", Expr: "stock", Direction: anomaly.Below},
		{Name: "monitor/shop/orders/price", What: "price", Expr: "price"},
	} {
		want.Golden, want.Namespace, want.Workload = watch.Monitor, "shop", "orders"
		if all[i] != want {
			t.Errorf("%+v, not %+v", all[i], want)
		}
	}
}
