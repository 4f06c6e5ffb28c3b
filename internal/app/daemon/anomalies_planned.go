package daemon

import (
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/resource"
)

// plannedIn tells for a signal when what is unusual of it is planned: in the times that the
// Objectives of its workload exclude. It is nil if none excludes any.
func plannedIn(all []*v1alpha1.Objective) func(observe.Signal) func(at time.Time) bool {
	type service struct{ namespace, name string }
	times := map[service][]slo.Exclusion{}
	for _, o := range all {
		if len(o.Spec.Exclusions) == 0 {
			continue
		}
		if x, problems := resource.Objective(o); len(problems) == 0 {
			of := service{o.Namespace, o.Spec.Service}
			times[of] = append(times[of], x.Exclusions...)
		}
	}
	if len(times) == 0 {
		return nil
	}
	return func(s observe.Signal) func(time.Time) bool {
		some := times[service{s.Namespace(), s.Workload()}]
		if len(some) == 0 {
			return nil
		}
		return func(at time.Time) bool { return slo.ExcludedAt(some, at) }
	}
}

// planned is what is planned as far as Objectives are followed; nil if nothing is.
func (d *daemon) planned() func(observe.Signal) func(time.Time) bool {
	if o := d.signals.objectives; o != nil {
		return plannedIn(o.store.All())
	}
	return nil
}
