package daemon

import (
	"time"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
)

// newObserved wires the reading of applications that other tools manage, and
// the judging of their revisions: with the renderers, the gate and the ledger of
// those that are managed here.
func (d *daemon) newObserved(wake func(deliver.AppKey), engine *deliver.Engine) *controller.Observed {
	f, across := d.forge, d.opts.Allow.Across
	f.objects, f.repositories = kube.NewObjects(d.client, wake), kube.NewObjects(d.client, wake)
	f.judge = &controller.Judge{
		Sources: d.sources, Renderer: engine.Renderer, Gate: engine.Gate, Journal: d.journal, Digester: engine.Digester,
		Repository: looking(f.repositories), Report: f.statuses.report, Now: time.Now, AcrossNamespaces: across,
	}
	return &controller.Observed{Now: time.Now, AcrossNamespaces: across, Look: looking(f.objects), Judge: f.judge}
}

func looking(objects *kube.Objects) controller.Look {
	return func(app deliver.AppKey, g deliver.GVK, k deliver.Key) (map[string]any, bool, error) {
		s := objects.Look(app, g, k)
		return s.Body, s.Known, s.Err
	}
}

// unobserve drops what is known of an application that another tool manages.
func (f *forging) unobserve(k deliver.AppKey) {
	f.objects.Forget(k)
	f.repositories.Forget(k)
	f.judge.Forget(k)
}
