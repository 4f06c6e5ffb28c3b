package daemon

import "github.com/autoecoops/autoecoops/adapter/kube"

// diagnosis says what a case means.
func diagnosis(c kube.Case) kube.Diagnosis {
	return kube.Diagnosis{}
}
