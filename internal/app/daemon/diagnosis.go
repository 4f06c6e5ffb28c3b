package daemon

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/diagnose"
)

// diagnosis says what a case means.
func diagnosis(c kube.Case) kube.Diagnosis {
	d := diagnose.Examine(diagnose.Case(c))
	out := kube.Diagnosis{Definite: d.Definite, Message: d.Message}
	for _, e := range d.Evidence {
		ev := v1alpha1.Evidence{Kind: e.Kind, Object: e.Object, Text: e.Text}
		if at, err := time.Parse(time.RFC3339, e.Time); err == nil {
			when := metav1.NewTime(at)
			ev.Time = &when
		}
		out.Evidence = append(out.Evidence, ev)
	}
	return out
}
