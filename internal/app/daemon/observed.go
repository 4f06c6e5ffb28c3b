package daemon

import (
	"time"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
)

// newObserved wires the reading of applications that other tools manage.
func newObserved(objects *kube.Objects, across bool) *controller.Observed {
	return &controller.Observed{
		Now: time.Now, AcrossNamespaces: across,
		Look: func(app deliver.AppKey, g deliver.GVK, k deliver.Key) (map[string]any, bool, error) {
			s := objects.Look(app, g, k)
			return s.Body, s.Known, s.Err
		},
	}
}
