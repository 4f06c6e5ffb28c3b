package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// ScaleTarget returns the field in which an autoscaler names its target, and
// the target's kind and name.
func ScaleTarget(o *graph.Object) (at tree.Node, kind, name string) {
	field := "scaleTargetRef"
	if o.Kind == "VerticalPodAutoscaler" {
		field = "targetRef"
	}
	at = o.Spec().Get(field)
	kind, name = at.Get("kind").Text(), at.Get("name").Text()
	if kind == "" && o.Kind == "ScaledObject" {
		kind = "Deployment"
	}
	return at, kind, name
}

// linkScaling links autoscalers to their targets.
func linkScaling(g *graph.Graph) {
	for _, kind := range [...]string{"HorizontalPodAutoscaler", "VerticalPodAutoscaler", "ScaledObject"} {
		for _, o := range g.Kind(kind) {
			at, target, name := ScaleTarget(o)
			if name == "" || target == "" {
				continue
			}
			refer(g, &graph.Reference{Kind: graph.Scales, From: o, At: at.Get("name"), TargetKind: target, Namespace: o.Namespace, Name: name, Role: "target"})
		}
	}
}

// BudgetSelector reads the selector of a PodDisruptionBudget. In policy/v1 an
// empty one selects every pod of the namespace, in v1beta1 none; an absent one
// selects none.
func BudgetSelector(o *graph.Object) (s Selector, at tree.Node) {
	at = o.Spec().Get("selector")
	s, err := LabelSelector(at)
	if err != nil || (o.Version() == "v1beta1" && s.Empty()) {
		s, _ = LabelSelector(tree.Node{})
	}
	return s, at
}

// linkBudgets links PodDisruptionBudgets to the workloads they select.
func linkBudgets(g *graph.Graph) {
	for _, o := range g.Kind("PodDisruptionBudget") {
		s, at := BudgetSelector(o)
		linkPods(g, graph.Selects, o, at, Pick(g, o.Namespace, s))
	}
}
