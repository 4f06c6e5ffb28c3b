package gitops

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/autoecoops/autoecoops/adapter/kube"
)

// toldWithin has the API server take events about what is in a namespace, and has one
// that is muted tell nothing.
func toldWithin(t *testing.T, s *suite) {
	const ns = "told-within"
	s.create(t, resources["Namespace"], "", obj("v1", "Namespace", "", ns))
	client, err := kube.New(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	events := kube.NewEvents(client, "test")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go events.Run(ctx)
	events.Mute(true)
	events.Within(ns, true, "Muted", "nobody is to hear this")
	events.Mute(false)
	events.Within(ns, true, "NewErrorLines", "shop/orders writes lines that it never wrote before")
	await(t, scenarioTime, "the event", func() string {
		list, err := s.client.Resource(resources["Event"]).Namespace(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		if len(list.Items) != 1 {
			return fmt.Sprintf("%d events, %d dropped", len(list.Items), events.Dropped())
		}
		e := list.Items[0].Object
		reason, _, _ := unstructured.NestedString(e, "reason")
		name, _, _ := unstructured.NestedString(e, "involvedObject", "name")
		if reason != "NewErrorLines" || name != ns {
			t.Errorf("%v", e)
		}
		return ""
	})
}
