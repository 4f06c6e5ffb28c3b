package watch

import (
	"math"
	"strconv"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// MonitorOf makes a watch of an expression of somebody's own.
func MonitorOf(name, expr string) Watch {
	return Watch{Name: "monitor/" + name, Golden: Monitor, What: name, Expr: expr}
}

// MaxMonitorSeries is how many series of a monitor of an Application are followed.
const MaxMonitorSeries = 100

// MonitorsOf makes watches of what an Application names. Their signals belong to its
// namespace, whatever labels their series have: nobody speaks in another's name. A
// monitor that is none is left out, and told by the error.
func MonitorsOf(app *v1alpha1.Application) (all []Watch, err error) {
	for _, m := range app.Spec.Monitors {
		w := MonitorOf(app.Namespace+"/"+app.Name+"/"+m.Name, m.Expr)
		w.What, w.Unit = m.Name, m.Unit
		w.Namespace, w.Workload = app.Namespace, app.Name
		switch m.Worse {
		case "Higher":
			w.Direction = anomaly.Above
		case "Lower":
			w.Direction = anomaly.Below
		}
		if m.LeastChange != "" {
			v, bad := strconv.ParseFloat(m.LeastChange, 64)
			if bad != nil || v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
				err = fault.New(fault.Invalid, "follow", "spec.monitors "+m.Name+" of "+app.Namespace+"/"+app.Name, "leastChange is no number from 0 on", `write it as "0.5"`)
				continue
			}
			w.MinEffect = v
		}
		all = append(all, w)
	}
	return all, err
}
