package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
)

// freshness exports, for every application, when it was last known that the
// cluster is as Git says: the oldest of when the source last answered and when
// each watch last gave a sign of life, while nothing is known to differ. Of an
// observed application it is when the other tool last said so.
// Silence makes it old, so it is what to alert on.
type freshness struct {
	store   *kube.Applications
	view    *kube.View
	sources *controller.Sources
	queue   *controller.Applications

	verified, ready, objects, watches, depth, apps *prometheus.Desc
}

func newFreshness(store *kube.Applications, view *kube.View, sources *controller.Sources, queue *controller.Applications) *freshness {
	desc := func(name, help string, l ...string) *prometheus.Desc {
		return prometheus.NewDesc("aeo_deliver_"+name, help, l, nil)
	}
	return &freshness{
		store: store, view: view, sources: sources, queue: queue,
		verified: desc("last_verified_timestamp_seconds", "When the cluster was last known to be as the source says.", labels...),
		ready:    desc("application_ready", "Whether the application is ready: 1 yes, 0 no.", labels...),
		objects:  desc("managed_objects", "Objects that are watched."),
		watches:  desc("watches", "Kinds that are watched."),
		depth:    desc("queue_depth", "Applications that wait for a worker."),
		apps:     desc("applications", "Applications."),
	}
}

// Describe implements prometheus.Collector.
func (f *freshness) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.verified, f.ready, f.objects, f.watches, f.depth, f.apps} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (f *freshness) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, l ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, l...)
	}
	all := f.store.All()
	for _, app := range all {
		ready := 0.0
		if isTrue(app, v1alpha1.ConditionReady) {
			ready = 1
		}
		gauge(f.ready, ready, app.Namespace, app.Name)
		if at := f.at(app); !at.IsZero() {
			gauge(f.verified, float64(at.UnixMilli())/1000, app.Namespace, app.Name)
		}
	}
	objects, watches := f.view.Size()
	gauge(f.objects, float64(objects))
	gauge(f.watches, float64(watches))
	gauge(f.depth, float64(f.queue.Depth()))
	gauge(f.apps, float64(len(all)))
}

// at is when an application was last known to be as its source says; zero if
// it is not, or that is not known.
func (f *freshness) at(app *v1alpha1.Application) time.Time {
	if !isTrue(app, v1alpha1.ConditionSynced) || app.Status.ObservedGeneration != app.Generation {
		return time.Time{}
	}
	if app.Spec.Observe != nil {
		if o := app.Status.Observed; o != nil && o.VerifiedAt != nil {
			return o.VerifiedAt.Time
		}
		return time.Time{}
	}
	kinds := map[deliver.GroupKind]bool{}
	for _, e := range app.Status.Inventory {
		if _, k, err := deliver.ParseID(e.ID); err == nil {
			kinds[k.GroupKind()] = true
		}
	}
	list := make([]deliver.GroupKind, 0, len(kinds))
	for k := range kinds {
		list = append(list, k)
	}
	at := f.sources.Checked(deliver.AppKey{Namespace: app.Namespace, Name: app.Name})
	if len(list) > 0 {
		if alive := f.view.Alive(list); alive.Before(at) {
			at = alive
		}
	}
	return at
}

func isTrue(app *v1alpha1.Application, condition string) bool {
	for _, c := range app.Status.Conditions {
		if c.Type == condition {
			return c.Status == "True"
		}
	}
	return false
}
