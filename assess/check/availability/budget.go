package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// budget is what a PodDisruptionBudget asks of the workloads it selects.
type budget struct {
	// at is the field that sets the limit.
	at tree.Node
	// low and high are the fewest and the most pods that the selected
	// workloads ask for together; they differ where an autoscaler decides.
	low, high int64
	// scaler is an autoscaler of one of the workloads.
	scaler *graph.Object
	// workloads are those selected; known is false if the number of pods of
	// one of them is not in the files.
	workloads []*graph.Object
	known     bool
}

func newBudget(o *graph.Object) budget {
	b := budget{at: o.Spec().Get("maxUnavailable"), known: true}
	if b.at.IsNull() {
		b.at = o.Spec().Get("minAvailable")
	}
	for e := range o.Out(graph.Selects) {
		w := e.To
		b.workloads = append(b.workloads, w)
		if _, scalable := w.Pod.Replicas(); !scalable {
			b.known = false
			continue
		}
		low, high, ok := span(w)
		b.known = b.known && ok
		b.low, b.high = b.low+low, b.high+high
		if s := scaler(w); s != nil {
			b.scaler = s
		}
	}
	return b
}

// span returns the fewest and the most replicas that a workload may have.
func span(o *graph.Object) (low, high int64, known bool) {
	s := scaler(o)
	if s == nil {
		r := o.Spec().Get("replicas")
		n, ok := r.Int()
		if r.IsNull() {
			n, ok = 1, true
		}
		return n, n, ok
	}
	least, most, fewest, greatest := "minReplicas", "maxReplicas", int64(1), int64(0)
	if s.Kind == "ScaledObject" {
		least, most, fewest, greatest = "minReplicaCount", "maxReplicaCount", 0, 100
	}
	low = s.Spec().Get(least).IntOr(fewest)
	high = s.Spec().Get(most).IntOr(greatest)
	return low, max(low, high), s.Spec().Get(least).IsNull() || s.Spec().Get(least).Kind() == tree.Int
}

// spare returns how many of n pods the budget lets go; ok is false if the
// limit cannot be read. Percentages are rounded up, as the controller does.
func (b *budget) spare(n int64) (spare int64, ok bool) {
	v, ok := share(b.at, n, true)
	if !ok {
		return 0, false
	}
	if b.at.Key().Text() == "minAvailable" {
		return max(0, n-v), true
	}
	return v, true
}

// never reports whether the limit allows no eviction for any number of pods.
func (b *budget) never() bool {
	if b.at.Key().Text() == "minAvailable" {
		return b.at.Text() == "100%"
	}
	return b.at.Text() == "0" || b.at.Text() == "0%"
}

// allowOne adds the change that lets one of at least two pods be evicted at a
// time; with a single pod that would take the service away.
func (b *budget) allowOne(r *check.Result, pods int64) {
	if !b.known || pods < 2 {
		return
	}
	if b.at.Key().Text() != "minAvailable" {
		r.Set("1")
		return
	}
	r.Remove().SetIn(b.at.Parent(), "maxUnavailable", "1")
}

// budgeted reports whether a budget of the unit, or of another unit for the
// same namespace, selects the pods.
func budgeted(p *check.Pass, o *graph.Object) bool {
	for e := range o.In(graph.Selects) {
		if e.From.Kind == "PodDisruptionBudget" {
			return true
		}
	}
	if o.Namespace == "" {
		return false
	}
	for _, g := range p.Others {
		for _, pdb := range g.Kind("PodDisruptionBudget") {
			if pdb.Namespace != o.Namespace {
				continue
			}
			if s, _ := wire.BudgetSelector(pdb); s.Matches(o.Pod.Labels()) {
				return true
			}
		}
	}
	return false
}
