// Package health tells the health of objects.
//
// PLACEHOLDER of the operator engineer so that others can build: the owner of deliver/health replaces this file.
package health

type Status string

const (
	Healthy     Status = "healthy"
	Progressing Status = "progressing"
	Failed      Status = "failed"
	Suspended   Status = "suspended"
	Terminating Status = "terminating"
	Unknown     Status = "unknown"
)

type Health struct {
	Status          Status
	Reason, Message string
}

func Aggregate(l []Health) Health {
	for _, h := range l {
		if h.Status != Healthy {
			return h
		}
	}
	return Health{Status: Healthy}
}

type Options struct{}
type Evaluator struct{}

func NewEvaluator(Options) *Evaluator { return &Evaluator{} }
func (*Evaluator) Evaluate(b map[string]any) Health {
	if b["kind"] == "Deployment" {
		st, _ := b["status"].(map[string]any)
		sp, _ := b["spec"].(map[string]any)
		m, _ := b["metadata"].(map[string]any)
		if st["observedGeneration"] == m["generation"] && (sp["replicas"] == int64(0) || st["availableReplicas"] == sp["replicas"] && st["updatedReplicas"] == sp["replicas"]) {
			return Health{Status: Healthy}
		}
		return Health{Status: Progressing, Message: "rolling out"}
	}
	return Health{Status: Healthy}
}
